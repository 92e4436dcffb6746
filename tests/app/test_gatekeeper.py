"""Samples until there is a verdict, on a clock that never sleeps."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.app.gatekeeper import await_conditions, gate
from reconciler.app.samplers import Subject, examine
from reconciler.domain.desired import Condition
from reconciler.domain.environment import Gate
from reconciler.domain.gate import Evidence, Judgement
from reconciler.domain.observed import Health, State, Vitals
from reconciler.domain.severity import Verdict
from reconciler.errors import EngineUnreachable
from tests.app.scene import Scene
from tests.bed.fake_container import Behaviour
from tests.domain.values import svc

SOAK = Gate(timeout_seconds=30.0, soak_seconds=60.0)


def stage(behaviour: Behaviour | None = None, *, restart: str = "always") -> tuple[Scene, Subject]:
    """One container that was just started."""
    service = svc("web", restart=restart)
    scene = Scene((service,))
    scene.behave("web", "1", behaviour or Behaviour())
    scene.world.create(scene.env, (), {"web": 1})
    container = scene.world.named("shop-web-1")
    scene.world.start(container.id)
    return scene, Subject(container.id, service)


# --- containers --------------------------------------------------------------------------------------


def vitals(state: State = State.RUNNING, **changes: object) -> Vitals:
    plain: dict[str, object] = {
        "id": "id", "name": "shop-web-1", "state": state, "health": Health.NONE, "exit_code": 0,
        "restart_count": 0, "started_at": "now", "oom_killed": False, "error": "",
    }  # fmt: skip
    return Vitals(**{**plain, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("seen", "evidence", "detail", "final"),
    [
        (vitals(), Evidence.GOOD, "running", False),
        (vitals(health=Health.HEALTHY), Evidence.GOOD, "healthy", False),
        (vitals(health=Health.STARTING), Evidence.UNREADY, "its health check has not passed yet", False),
        (vitals(health=Health.UNHEALTHY), Evidence.BAD, "its health check says unhealthy", True),
        (vitals(restart_count=1, exit_code=3), Evidence.BAD, "restarted 1 times (exit code 3)", False),
        (vitals(restart_count=3, exit_code=3), Evidence.BAD, "restarted 3 times (exit code 3)", True),
        (
            vitals(restart_count=1, exit_code=137, oom_killed=True),
            Evidence.BAD,
            "restarted 1 times (exit code 137, out of memory)",
            False,
        ),
        # The engine says 0 of what runs again, whatever it ended with.
        (vitals(restart_count=1), Evidence.BAD, "restarted 1 times", False),
        (vitals(restart_count=1, oom_killed=True), Evidence.BAD, "restarted 1 times (out of memory)", False),
        (vitals(State.RESTARTING, exit_code=1), Evidence.BAD, "restarting with 1", False),
        (vitals(State.EXITED, exit_code=1), Evidence.BAD, "exited with 1", True),
        (vitals(State.EXITED), Evidence.BAD, "exited with 0", True),
        (
            vitals(State.CREATED, exit_code=128, error="no such file"),
            Evidence.BAD,
            "created with 128: no such file",
            True,
        ),
        (vitals(State.PAUSED), Evidence.BAD, "paused with 0", True),
        (vitals(State.DEAD), Evidence.BAD, "dead with 0", True),
        (None, Evidence.BAD, "it is gone", True),
    ],
)
def test_one_look(seen: Vitals | None, evidence: Evidence, detail: str, final: bool) -> None:
    sample = examine(Subject("id", svc("web")), seen, 1.0)
    assert (sample.evidence, sample.detail, sample.final) == (evidence, detail, final)


def test_restarts_before_the_gate_do_not_count() -> None:
    seen = vitals(restart_count=5)
    assert examine(Subject("id", svc("web"), restarts=5), seen, 0.0).evidence is Evidence.GOOD
    assert examine(Subject("id", svc("web"), restarts=4), seen, 0.0).evidence is Evidence.BAD


@pytest.mark.parametrize(("exit_code", "evidence"), [(0, Evidence.GOOD), (3, Evidence.BAD)])
def test_a_one_shot_may_end(exit_code: int, evidence: Evidence) -> None:
    done = vitals(State.EXITED, exit_code=exit_code)
    assert examine(Subject("id", svc("job", one_shot=True)), done, 0.0).evidence is evidence


def test_a_good_container_passes_at_once_without_soak() -> None:
    scene, subject = stage()
    judgement = gate(scene.host, [subject], Gate(30.0, 0.0))
    assert judgement.verdict is Verdict.PASS
    assert scene.clock.passed == 0.0


def test_a_container_that_gets_healthy_in_time_passes() -> None:
    scene, subject = stage(Behaviour(healthy_after=6))
    assert gate(scene.host, [subject], Gate(30.0, 0.0)).verdict is Verdict.PASS


def test_a_container_that_never_gets_healthy_times_out() -> None:
    scene, subject = stage(Behaviour(healthy_after=10**6))
    judgement = gate(scene.host, [subject], Gate(30.0, 0.0))
    assert judgement.verdict is Verdict.FAIL
    assert judgement.reason == "shop-web-1: its health check has not passed yet"
    assert 30.0 <= scene.clock.passed < 31.0


@pytest.mark.parametrize("restart", ["always", "unless-stopped", "on-failure:9"])
def test_a_crash_loop_that_reads_running_is_caught(restart: str) -> None:
    """A third of all looks at a crash loop read plain `running`."""
    scene, subject = stage(Behaviour(crashes=1, crashes_after=3), restart=restart)
    assert scene.world.named("shop-web-1").state is State.RUNNING
    judgement = gate(scene.host, [subject], SOAK)
    assert judgement.verdict is Verdict.FAIL
    assert judgement.reason == "shop-web-1: restarted 1 times (exit code 1)", "its first bad look"


def test_a_container_that_vanishes_in_the_soak_fails() -> None:
    scene, subject = stage()

    def vanish() -> bool:
        if scene.clock.passed > 5.0:
            scene.world.containers.clear()
        return False

    scene.interrupted = vanish
    judgement = gate(scene.host, [subject], SOAK)
    assert (judgement.verdict, judgement.reason) == (Verdict.FAIL, "shop-web-1: it is gone")


def test_one_of_many_that_fails_fails_all() -> None:
    scene, subject = stage()
    scene.world.create(scene.env, (), {"web": 2})
    other = scene.world.named("shop-web-2")
    judgement = gate(scene.host, [subject, Subject(other.id, subject.service)], SOAK)
    assert (judgement.verdict, judgement.reason) == (Verdict.FAIL, "shop-web-2: created with 0")


def test_an_interruption_is_inconclusive_and_quick() -> None:
    scene, subject = stage()
    scene.interrupted = lambda: True
    judgement = gate(scene.host, [subject], SOAK)
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert "interrupted" in judgement.reason
    assert judgement.decision is None, "it was not judged"
    assert scene.clock.passed == 0.0


def test_an_engine_that_goes_away_is_no_verdict() -> None:
    scene, subject = stage()
    scene.world.fail("inspect", error=EngineUnreachable("gone"))
    with pytest.raises(EngineUnreachable):
        gate(scene.host, [subject], SOAK)


def test_what_is_waited_for_is_told_when_it_changes() -> None:
    scene, subject = stage(Behaviour(healthy_after=6))
    told: list[str] = []
    gate(replace(scene.host, watching=told.append), [subject], Gate(30.0, 1.0))
    assert told == ["0 of 1 good, shop-web-1: its health check has not passed yet", "1 of 1 good"]


# --- dependencies ------------------------------------------------------------------------------------


def awaited(behaviour: Behaviour, condition: Condition, restart: str = "no") -> tuple[Judgement, Scene]:
    scene, subject = stage(behaviour, restart=restart)
    return await_conditions(scene.host, [(subject, condition)], 30.0), scene


@pytest.mark.parametrize(
    ("behaviour", "condition", "verdict", "reason"),
    [
        (Behaviour(), Condition.STARTED, Verdict.PASS, "ready"),
        (Behaviour(healthy_after=5), Condition.HEALTHY, Verdict.PASS, "ready"),
        (Behaviour(), Condition.HEALTHY, Verdict.FAIL, "shop-web-1: it has no health check to wait for"),
        (
            Behaviour(healthy_after=10**6),
            Condition.HEALTHY,
            Verdict.FAIL,
            "shop-web-1: its health check has not passed yet",
        ),
        (
            Behaviour(healthy_after=10**6, unhealthy_after=3),
            Condition.HEALTHY,
            Verdict.FAIL,
            "shop-web-1: its health check says unhealthy",
        ),
        (Behaviour(crashes=0, crashes_after=4), Condition.COMPLETED, Verdict.PASS, "ready"),
        (
            Behaviour(crashes=3, crashes_after=4),
            Condition.COMPLETED,
            Verdict.FAIL,
            "shop-web-1: exited with 3",
        ),
        (Behaviour(), Condition.COMPLETED, Verdict.FAIL, "shop-web-1: it has not completed yet"),
    ],
)
def test_what_a_dependent_waits_for(
    behaviour: Behaviour, condition: Condition, verdict: Verdict, reason: str
) -> None:
    judgement, scene = awaited(behaviour, condition)
    assert (judgement.verdict, judgement.reason) == (verdict, reason)
    assert scene.clock.passed < 32.0


def test_nothing_to_wait_for_is_ready() -> None:
    scene, _ = stage()
    assert await_conditions(scene.host, [], 30.0).verdict is Verdict.PASS


def test_waiting_can_be_interrupted() -> None:
    scene, subject = stage(Behaviour(healthy_after=10**6))
    scene.interrupted = lambda: scene.clock.passed > 3.0
    judgement = await_conditions(scene.host, [(subject, Condition.HEALTHY)], 30.0)
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert scene.clock.passed < 6.0
