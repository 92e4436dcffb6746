"""Releases that wait: they were rejected, and something else may be to blame for it."""

from __future__ import annotations

from reconciler.domain.check import Check, Exec
from reconciler.domain.comparison import Seen
from reconciler.domain.environment import Gate, GitPolicy, Rollback
from reconciler.domain.report import Result
from reconciler.domain.undo import UndoState
from reconciler.errors import HostConflict
from tests.app.passes import Passes
from tests.app.rejections import CRASHES, PUSH, blocked, quiet, rejected, stage
from tests.app.scene import Scene
from tests.bed.fake_container import Behaviour
from tests.bed.fake_outside import BAD, GOOD, NO_EVIDENCE
from tests.domain.values import check, environment, image, svc

# --- exonerated --------------------------------------------------------------------------------------


def test_what_fails_without_the_release_too_waits_and_is_not_undone() -> None:
    passes = stage()
    passes.scene.answer("front", lambda _: BAD)
    passes.release(web="2")
    report = passes.once()
    assert report.outcome is not None
    assert (report.result, report.outcome.exonerated) == (Result.ROLLBACK_FAILED, ("check front",))
    assert report.undo is not None
    assert report.undo.state is UndoState.OFF
    assert "not to blame" in report.undo.detail
    assert passes.pinned() == {"web": "2"}
    assert [block.waits_for for block in passes.journal.blocked] == [("check front",)]
    quiet(passes, 3)
    assert passes.scene.running() == "web-1=1"


def test_an_exonerated_release_is_tried_again_when_what_it_waits_for_works() -> None:
    passes = stage()
    passes.scene.answer("front", lambda _: BAD)
    passes.release(web="2")
    passes.once()
    passes.scene.answer("front", lambda _: GOOD)
    assert passes.once().result is Result.CONVERGED
    assert (passes.scene.running(), blocked(passes)) == ("web-1=2", [])
    quiet(passes, 3)


def test_an_exonerated_release_that_then_fails_by_itself_is_rejected_for_good() -> None:
    passes = stage()
    passes.scene.answer("front", lambda _: BAD)
    passes.release(web="2")
    passes.once()
    passes.scene.answer("front", lambda _: GOOD)
    passes.scene.behave("web", "2", CRASHES)
    assert passes.once().result is Result.ROLLED_BACK
    assert [block.waits_for for block in passes.journal.blocked] == [()]
    assert passes.pinned() == {"web": "1"}
    quiet(passes)


def test_waiting_does_not_lift_what_failed_by_itself() -> None:
    passes = stage(rollback=Rollback(GitPolicy.OFF))
    rejected(passes, web="2")
    passes.scene.answer("front", lambda _: BAD)
    passes.release(web="3")
    passes.once()
    passes.scene.answer("front", lambda _: GOOD)
    assert passes.once().result is Result.CONVERGED
    assert blocked(passes) == [("web", image("web", "2"))]


# --- inconclusive ------------------------------------------------------------------------------------


def test_a_check_that_cannot_be_made_lets_the_release_wait_and_git_is_left_alone() -> None:
    passes = stage()
    passes.scene.answer("front", lambda _: NO_EVIDENCE)
    passes.release(web="2")
    report = passes.once()
    assert (report.result, report.undo) == (Result.ROLLBACK_FAILED, None)
    assert [block.waits_for for block in passes.journal.blocked] == [("check front",)]
    assert (passes.scene.running(), passes.pinned()) == ("web-1=1", {"web": "2"})
    quiet(passes, 3)
    passes.scene.answer("front", lambda _: GOOD)
    assert passes.once().result is Result.CONVERGED


def test_a_probe_that_is_broken_for_a_while_only_does_not_reject_a_release_for_good() -> None:
    passes = stage()
    broken_until = passes.scene.clock.passed + 5.0
    passes.scene.answer("front", lambda _: NO_EVIDENCE if passes.scene.clock.passed < broken_until else GOOD)
    passes.release(web="2")
    assert passes.once().result is Result.ROLLED_BACK
    assert passes.pinned() == {"web": "2"}
    assert passes.once().result is Result.CONVERGED
    assert passes.scene.running() == "web-1=2"


def test_a_check_that_can_be_made_with_everything_but_the_release_is_not_tried_for_ever() -> None:
    """The new image does not have the program that the check runs: each try would be a gap."""
    inside = Check("inside", Exec("web", ("ready",)))
    passes = Passes(Scene((svc("web"),), env=environment(gate=Gate(5.0, 0.0, (inside,)), rollback=PUSH)))
    passes.scene.behave("web", "1", Behaviour(commands={"ready": (0, "")}))
    passes.up()
    passes.release(web="2")
    assert passes.once().result is Result.ROLLED_BACK
    assert passes.pinned() == {"web": "2"}, "the probe may be broken"
    assert passes.once().result is Result.ROLLED_BACK
    assert passes.pinned() == {"web": "1"}, "it is not"
    quiet(passes)
    assert passes.scene.running() == "web-1=1"


def test_what_a_release_waits_for_may_come_and_go_without_a_gap_each_time() -> None:
    """A check that works whenever nothing is released, as when the release itself overloads what it needs."""
    passes = stage()
    since: list[float] = []

    def answer(_: int) -> Seen:
        starts = [call for call in passes.scene.world.calls if call == ("start", "shop-web-1")]
        if len(starts) > len(since):
            since.append(passes.scene.clock.passed)
        return BAD if since and passes.scene.clock.passed - since[-1] < 20.0 else GOOD

    passes.scene.answer("front", answer)
    passes.release(web="2")
    begun = passes.scene.clock.passed
    while passes.scene.clock.passed - begun < 3600.0:
        passes.once()
        passes.scene.clock.passed += 30.0
    assert 2 <= len(since) <= 8
    assert (passes.scene.running(), passes.pinned()) == ("web-1=1", {"web": "2"})


def test_a_first_release_that_could_not_be_judged_is_tried_again() -> None:
    """Nothing runs that could say whether the check can be made by now."""
    passes = Passes(Scene((svc("web"),), env=environment(gate=Gate(5.0, 0.0, (check(),)), rollback=PUSH)))
    passes.scene.answer("front", lambda _: NO_EVIDENCE)
    assert passes.once().result is Result.ROLLBACK_FAILED
    passes.scene.answer("front", lambda _: GOOD)
    assert passes.once().result is Result.CONVERGED


# --- in the way --------------------------------------------------------------------------------------


def test_a_port_that_another_program_holds_is_not_the_release_s_fault_and_not_tried_in_each_pass() -> None:
    passes = stage()
    taken = HostConflict("could not start container shop-web-1: address already in use")
    new = image("web", "2")
    passes.scene.world.fail(
        "start", error=taken, times=99, matching=lambda c: passes.scene.world.containers[c].image == new
    )
    passes.release(web="2")
    assert passes.once().result is Result.ROLLED_BACK
    for _ in range(60):
        passes.once()
        passes.scene.clock.passed += 60.0
    stops = [call for call in passes.scene.world.calls if call == ("stop", "shop-web-1.predecessor")]
    assert 2 <= len(stops) <= 8, "in an hour"
    assert (passes.scene.running(), passes.pinned()) == ("web-1=1", {"web": "2"})
    passes.scene.world.forget_faults()
    passes.scene.clock.passed += 3600.0
    assert passes.once().result is Result.CONVERGED
