"""Passes while people hold an environment: releases wait, and everything else goes on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.domain.desired import Dependency
from reconciler.domain.plan import Change
from reconciler.domain.report import Report, Result, Sync
from reconciler.errors import EngineUnreachable, Refused
from tests.app.braked import (
    BRAKES,
    WHY,
    CountedPauses,
    entry,
    freeze,
    pause,
    release_brake,
    resume,
    settled,
    stage,
)
from tests.app.crashes import killed_at
from tests.app.passes import Passes
from tests.app.rejections import blocked, blocks_late, rejected
from tests.bed.fake_container import Behaviour
from tests.domain.values import environment, image, svc

ANY_BRAKE = pytest.mark.parametrize("brake", BRAKES.values(), ids=BRAKES)


def once(passes: Passes) -> Report:
    report = passes.once()
    assert report.error is None
    return report


# --- what is held -------------------------------------------------------------------------------------


@ANY_BRAKE
def test_a_release_is_held_and_made_when_the_brake_is_released(brake: object) -> None:
    passes = stage()
    assert callable(brake)
    brake(passes)
    passes.release(web="2")
    for _ in range(3):
        assert once(passes).result is Result.NO_OP
    assert passes.scene.did == []
    release_brake(passes)
    assert once(passes).result is Result.CONVERGED
    assert passes.scene.there() == "web-1=2"


def test_the_plan_says_what_git_wants_and_why_it_waits() -> None:
    passes = stage()
    pause(passes)
    passes.release(web="2")
    held = entry(passes)
    assert (held.change, held.cause, held.actions) == (Change.HELD, WHY, ())
    assert (held.before, held.after) == (image("web", "1"), image("web", "2"))


def test_an_environment_with_something_held_is_paused() -> None:
    passes = stage()
    pause(passes)
    assert once(passes).sync is Sync.SYNCED
    passes.release(web="2")
    report = once(passes)
    assert report.sync is Sync.PAUSED
    assert report.brakes.pause is not None
    assert report.brakes.pause.by == "ada"


def test_frozen_or_not_approved_it_is_out_of_sync() -> None:
    passes = stage()
    freeze(passes)
    passes.release(web="2")
    report = once(passes)
    assert report.sync is Sync.OUT_OF_SYNC
    assert report.brakes.freeze is not None
    assert entry(passes).cause == 'frozen until 2026-10-01 00:00 UTC: "inventory"'


def test_a_pause_ends_by_itself() -> None:
    passes = stage()
    pause(passes, seconds=600)
    passes.release(web="2")
    assert entry(passes).cause == 'paused by ada until 14:10 UTC: "migrating the disk"'
    passes.scene.clock.passed += 599
    assert once(passes).result is Result.NO_OP
    passes.scene.clock.passed += 1
    assert once(passes).result is Result.CONVERGED


def test_a_pause_holds_drift_too_and_a_freeze_repairs_it() -> None:
    for brake, version in ((pause, "9"), (freeze, "1")):
        passes = stage()
        brake(passes)
        container = passes.scene.world.named("shop-web-1")
        container.image, container.config_hash = image("web", "9"), "by hand"
        once(passes)
        assert passes.scene.there() == f"web-1={version}"


@ANY_BRAKE
def test_what_is_held_is_still_a_change_of_git_afterwards(brake: object) -> None:
    """The hashes that tell drift from change are those of what was released."""
    passes = stage(svc("api"), svc("web"))
    before = passes.journal.hashes
    assert callable(brake)
    brake(passes)
    passes.release(web="2")
    passes.scene.world.named("shop-api-1").end(1, by_hand=True)
    once(passes)
    assert passes.journal.hashes == before
    release_brake(passes)
    assert entry(passes).change is Change.CHANGE


# --- what goes on -------------------------------------------------------------------------------------


@ANY_BRAKE
def test_a_crashed_service_is_started_as_it_is(brake: object) -> None:
    passes = stage()
    assert callable(brake)
    brake(passes)
    passes.release(web="2")
    passes.scene.world.named("shop-web-1").end(1, by_hand=True)
    assert once(passes).result is Result.CONVERGED
    assert (passes.scene.there(), passes.scene.did) == ("web-1=1", ["start web-1"])
    settled(passes)


@ANY_BRAKE
def test_a_removed_service_is_made_again_as_it_was(brake: object) -> None:
    passes = stage(svc("web", replicas=2))
    passes.release(web="2")
    once(passes)
    assert callable(brake)
    brake(passes)
    passes.release(web="3")
    for name in ("shop-web-1", "shop-web-2"):
        passes.scene.world.vanish(name)
    assert once(passes).result is Result.CONVERGED
    assert passes.scene.running().count("=2") == 2
    settled(passes)
    release_brake(passes)
    once(passes)
    assert passes.scene.running().count("=3") == 2


@ANY_BRAKE
def test_a_missing_replica_is_made_again_as_the_others_are(brake: object) -> None:
    passes = stage(svc("web", replicas=2))
    assert callable(brake)
    brake(passes)
    passes.release(web="2")
    passes.scene.world.vanish("shop-web-2")
    assert once(passes).result is Result.CONVERGED
    assert passes.scene.there() == "web-1=1 web-2=1"
    settled(passes)


@ANY_BRAKE
def test_a_rollback_goes_on(brake: object) -> None:
    passes = stage(svc("api"), svc("web"))
    passes.release(api="2", web="2")
    once(passes)
    assert callable(brake)
    brake(passes)
    passes.release("Revert", api="1", web="1")
    assert once(passes).result is Result.CONVERGED
    assert passes.scene.there() == "api-1=1 web-1=1"


@ANY_BRAKE
def test_taking_back_what_was_held_is_nothing_to_do(brake: object) -> None:
    passes = stage()
    assert callable(brake)
    brake(passes)
    passes.release(web="2")
    once(passes)
    passes.release("Revert", web="1")
    report = once(passes)
    assert (report.result, report.sync) == (Result.NO_OP, Sync.SYNCED)


@ANY_BRAKE
def test_a_rollback_of_some_services_does_not_carry_a_release_of_others(brake: object) -> None:
    passes = stage(svc("api"), svc("web"))
    passes.release(web="2")
    once(passes)
    passes.scene.world.calls.clear()
    assert callable(brake)
    brake(passes)
    passes.release("Web goes back, api goes on", api="2", web="1")
    assert once(passes).result is Result.NO_OP
    assert passes.scene.did == []


@ANY_BRAKE
def test_a_release_that_failed_late_is_taken_back(brake: object) -> None:
    passes = stage()
    passes.release(web="2")
    once(passes)
    assert callable(brake)
    brake(passes)
    blocks_late(passes)
    assert once(passes).result is Result.CONVERGED
    assert passes.scene.there() == "web-1=1"


@ANY_BRAKE
def test_what_is_blocked_stays_blocked(brake: object) -> None:
    passes = stage(svc("api"), svc("web"))
    rejected(passes, web="2")
    assert callable(brake)
    brake(passes)
    passes.release(api="2")
    once(passes)
    assert (entry(passes, "api").change, entry(passes).change) == (Change.HELD, Change.BLOCKED)
    assert blocked(passes) == [("web", image("web", "2"))]
    settled(passes)
    release_brake(passes)
    once(passes)
    assert passes.scene.there() == "api-1=2 web-1=1"


def test_where_nothing_is_remembered_what_runs_stays() -> None:
    """As on a host that never acted on this engine: everything looks like a release there."""
    passes = stage(svc("api"), svc("web"))
    passes.journal.goods.clear()
    passes.journal.hashes = {}
    pause(passes)
    passes.release(web="2")
    passes.scene.world.named("shop-web-1").end(1, by_hand=True)
    assert once(passes).result is Result.CONVERGED
    assert passes.scene.there() == "api-1=1 web-1=1"
    settled(passes)


# --- services that hang together ----------------------------------------------------------------------


@ANY_BRAKE
def test_what_joins_a_held_service_stays_with_it(brake: object) -> None:
    passes = stage(svc("vpn"), svc("app", network_of="vpn"))
    assert callable(brake)
    brake(passes)
    passes.release(vpn="2", app="2")
    settled(passes)
    assert passes.scene.there() == "app-1=1 vpn-1=1"
    passes.scene.world.vanish("shop-vpn-1")
    assert once(passes).result is Result.CONVERGED
    settled(passes)
    assert passes.scene.there() == "app-1=1 vpn-1=1"
    passes.scene.world.named("shop-vpn-1").end(1, by_hand=True)
    assert once(passes).result is Result.CONVERGED
    settled(passes)
    release_brake(passes)
    once(passes)
    settled(passes)
    assert passes.scene.there() == "app-1=2 vpn-1=2"


@ANY_BRAKE
def test_nothing_is_restarted_for_a_release_that_is_held(brake: object) -> None:
    passes = stage(svc("db"), svc("web", needs=[Dependency("db", restart=True)]))
    assert callable(brake)
    brake(passes)
    passes.release(db="2")
    assert once(passes).result is Result.NO_OP
    passes.scene.world.vanish("shop-db-1")
    assert once(passes).result is Result.CONVERGED
    assert passes.scene.there() == "db-1=1 web-1=1"
    assert "stop web-1" in passes.scene.did
    settled(passes)


# --- interrupted passes -------------------------------------------------------------------------------

MOST_CALLS = 40


def interrupted(call: int, *, after: bool) -> Passes | None:
    """A release of two services that is killed around one of its changes; None where it ends before."""
    passes = stage(svc("api"), svc("web", replicas=2))
    passes.release(api="2", web="2")
    return passes if killed_at(passes, call, after=after) else None


@ANY_BRAKE
@pytest.mark.parametrize("after", [False, True])
def test_a_release_that_was_begun_is_finished_as_a_whole(brake: object, after: bool) -> None:
    ends = set()
    for call in range(1, MOST_CALLS):
        passes = interrupted(call, after=after)
        if passes is None:
            break
        assert callable(brake)
        brake(passes)
        settled(passes)
        ends.add(passes.scene.there())
        release_brake(passes)
        once(passes)
        settled(passes)
        assert passes.scene.there() == "api-1=2 web-1=2 web-2=2"
    assert ends == {"api-1=1 web-1=1 web-2=1", "api-1=2 web-1=2 web-2=2"}


@ANY_BRAKE
@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("wanted", ["1", "3"])
def test_a_release_that_git_left_half_way_is_undone(brake: object, after: bool, wanted: str) -> None:
    """Taken back, or replaced by a newer one, which waits."""
    for call in range(1, MOST_CALLS):
        passes = interrupted(call, after=after)
        if passes is None:
            break
        assert callable(brake)
        brake(passes)
        passes.release("Meanwhile", api=wanted, web=wanted)
        settled(passes)
        assert passes.scene.there() in ("api-1=1 web-1=1 web-2=1", "api-1=2 web-1=2 web-2=2"), call
        if wanted == "1":
            assert passes.scene.there() == "api-1=1 web-1=1 web-2=1", call
        release_brake(passes)
        once(passes)
        settled(passes)
        assert passes.scene.there() == f"api-1={wanted} web-1={wanted} web-2={wanted}", call


@ANY_BRAKE
@pytest.mark.parametrize("after", [False, True])
def test_a_repair_that_is_killed_is_finished(brake: object, after: bool) -> None:
    for call in range(1, MOST_CALLS):
        passes = stage(svc("vpn"), svc("app", network_of="vpn"))
        assert callable(brake)
        brake(passes)
        passes.release(vpn="2", app="2")
        passes.scene.world.vanish("shop-vpn-1")
        if not killed_at(passes, call, after=after):
            break
        settled(passes)
        assert passes.scene.there() == "app-1=1 vpn-1=1", call


# --- what is asked, and when --------------------------------------------------------------------------


def asked(passes: Passes) -> int:
    assert isinstance(passes.pauses, CountedPauses)
    return passes.pauses.asked


def test_a_pass_asks_for_a_pause_only_where_it_could_hold_something() -> None:
    passes = stage()
    before = asked(passes)
    once(passes)
    passes.scene.world.named("shop-web-1").end(1, by_hand=True)
    once(passes)
    assert asked(passes) == before
    passes.release(web="2")
    once(passes)
    assert asked(passes) > before


def test_people_are_told_of_a_pause_that_holds_nothing() -> None:
    passes = stage()
    pause(passes)
    assert passes.reconciler.look().brakes.pause is None
    looked = passes.reconciler.look(thorough=True)
    assert looked.brakes.pause is not None
    assert looked.state[0] is Sync.SYNCED


def test_a_pause_that_cannot_be_asked_for_lets_nothing_be_released(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(_self: object, _environment: object) -> None:
        raise EngineUnreachable("the engine does not answer")

    passes = stage()
    passes.release(web="2")
    monkeypatch.setattr(CountedPauses, "pause", gone)
    assert passes.once().result is Result.FAILED
    assert passes.scene.did == []


# --- other reasons to hold ----------------------------------------------------------------------------


def by_hand(passes: Passes, *names: str) -> None:
    for name in names:
        passes.scene.world.named(f"shop-{name}-1").config_hash = "by hand"


def test_too_much_drift_at_once_is_refused_and_nothing_is_touched() -> None:
    passes = stage(svc("api"), svc("db"), svc("mail"), svc("web"))
    by_hand(passes, "api", "db", "web")
    report = passes.once()
    assert report.result is Result.FAILED
    assert isinstance(report.error, Refused)
    assert "stops or replaces 3 of 4 services" in report.error.problem
    assert passes.scene.did == []
    passes.limits = passes.limits.lifted()
    assert once(passes).result is Result.CONVERGED


def test_a_release_of_everything_is_not_limited() -> None:
    passes = stage(svc("api"), svc("db"), svc("web"))
    passes.release(api="2", db="2", web="2")
    assert once(passes).result is Result.CONVERGED
    passes.release("Back again", api="1", db="1", web="1")
    assert once(passes).result is Result.CONVERGED


@pytest.mark.parametrize("after", [False, True])
def test_taking_back_a_release_of_everything_is_not_limited_however_it_was_interrupted(after: bool) -> None:
    """By the last hashes it is drift: the release was never written down as kept."""
    for call in range(1, 60):
        passes = stage(svc("api"), svc("db"), svc("web"))
        passes.release(api="2", db="2", web="2")
        if not killed_at(passes, call, after=after):
            break
        passes.release("Back again", api="1", db="1", web="1")
        once(passes)
        settled(passes)
        assert passes.scene.there() == "api-1=1 db-1=1 web-1=1", call


def test_the_service_that_we_run_in_is_left_alone() -> None:
    passes = stage(svc("reconcile"), svc("web"))
    passes.own = passes.scene.world.named("shop-reconcile-1").id
    passes.release(reconcile="2", web="2")
    once(passes)
    assert passes.scene.there() == "reconcile-1=1 web-1=2"
    assert entry(passes, "reconcile").cause == "reconcile runs in it; it does not manage itself"
    settled(passes)


def test_a_service_that_others_correct_as_well_is_left_to_them() -> None:
    passes = stage(svc("api"), svc("web"))
    passes.restless = {"web": "corrected by reconcile 5 times within 10 min"}
    for name in ("api", "web"):
        passes.scene.world.named(f"shop-{name}-1").end(0, by_hand=True)
    once(passes)
    assert passes.scene.there() == "api-1=1 [web-1=1]"
    passes.release(web="2")
    once(passes)
    assert passes.scene.there() == "api-1=1 web-1=2"


def test_a_release_that_is_rejected_under_a_freeze_that_began_meanwhile_is_undone() -> None:
    passes = stage()
    passes.scene.behave("web", "2", Behaviour(crashes=3))
    passes.release(web="2")
    assert passes.once().result is Result.ROLLED_BACK
    freeze(passes)
    assert passes.scene.there() == "web-1=1"
    settled(passes)


def test_an_environment_without_brakes_says_so() -> None:
    passes = stage(env=replace(environment(), protected=False))
    looked = passes.reconciler.look(thorough=True)
    assert (looked.brakes.pause, looked.brakes.freeze, looked.brakes.protected) == (None, None, False)
    assert looked.brakes.approved is None
    assert looked.braked == {}
    resume(passes)
