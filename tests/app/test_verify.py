"""The environment's checks now, without deploying anything."""

from __future__ import annotations

from reconciler.app.verify import verify
from reconciler.domain.check import Check, Latency
from reconciler.domain.environment import Gate, Unpinned
from reconciler.domain.gate import Judgement
from reconciler.domain.severity import Verdict
from tests.app.scene import Scene
from tests.bed.fake_container import Behaviour
from tests.bed.fake_outside import BAD, NO_EVIDENCE, UNREADY
from tests.domain.values import PROJECT, check, environment, svc

CHECKED = environment(gate=Gate(30.0, 600.0, (check(),)))


def verified(scene: Scene, timeout: float = 10.0) -> Judgement:
    scene.world.calls.clear()
    judgement = verify(scene.host, scene.desired, scene.world.observe(PROJECT), timeout_seconds=timeout)
    assert scene.world.calls == [], "it changes nothing"
    return judgement


def test_what_works_passes_without_soak() -> None:
    scene = Scene((svc("web"), svc("job", one_shot=True)), env=CHECKED)
    scene.behave("job", "1", Behaviour(crashes=0))
    scene.up()
    before = scene.clock.passed
    assert verified(scene).verdict is Verdict.PASS
    assert scene.clock.passed == before


def test_a_service_that_is_missing_fails() -> None:
    scene = Scene((svc("web"), svc("db")), env=CHECKED).up()
    scene.world.vanish("shop-db-1")
    assert verified(scene).reason == "db: it is not there"


def test_a_service_that_is_there_under_another_name_only_is_missing() -> None:
    scene = Scene((svc("web"),), env=CHECKED).up()
    scene.world.named("shop-web-1").name = "shop-web-1.predecessor"
    assert verified(scene).reason == "web: it is not there"


def test_an_unmanaged_service_is_nobodys_business() -> None:
    env = environment(unpinned=Unpinned.IGNORE)
    scene = Scene((svc("web"), svc("db", pinned=False)), env=env).up()
    assert verified(scene).verdict is Verdict.PASS


def test_a_stopped_container_fails() -> None:
    scene = Scene((svc("web", restart="no"),), env=CHECKED).up()
    scene.world.crash("shop-web-1", 3)
    assert verified(scene).reason == "shop-web-1: exited with 3"


def test_a_check_that_does_not_get_ready_fails_when_its_time_is_up() -> None:
    scene = Scene((svc("web"),), env=CHECKED).up()
    scene.answer("front", lambda _: UNREADY)
    before = scene.clock.passed
    assert verified(scene, timeout=7.0).verdict is Verdict.FAIL
    assert 7.0 <= scene.clock.passed - before < 8.0


def test_a_bad_check_fails_with_its_third_answer_already() -> None:
    scene = Scene((svc("web"),), env=CHECKED).up()
    scene.answer("front", lambda _: BAD)
    before, asked = scene.clock.passed, scene.asked("front")
    assert verified(scene, timeout=7.0).verdict is Verdict.FAIL
    assert scene.asked("front") - asked == 3
    assert scene.clock.passed - before < 1.0


def test_what_is_compared_with_before_is_left_out() -> None:
    slow = Check("slow", Latency("front"))
    scene = Scene((svc("web"),), env=environment(gate=Gate(30.0, 0.0, (check(), slow))))
    scene.up()
    judgement = verified(scene)
    assert judgement.verdict is Verdict.PASS
    assert [tally.subject for tally in judgement.tallies] == ["check front", "shop-web-1"]


def test_a_probe_that_cannot_work_is_inconclusive() -> None:
    scene = Scene((svc("web"),), env=CHECKED).up()
    scene.answer("front", lambda _: NO_EVIDENCE)
    assert verified(scene).verdict is Verdict.INCONCLUSIVE


def test_restarts_of_long_ago_do_not_count() -> None:
    scene = Scene((svc("web"),), env=CHECKED).up()
    scene.world.named("shop-web-1").restarts = 7
    assert verified(scene).verdict is Verdict.PASS
