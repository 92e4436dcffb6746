"""What a brake holds and what goes on, as plans."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from reconciler.domain.blocking import Good
from reconciler.domain.braking import Brake, brake, half_done, ways_back
from reconciler.domain.desired import Dependency, Service
from reconciler.domain.diff import diff
from reconciler.domain.observed import Instance, State
from reconciler.domain.plan import Change, Plan
from tests.bed.fake_clock import START
from tests.domain.values import COMPOSE, box, config_hash, desired, environment, image, observed, svc

PAUSED = Brake("paused by ada", drift=True)
FROZEN = Brake("frozen until 18:00 UTC")
BOTH = pytest.mark.parametrize("how", [PAUSED, FROZEN], ids=["paused", "frozen"])


def good(name: str, version: str, definition: str = "") -> Good:
    return Good(name, image(name, version), config_hash(name, version, definition), COMPOSE, "", START)


def braked(
    services: list[Service],
    boxes: list[Instance],
    how: Brake = PAUSED,
    *,
    kept: Mapping[str, str] | None = None,
    goods: tuple[Good, ...] = (),
    prune: bool = False,
) -> Plan:
    """The plan of a pass, braked. ``kept`` is version 1 of everything where nothing is said."""
    last = kept if kept is not None else {s.name: config_hash(s.name, "1") for s in services}
    wanted, there = desired(*services, env=environment(prune=prune)), observed(*boxes)
    plan = diff(wanted, there, last)
    going = ways_back(plan, wanted, there, goods) | half_done(plan)
    once = brake(plan, how, there, going)
    assert brake(once, how, there, going) == once
    return once


def shown(plan: Plan) -> list[str]:
    """What is the matter with each service, where something is."""
    return [f"{e.name} {e.change}: {e.cause}" for e in plan.entries if e.change is not Change.NONE]


# --- what is held -------------------------------------------------------------------------------------


@BOTH
def test_a_new_release_is_held(how: Brake) -> None:
    plan = braked([svc("api", "2"), svc("web")], [box("api-1"), box("web-1")], how)
    assert str(plan) == "No changes."
    assert shown(plan) == [f"api held: {how.why}"]
    assert plan.waves == ()


@BOTH
def test_a_changed_definition_is_held(how: Brake) -> None:
    plan = braked([svc("web", definition="new")], [box("web-1")], how)
    assert str(plan) == "No changes."
    assert shown(plan) == [f"web held: its definition changed; {how.why}"]


@BOTH
def test_a_new_service_is_held(how: Brake) -> None:
    plan = braked([svc("web")], [], how, kept={})
    assert shown(plan) == [f"web held: it is not there yet; {how.why}"]


@BOTH
def test_a_removal_is_held(how: Brake) -> None:
    plan = braked([svc("web")], [box("web-1"), box("old-1")], how, prune=True)
    assert shown(plan) == [f"old held: not in the Compose files (prune: true); {how.why}"]


@BOTH
def test_a_service_that_is_scaled_to_nothing_is_held(how: Brake) -> None:
    plan = braked([svc("web", replicas=0)], [box("web-1")], how)
    assert shown(plan) == [f"web held: scaled to 0; {how.why}"]


def test_a_pause_holds_replacements_because_of_drift() -> None:
    plan = braked([svc("web")], [box("web-1", definition="by hand")])
    assert shown(plan) == ["web held: its definition was changed on the host; paused by ada"]


def test_a_pause_leaves_what_somebody_started_besides() -> None:
    plan = braked([svc("web")], [box("web-1"), box("web-2")])
    assert shown(plan) == ["web held: 2 containers, 1 wanted; paused by ada"]


def test_a_freeze_lets_drift_be_repaired() -> None:
    boxes = [box("api-1", definition="by hand"), box("web-1"), box("web-2")]
    plan = braked([svc("api"), svc("web")], boxes, FROZEN)
    assert str(plan) == (
        "replace api (api-1): its definition was changed on the host\n"
        "remove web (web-2): 2 containers, 1 wanted"
    )


# --- what goes on -------------------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize("state", [State.EXITED, State.CREATED, State.PAUSED])
def test_what_does_not_run_is_started(how: Brake, state: State) -> None:
    assert str(braked([svc("web")], [box("web-1", state=state)], how)).startswith("start web (web-1)")


@BOTH
def test_what_was_removed_is_made_again(how: Brake) -> None:
    assert str(braked([svc("web")], [], how)) == "create web x1: removed outside Git"


@BOTH
def test_a_missing_replica_is_made_again(how: Brake) -> None:
    plan = braked([svc("web", replicas=2)], [box("web-1")], how, kept={})
    assert str(plan) == "create web x1: 1 of 2 containers are there"


@BOTH
def test_leftovers_go(how: Brake) -> None:
    boxes = [box("web-1"), box("web-1.successor", "2", State.CREATED)]
    plan = braked([svc("web")], boxes, how)
    assert str(plan) == "remove web (web-1.successor): left over by an interrupted pass"


@BOTH
def test_what_crashed_and_would_be_replaced_is_started_as_it_is(how: Brake) -> None:
    plan = braked([svc("web", "2")], [box("web-1", state=State.EXITED, exit_code=1)], how)
    assert str(plan) == "start web (web-1): exited with 1"
    assert shown(plan) == [f"web drift: exited with 1; {how.why}"]
    assert plan.entries[0].after == image("web", "1")
    assert plan.waves == (("web",),)


def test_of_several_containers_those_that_crashed_are_started() -> None:
    boxes = [box("web-1"), box("web-2", state=State.EXITED, exit_code=1)]
    assert str(braked([svc("web", "2", replicas=2)], boxes)) == "start web (web-2): exited with 1"
    assert str(braked([svc("web", "2", replicas=1)], boxes)) == "No changes."


def test_what_ran_once_and_would_be_replaced_is_not_started_again() -> None:
    done = box("job-1", state=State.EXITED, exit_code=1)
    assert str(braked([svc("job", "2", one_shot=True)], [done])) == "No changes."


@BOTH
def test_what_the_engine_calls_dead_is_replaced(how: Brake) -> None:
    plan = braked([svc("web")], [box("web-1", state=State.DEAD)], how)
    assert str(plan) == "replace web (web-1): the engine calls it dead"


@BOTH
def test_what_joined_a_container_that_is_gone_is_replaced(how: Brake) -> None:
    boxes = [box("vpn-1"), box("app-1", network_of="gone", definition="other id")]
    plan = braked([svc("vpn"), svc("app", network_of="vpn")], boxes, how)
    assert str(plan).startswith("replace app (app-1): ")


# --- interrupted passes -------------------------------------------------------------------------------


@BOTH
def test_a_switch_that_was_never_judged_is_judged(how: Brake) -> None:
    boxes = [box("web-1", "2"), box("web-1.predecessor", state=State.EXITED)]
    plan = braked([svc("web", "2")], boxes, how)
    assert str(plan) == (
        "replace web (web-1.predecessor) onto web-1: switched by an interrupted pass and never judged"
    )


@BOTH
def test_a_switch_that_stopped_half_way_is_finished(how: Brake) -> None:
    boxes = [box("web-1", "2", State.CREATED), box("web-1.predecessor", state=State.EXITED)]
    assert str(braked([svc("web", "2")], boxes, how)).startswith("replace web (web-1.predecessor) onto web-1")


@BOTH
def test_a_switch_that_git_does_not_want_any_more_is_undone(how: Brake) -> None:
    """By the last hashes this looks like drift: the release was never kept."""
    boxes = [box("web-1", "2"), box("web-1.predecessor", state=State.EXITED)]
    plan = braked([svc("web", "1")], boxes, how)
    assert str(plan) == "replace web (web-1) onto web-1.predecessor: runs 2, Git says 1"


@BOTH
def test_a_release_that_was_prepared_and_not_begun_is_held(how: Brake) -> None:
    boxes = [box("web-1"), box("web-1.successor", "2", State.CREATED)]
    assert shown(braked([svc("web", "2")], boxes, how)) == [f"web held: {how.why}"]


# --- ways back ----------------------------------------------------------------------------------------

BEFORE = (good("web", "2"), good("api", "2"), good("web", "1"), good("api", "1"))


@BOTH
def test_a_way_back_goes_on(how: Brake) -> None:
    boxes, kept = [box("api-1", "2"), box("web-1", "2")], {n: config_hash(n, "2") for n in ("api", "web")}
    plan = braked([svc("api", "2"), svc("web", "1")], boxes, how, kept=kept, goods=BEFORE)
    assert str(plan) == "replace web (web-1): 2 → 1"


@BOTH
def test_a_release_is_a_way_back_only_as_a_whole(how: Brake) -> None:
    boxes = [box("api-1", "2"), box("web-1", "2")]
    kept = {name: config_hash(name, "2") for name in ("api", "web")}
    mixed = braked([svc("api", "3"), svc("web", "1")], boxes, how, kept=kept, goods=BEFORE)
    assert shown(mixed) == [f"api held: {how.why}", f"web held: {how.why}"]
    whole = braked([svc("api", "1"), svc("web", "1")], boxes, how, kept=kept, goods=BEFORE)
    assert str(whole) == "replace api (api-1): 2 → 1\nreplace web (web-1): 2 → 1"


@BOTH
def test_a_definition_that_was_good_before_is_a_way_back(how: Brake) -> None:
    boxes = [box("web-1", definition="new")]
    goods = (good("web", "1", "new"), good("web", "1"))
    kept = {"web": config_hash("web", "1", "new")}
    assert str(braked([svc("web")], boxes, how, kept=kept, goods=goods)) == (
        "replace web (web-1): its definition changed"
    )
    other = braked([svc("web", definition="other")], boxes, how, kept=kept, goods=goods)
    assert str(other) == "No changes."


@BOTH
def test_what_git_pins_again_after_it_was_good_last_is_no_way_back(how: Brake) -> None:
    goods = (good("web", "2"), good("web", "1"))
    plan = braked([svc("web", "2")], [box("web-1", "1")], how, kept={}, goods=goods)
    assert shown(plan) == [f"web held: {how.why}"]


@BOTH
def test_a_way_back_brings_a_service_back_that_was_removed_from_git(how: Brake) -> None:
    kept = {"web": config_hash("web", "2")}
    plan = braked([svc("api"), svc("web")], [box("web-1", "2")], how, kept=kept, goods=BEFORE)
    assert str(plan) == "create api x1: it is not there yet\nreplace web (web-1): 2 → 1"


@BOTH
def test_a_way_back_does_not_wait_for_a_removal_that_is_held(how: Brake) -> None:
    boxes = [box("web-1", "2"), box("fresh-1")]
    kept = {"web": config_hash("web", "2"), "fresh": config_hash("fresh", "1")}
    plan = braked([svc("web")], boxes, how, kept=kept, goods=BEFORE, prune=True)
    assert str(plan) == "replace web (web-1): 2 → 1"
    assert "fresh held" in shown(plan)[0]


# --- what follows from something else -----------------------------------------------------------------


@BOTH
def test_what_joins_a_held_service_stays_with_it(how: Brake) -> None:
    boxes = [box("vpn-1"), box("app-1", network_of="id-vpn-1")]
    plan = braked([svc("vpn", "2"), svc("app", network_of="vpn")], boxes, how)
    assert str(plan) == "No changes."
    assert [e.change for e in plan.entries] == [Change.HELD, Change.HELD]


def test_what_joins_a_service_whose_drift_is_held_stays_with_it() -> None:
    boxes = [box("vpn-1", definition="by hand"), box("app-1", network_of="id-vpn-1")]
    assert str(braked([svc("vpn"), svc("app", network_of="vpn")], boxes)) == "No changes."


@BOTH
def test_what_joins_a_held_service_that_crashed_is_started_again_with_it(how: Brake) -> None:
    boxes = [box("vpn-1", state=State.EXITED, exit_code=1), box("app-1", network_of="id-vpn-1")]
    assert str(braked([svc("vpn", "2"), svc("app", network_of="vpn")], boxes, how)) == (
        "start vpn (vpn-1): exited with 1\nrestart app (app-1): shares what vpn has, and vpn is started again"
    )


@BOTH
def test_what_joins_a_service_that_was_removed_is_replaced_with_it(how: Brake) -> None:
    boxes = [box("app-1", network_of="id-vpn-1")]
    assert str(braked([svc("vpn"), svc("app", network_of="vpn")], boxes, how)) == (
        "create vpn x1: removed outside Git\nreplace app (app-1): shares what vpn has, and vpn is replaced"
    )


@BOTH
def test_what_joins_a_way_back_goes_with_it(how: Brake) -> None:
    boxes = [box("vpn-1", "2"), box("app-1", network_of="id-vpn-1")]
    kept = {"vpn": config_hash("vpn", "2"), "app": config_hash("app", "1")}
    goods = (good("vpn", "2"), good("vpn", "1"))
    plan = braked([svc("vpn"), svc("app", network_of="vpn")], boxes, how, kept=kept, goods=goods)
    assert str(plan) == (
        "replace vpn (vpn-1): 2 → 1\nreplace app (app-1): shares what vpn has, and vpn is replaced"
    )


def needing(version: str = "1") -> list[Service]:
    return [svc("db", version), svc("web", needs=[Dependency("db", restart=True)])]


@BOTH
def test_nothing_is_restarted_for_a_replacement_that_is_held(how: Brake) -> None:
    plan = braked(needing("2"), [box("db-1"), box("web-1")], how)
    assert str(plan) == "No changes."
    assert [f"{e.name} {e.change}" for e in plan.entries] == ["db held", "web held"]


@BOTH
def test_what_was_paused_by_hand_goes_on_although_it_is_not_restarted(how: Brake) -> None:
    plan = braked(needing("2"), [box("db-1"), box("web-1", state=State.PAUSED)], how)
    assert str(plan) == "start web (web-1): paused"


@BOTH
def test_what_is_restarted_for_something_made_again_is(how: Brake) -> None:
    assert str(braked(needing(), [box("web-1")], how)) == (
        "create db x1: removed outside Git\nrestart web (web-1): depends on db with restart: true"
    )
