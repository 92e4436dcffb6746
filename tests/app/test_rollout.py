"""A release under way: kept, or undone. Containers and calls are shown without `shop-`."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from reconciler.app.rollout import Rollout
from reconciler.domain.desired import Condition, Dependency, Order, Port
from reconciler.domain.diff import diff
from reconciler.domain.environment import Gate
from reconciler.domain.report import Outcome, Result
from reconciler.domain.severity import Verdict
from reconciler.errors import ComposeFailed, EngineFailed, EngineUnreachable, PullFailed, Stale
from tests.app.scene import FILES, Scene
from tests.bed.fake_container import Behaviour
from tests.bed.fake_outside import BAD, NO_EVIDENCE
from tests.domain.values import PROJECT, check, digest, environment, image, once, svc

CRASHES = Behaviour(crashes=3, logs="one\ntwo\n")
DATA = Behaviour(volumes=("/data",))


def released(scene: Scene) -> Outcome:
    outcome = scene.once()
    assert outcome is not None
    return outcome


def steps(scene: Scene, *verbs: str) -> list[str]:
    """The calls of these kinds, without hashes and ids."""
    return [" ".join(call.split()[:3]) for call in scene.did if call.split()[0] in verbs]


# --- kept --------------------------------------------------------------------------------------------


def test_the_whole_sequence_of_a_replacement() -> None:
    scene = Scene((svc("web"), svc("db"))).up()
    scene.release(web="2")
    assert released(scene).result is Result.CONVERGED
    assert [line.partition(" sha256")[0] for line in scene.did[3:9]] == [
        "remove web-2",
        "rename web-1 web-1.predecessor",
        "rename web-1.successor web-1",
        "set_restart_policy web-1.predecessor no",
        "stop web-1.predecessor",
        "start web-1",
    ]
    assert scene.there() == "db-1=1 web-1=2"
    assert scene.plan == "No changes."


def test_nothing_is_touched_that_did_not_change() -> None:
    scene = Scene((svc("web"), svc("db"))).up()
    before = scene.world.named("shop-db-1")
    scene.release(web="2")
    released(scene)
    assert scene.world.named("shop-db-1") is before
    assert not [call for call in scene.did if "db-1" in call]


def test_dependencies_are_switched_first() -> None:
    scene = Scene((svc("web", needs=["api"]), svc("api", needs=["db"]), svc("db"))).up()
    scene.release(web="2", api="2", db="2")
    released(scene)
    assert steps(scene, "start") == ["start db-1", "start api-1", "start web-1"]


def test_predecessors_go_only_after_everything_was_switched() -> None:
    scene = Scene((svc("api"), svc("web"))).up()
    scene.release(web="2", api="2")
    released(scene)
    removed = [index for index, call in enumerate(scene.did) if call.startswith("remove") and "pred" in call]
    started = [index for index, call in enumerate(scene.did) if call.startswith("start")]
    assert max(started) < min(removed)


def test_the_image_that_ran_before_is_protected_by_a_tag() -> None:
    scene = Scene((svc("web"),)).up()
    before = scene.world.observe("shop").of("web")[0].image_id
    scene.release(web="2")
    released(scene)
    assert scene.world.image_tags["registry/web:rollback"] == before


def test_anonymous_volumes_go_over_to_the_successor() -> None:
    scene = Scene((svc("web"),))
    for version in "12":
        scene.behave("web", version, DATA)
    scene.up()
    volumes = dict(scene.world.named("shop-web-1").volumes)
    scene.release(web="2")
    released(scene)
    assert scene.world.named("shop-web-1").volumes == volumes
    assert scene.world.volumes == set(volumes.values()), "the template's fresh volume is gone"


def test_start_first_starts_before_it_stops() -> None:
    scene = Scene((svc("web", order=Order.START_FIRST),)).up()
    scene.release(web="2")
    outcome = released(scene)
    assert steps(scene, "start", "stop")[:2] == ["start web-1.successor", "stop web-1.predecessor"]
    assert outcome.gap_seconds == {"web": 0.0}


def test_stop_first_measures_the_gap() -> None:
    scene = Scene((svc("web"),)).up()
    scene.release(web="2")
    assert set(released(scene).gap_seconds) == {"web"}


def test_a_service_waits_until_what_it_needs_is_healthy() -> None:
    needs = Dependency("db", Condition.HEALTHY)
    scene = Scene((svc("db"), svc("web", needs=[needs])))
    scene.behave("db", "1", Behaviour(healthy_after=4))
    assert released(scene).result is Result.CONVERGED
    assert steps(scene, "start") == ["start db-1", "start web-1"]
    assert scene.clock.passed > 0


def test_a_service_waits_until_a_one_shot_is_done_and_does_not_start_when_it_fails() -> None:
    services = (svc("migrate", one_shot=True), svc("api", needs=[once("migrate")]))
    scene = Scene(services)
    scene.behave("migrate", "1", Behaviour(crashes=0))
    scene.up()
    scene.release(migrate="2", api="2")
    scene.behave("migrate", "2", CRASHES)
    outcome = released(scene)
    assert outcome.result is Result.ROLLED_BACK
    assert "exited with 3" in outcome.judgement.reason
    assert scene.there() == "api-1=1 [migrate-1=1]"
    assert not any("api" in call and call.startswith("start") for call in scene.did)


def test_scaled_down_in_the_same_release() -> None:
    scene = Scene((svc("web", replicas=3),)).up()
    scene.define(svc("web", "2", replicas=1))
    released(scene)
    assert scene.there() == "web-1=2"


def test_scaled_up_in_the_same_release() -> None:
    scene = Scene((svc("web"),)).up()
    scene.define(svc("web", "2", replicas=3))
    released(scene)
    assert scene.there() == "web-1=2 web-2=2 web-3=2"


def test_container_name_is_kept() -> None:
    scene = Scene((svc("web", container_name="front"),)).up()
    scene.define(svc("web", "2", container_name="front"))
    released(scene)
    assert (scene.there(), scene.plan) == ("front=2", "No changes.")


def test_a_new_service_may_join_one_that_is_replaced() -> None:
    scene = Scene((svc("vpn"),)).up()
    scene.define(svc("vpn", "2"), svc("app", network_of="vpn"), svc("log", network_of="app"))
    assert released(scene).result is Result.CONVERGED
    assert (scene.there(), scene.plan) == ("app-1=1 log-1=1 vpn-1=2", "No changes.")
    assert scene.world.cut_off() == ()


def test_what_cannot_be_removed_is_noted_and_does_not_spoil_a_good_release() -> None:
    scene = Scene((svc("web"),)).up()
    scene.release(web="2")
    scene.world.fail(
        "remove",
        error=EngineFailed("it is busy"),
        matching=lambda c: _name(scene, c).endswith(".predecessor"),
    )
    outcome = released(scene)
    assert (outcome.result, outcome.notes) == (Result.CONVERGED, ("it is busy",))
    scene.once()
    assert scene.there() == "web-1=2"


def _name(scene: Scene, container: object) -> str:
    return scene.world.containers[str(container)].name


# --- undone ------------------------------------------------------------------------------------------


def test_a_release_that_crashes_is_undone() -> None:
    scene = Scene((svc("web", restart="no"),)).up()
    before = scene.world.named("shop-web-1")
    scene.behave("web", "2", CRASHES)
    scene.release(web="2")
    outcome = released(scene)
    assert outcome.result is Result.ROLLED_BACK
    assert outcome.judgement.reason == "shop-web-1: exited with 3"
    assert outcome.restored is not None
    assert outcome.restored.verdict is Verdict.PASS
    assert outcome.excerpts == {"shop-web-1": "one\ntwo\n"}
    assert scene.world.named("shop-web-1") is before, "the same container, and not another of its kind"
    assert before.policy == "no"
    assert scene.there() == "web-1=1"


@pytest.mark.parametrize("joins", ["", "db"])
def test_a_container_that_is_made_without_its_dependencies_is_none_the_different(joins: str) -> None:
    """Compose forgets what it was not asked to create as well, also in the hash."""
    scene = Scene((svc("db"), svc("web", needs=["db"], network_of=joins))).up()
    scene.world.vanish("shop-web-1")
    outcome = scene.once()
    assert outcome is not None
    assert outcome.result is Result.CONVERGED
    assert scene.plan == "No changes."
    assert scene.there() == "db-1=1 web-1=1"


def test_a_release_is_undone_as_a_whole_and_in_reverse() -> None:
    scene = Scene((svc("db"), svc("api", needs=["db"]), svc("web", needs=["api"]))).up()
    scene.behave("web", "2", CRASHES)
    scene.release(db="2", api="2", web="2")
    assert released(scene).result is Result.ROLLED_BACK
    assert scene.there() == "api-1=1 db-1=1 web-1=1"
    back = [call for call in steps(scene, "start") if call.endswith(".predecessor")]
    assert back == ["start web-1.predecessor", "start api-1.predecessor", "start db-1.predecessor"]


def test_what_joins_comes_back_after_what_it_joins() -> None:
    scene = Scene((svc("vpn"), svc("app", network_of="vpn"))).up()
    scene.behave("app", "2", CRASHES)
    scene.release(vpn="2", app="2")
    assert released(scene).result is Result.ROLLED_BACK
    back = [call for call in steps(scene, "start") if call.endswith(".predecessor")]
    assert back == ["start vpn-1.predecessor", "start app-1.predecessor"]
    assert scene.there() == "app-1=1 vpn-1=1"
    assert scene.world.cut_off() == ()


def test_what_joins_and_was_not_reached_joins_again() -> None:
    scene = Scene((svc("vpn"), svc("app", network_of="vpn"))).up()
    scene.behave("vpn", "2", Behaviour(refuses="no such device"))
    scene.release(vpn="2", app="2")
    assert released(scene).result is Result.ROLLED_BACK
    assert scene.there() == "app-1=1 vpn-1=1"
    assert scene.world.cut_off() == ()


def test_the_restart_policy_comes_back() -> None:
    scene = Scene((svc("web", restart="on-failure:5"),)).up()
    scene.behave("web", "2", CRASHES)
    scene.release(web="2")
    released(scene)
    assert scene.world.named("shop-web-1").policy == "on-failure:5"


def test_surplus_runs_again() -> None:
    scene = Scene((svc("web", replicas=3),)).up()
    scene.behave("web", "2", CRASHES)
    scene.define(svc("web", "2", replicas=1))
    assert released(scene).result is Result.ROLLED_BACK
    assert scene.there() == "web-1=1 web-2=1 web-3=1"


def test_start_first_never_stops_for_a_release_that_does_not_get_ready() -> None:
    scene = Scene((svc("web", order=Order.START_FIRST),)).up()
    scene.behave("web", "2", CRASHES)
    scene.release(web="2")
    outcome = released(scene)
    assert outcome.result is Result.ROLLED_BACK
    assert not [
        call for call in steps(scene, "stop", "rename") if not call.startswith("stop web-1.successor")
    ]
    assert scene.there() == "web-1=1"


def test_what_was_restarted_for_a_new_dependency_is_restarted_for_the_one_that_is_back() -> None:
    services = (svc("db"), svc("api", needs=[Dependency("db", restart=True)]))
    scene = Scene(services, env=environment(gate=Gate(5.0, 0.0, (check(),)))).up()
    scene.answer("front", lambda _: BAD)
    scene.release(db="2")
    released(scene)
    assert steps(scene, "start").count("start api-1") == 2
    assert scene.there() == "api-1=1 db-1=1"


def test_a_first_deploy_that_fails_has_nothing_to_go_back_to() -> None:
    scene = Scene((svc("web"), svc("db")))
    scene.behave("web", "1", CRASHES)
    outcome = released(scene)
    assert outcome.result is Result.ROLLBACK_FAILED
    assert scene.there() == "", "what is new goes again"


def test_a_predecessor_that_does_not_come_back_makes_the_rollback_fail() -> None:
    scene = Scene((svc("web"),)).up()
    scene.behave("web", "2", CRASHES)
    scene.release(web="2")
    scene.world.named("shop-web-1").behaviour = Behaviour(refuses="the disk is broken")
    outcome = released(scene)
    assert outcome.result is Result.ROLLBACK_FAILED
    assert outcome.restored is not None
    assert "the disk is broken" in outcome.restored.reason
    assert "the disk is broken" in outcome.notes[0]


def test_a_predecessor_that_comes_back_and_is_not_well_makes_the_rollback_fail() -> None:
    scene = Scene((svc("web"),), env=environment(gate=Gate(5.0, 0.0, (check(),)))).up()
    scene.release(web="2")
    scene.answer("front", lambda _: BAD)
    outcome = released(scene)
    assert outcome.result is Result.ROLLBACK_FAILED
    assert outcome.restored is not None
    assert outcome.restored.verdict is Verdict.FAIL
    assert scene.running() == "web-1=1", "it runs all the same"


def test_a_probe_that_cannot_work_is_no_pass() -> None:
    scene = Scene((svc("web"),), env=environment(gate=Gate(5.0, 0.0, (check(),)))).up()
    scene.release(web="2")
    scene.answer("front", lambda _: NO_EVIDENCE)
    outcome = released(scene)
    assert outcome.judgement.verdict is Verdict.INCONCLUSIVE
    assert scene.running() == "web-1=1"


def test_a_repair_that_does_not_help_is_a_failure_and_no_rollback() -> None:
    scene = Scene((svc("web", restart="no"),)).up()
    scene.world.named("shop-web-1").behaviour = CRASHES
    scene.world.crash("shop-web-1", 3)
    assert released(scene).result is Result.FAILED
    assert scene.there() == "[web-1=1]"


def test_a_rollback_needs_neither_registry_nor_compose() -> None:
    scene = Scene((svc("web"),)).up()
    scene.behave("web", "2", CRASHES)
    scene.release(web="2")
    released(scene)
    calls = [call.split()[0] for call in scene.did]
    after = calls[len(calls) - calls[::-1].index("start") - 1 :]
    assert not {"pull", "create", "create_templates", "succeed"} & set(after)


# --- interrupted by a signal -------------------------------------------------------------------------


def test_interrupted_in_the_soak_it_is_undone() -> None:
    scene = Scene((svc("web"),), env=environment(gate=Gate(30.0, 60.0))).up()
    scene.release(web="2")
    scene.interrupted = lambda: (
        scene.clock.passed > 100.0 and "start shop-web-1" in map(" ".join, scene.world.calls)
    )
    scene.clock.passed = 99.0
    outcome = released(scene)
    assert outcome.judgement.verdict is Verdict.INCONCLUSIVE
    assert "interrupted" in outcome.judgement.reason
    assert (outcome.result, scene.there()) == (Result.ROLLED_BACK, "web-1=1")


def test_interrupted_between_two_services_all_are_undone() -> None:
    scene = Scene((svc("api"), svc("web", needs=["api"]))).up()
    scene.release(api="2", web="2")
    scene.interrupted = lambda: ("start", "shop-api-1") in scene.world.calls
    outcome = released(scene)
    assert (outcome.result, scene.there()) == (Result.ROLLED_BACK, "api-1=1 web-1=1")


def test_interrupted_while_preparing_nothing_is_left() -> None:
    scene = Scene((svc("web"),)).up()
    scene.release(web="2")
    scene.interrupted = lambda: True
    with pytest.raises(Stale, match="interrupted"):
        scene.once()
    assert scene.there() == "web-1=1"


# --- preparation: whatever fails, nothing was touched ------------------------------------------------


def untouched(scene: Scene) -> bool:
    return not steps(scene, "stop", "start", "rename", "set_restart_policy")


def test_an_image_that_cannot_be_pulled_touches_no_other_service() -> None:
    scene = Scene((svc("web"), svc("db"))).up()
    scene.release(web="2", db="2")
    scene.world.local.discard(f"registry/web@{digest('2')}")
    scene.world.registry = set()
    with pytest.raises(PullFailed):
        scene.once()
    assert untouched(scene)
    assert scene.there() == "db-1=1 web-1=1"


def test_what_is_missing_is_pulled_by_digest() -> None:
    scene = Scene((svc("web"),)).up()
    scene.world.pins["web"] = image("web", "2")
    assert released(scene).result is Result.CONVERGED
    assert [call for call in scene.did if call.startswith("pull")] == [f"pull {image('web', '2')}"]


def test_an_unpinned_image_is_pulled_by_the_digest_that_its_tag_has_now() -> None:
    scene = Scene(())
    tool = replace(svc("tool", pinned=False), image="registry/tool:5")
    scene.world.services = (tool,)
    scene.registry.digests["registry/tool:5"] = digest("5")
    with pytest.raises(ComposeFailed):  # the fake knows no tags, and so Compose does not find it
        scene.once()
    assert scene.did[:2] == [
        f"pull registry/tool:5@{digest('5')}",
        f"tag registry/tool@{digest('5')} registry/tool 5",
    ]


@pytest.mark.parametrize("free", [0, 256 * 2**20 - 1])
def test_a_full_disk_is_found_out_before_anything_is_pulled(free: int) -> None:
    scene = Scene((svc("web"),)).up()
    scene.world.pins["web"] = image("web", "2")
    scene.world.free = free
    with pytest.raises(PullFailed, match="MiB are free"):
        scene.once()
    assert [call.split()[0] for call in scene.did] == ["tag"], "the way back is protected, and that is all"


def test_room_that_cannot_be_told_does_not_matter() -> None:
    scene = Scene((svc("web"),)).up()
    scene.world.pins["web"] = image("web", "2")
    scene.world.free = None
    assert released(scene).result is Result.CONVERGED


def test_a_port_that_another_project_holds_is_found_out_before_anything_is_stopped() -> None:
    scene = Scene((svc("web", ports=(Port("", 80),)),)).up()
    scene.define(svc("web", "2", ports=(Port("", 81),)))
    scene.world.foreign_ports = {"0.0.0.0:81/tcp": ("f" * 64, "somebody")}
    with pytest.raises(EngineFailed, match="which container somebody holds"):
        scene.once()
    assert untouched(scene)


def test_our_own_port_is_no_obstacle() -> None:
    scene = Scene((svc("web", ports=(Port("", 80),)),)).up()
    scene.define(svc("web", "2", ports=(Port("", 80),)))
    assert released(scene).result is Result.CONVERGED


@pytest.mark.parametrize("error", [EngineFailed("no room"), EngineUnreachable("gone")])
def test_successors_that_cannot_all_be_made_leave_nothing_behind(
    error: EngineFailed | EngineUnreachable,
) -> None:
    scene = Scene((svc("api", replicas=2), svc("web"))).up()
    scene.define(svc("api", "2", replicas=2), svc("web", "2"), svc("new"))
    counter = itertools.count(1)
    scene.world.fail("succeed", error=error, matching=lambda *_: next(counter) == 2)
    with pytest.raises(type(error)):
        scene.once()
    assert untouched(scene)
    assert scene.there() == "api-1=1 api-2=1 web-1=1"


def test_compose_failing_halfway_leaves_nothing_behind() -> None:
    scene = Scene((svc("web"),)).up()
    scene.define(svc("web"), svc("new"))
    scene.world.fail("create", error=ComposeFailed("a mount is not there"), after=True)
    with pytest.raises(ComposeFailed):
        scene.once()
    assert scene.there() == "web-1=1"


def test_templates_of_a_compose_that_failed_halfway_go_again() -> None:
    scene = Scene((svc("web"),)).up()
    scene.release(web="2")
    scene.world.fail("create_templates", error=ComposeFailed("a mount is not there"), after=True)
    with pytest.raises(ComposeFailed):
        scene.once()
    assert scene.there() == "web-1=1"


def test_files_that_change_while_they_are_read_are_stale() -> None:
    """What was verified is what is created: another pin in between is noticed on the container."""
    scene = Scene((svc("web"),)).up()
    scene.release(web="2")
    desired, there, plan = scene.look()
    scene.release(web="3")
    with pytest.raises(Stale, match="is pinned"):
        Rollout(scene.host, desired, FILES, plan, there, 0).run()
    assert scene.there() == "web-1=1"


def test_a_container_that_is_made_again_and_fails_is_no_release_that_was_undone() -> None:
    """What Git pins did not move: there is nothing to go back to, and nothing to be blocked."""
    scene = Scene((svc("web"), svc("db"))).up()
    scene.world.vanish(f"{PROJECT}-web-1")
    scene.behave("web", "1", CRASHES)
    desired, there, _ = scene.look()
    kept = {service.name: service.config_hash for service in desired.services}
    plan = diff(desired, there, kept)
    assert Rollout(scene.host, desired, FILES, plan, there, 0).run().result is Result.FAILED
    assert "web-1=1" in scene.there()
