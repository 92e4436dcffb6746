"""What a pass owes Git from before, and whether all that its report says agrees."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from reconciler.domain.environment import GitPolicy, Rollback
from reconciler.domain.report import EnvironmentHealth, Report, Result, Sync
from reconciler.domain.undo import UndoState
from reconciler.errors import RepositoryUnreachable
from tests.app.passes import Passes
from tests.app.rejections import quiet, rejected, stage
from tests.bed.fake_container import Behaviour
from tests.bed.fake_outside import BAD, NO_EVIDENCE

DOWN = RepositoryUnreachable("the remote does not answer")


def owing(*names: str, times: int = 1) -> Passes:
    """A release was rejected while the remote did not answer, so many pushes long, and once before."""
    passes = stage(*names)
    passes.repository.troubles += [DOWN] * (1 + times)
    report = rejected(passes, web="2")
    assert report.undo is not None
    assert report.undo.state is UndoState.PENDING
    return passes


# --- owed --------------------------------------------------------------------------------------------


def test_while_git_does_not_know_it_the_host_is_safe_and_the_report_says_so() -> None:
    passes = owing()
    report = passes.once()
    assert report.undo is not None
    assert (report.undo.state, report.undo.attempts) == (UndoState.PENDING, 1)
    assert (report.sync, report.health) == (Sync.OUT_OF_SYNC, EnvironmentHealth.HEALTHY)
    assert passes.scene.there() == "web-1=1"


def test_it_is_told_when_it_is_due_and_not_before() -> None:
    passes = owing()
    passes.scene.clock.passed += 20.0
    passes.once()
    assert passes.pinned() == {"web": "2"}
    passes.scene.clock.passed += 20.0
    report = passes.once()
    assert report.undo is not None
    assert (report.undo.state, report.undo.attempts) == (UndoState.DONE, 2)
    assert passes.pinned() == {"web": "1"}


def test_a_pass_that_only_tells_git_is_in_sync_afterwards_and_says_what_it_did() -> None:
    passes = owing()
    passes.scene.clock.passed += 40.0
    report = passes.once()
    assert (report.result, report.sync) == (Result.NO_OP, Sync.SYNCED)
    assert [step.verb for step in report.steps] == ["revert"]
    quiet(passes)


def test_it_is_tried_less_and_less_often() -> None:
    passes = owing(times=100)
    tries = 1
    for _ in range(24 * 60):
        before = len(passes.repository.troubles)
        passes.once()
        tries += before - len(passes.repository.troubles)
        passes.scene.clock.passed += 60.0
    assert 24 <= tries <= 36, "in a day"


def test_it_is_told_before_the_next_release_is_looked_at() -> None:
    passes = owing("api", "web")
    passes.release(api="2")
    passes.scene.clock.passed += 40.0
    report = passes.once()
    assert report.undo is not None
    assert report.undo.state is UndoState.DONE
    assert report.revision == passes.repository.head(), "the pass worked with what Git says by then"


def test_a_newer_pin_is_released_at_once_whatever_is_owed() -> None:
    passes = owing(times=9)
    passes.release(web="3")
    assert passes.once().result is Result.CONVERGED
    assert passes.scene.there() == "web-1=3"
    passes.repository.troubles.clear()
    passes.scene.clock.passed += 7200.0
    passes.once()
    assert passes.pinned() == {"web": "3"}
    quiet(passes, 3)


def test_what_was_unblocked_meanwhile_is_not_undone_any_more() -> None:
    passes = owing()
    passes.scene.behave("web", "2", Behaviour())
    passes.journal.unblock(passes.scene.env, ["web"], passes.scene.clock.now())
    passes.scene.clock.passed += 40.0
    assert passes.once().result is Result.CONVERGED
    assert (passes.pinned(), passes.scene.there()) == ({"web": "2"}, "web-1=2")
    quiet(passes, 3)


def test_a_proposal_that_was_merged_is_no_news_any_more() -> None:
    passes = stage(rollback=Rollback(GitPolicy.BRANCH))
    rejected(passes, web="2")
    waiting = passes.once()
    assert waiting.undo is not None
    assert waiting.undo.state is UndoState.PROPOSED
    passes.release(web="1")
    assert passes.once().undo is None
    quiet(passes, 3)


def test_two_rejected_releases_one_after_the_other_are_both_told() -> None:
    """The second is a release of another service while Git does not answer."""
    passes = stage("api", "web")
    passes.repository.troubles += [DOWN] * 6
    rejected(passes, web="2")
    rejected(passes, api="2")
    for _ in range(10):
        passes.once()
        passes.scene.clock.passed += 600.0
    assert passes.pinned() == {"api": "1", "web": "1"}
    quiet(passes, 3)


def test_a_rollback_that_could_not_be_written_is_said_before_the_switch() -> None:
    passes = stage()
    passes.repository.troubles.append(DOWN)
    passes.release(web="2")
    report = passes.once()
    assert report.result is Result.CONVERGED
    assert report.outcome is not None
    assert report.outcome.notes == (f"a rollback could not be written to Git now: {DOWN.problem}",)


# --- the report agrees with itself -------------------------------------------------------------------


def good(passes: Passes) -> Report:
    passes.release(web="2")
    return passes.once()


def bad(passes: Passes) -> Report:
    return rejected(passes, web="2")


def exonerated(passes: Passes) -> Report:
    passes.scene.answer("front", lambda _: BAD)
    return good(passes)


def silent(passes: Passes) -> Report:
    passes.scene.answer("front", lambda _: NO_EVIDENCE)
    return good(passes)


def drifted(passes: Passes) -> Report:
    passes.scene.world.vanish("shop-web-1")
    return passes.once()


def unpullable(passes: Passes) -> Report:
    passes.scene.world.registry = set()
    passes.scene.release(web="2")
    passes.scene.world.local.clear()
    passes.commit()
    return passes.once()


@pytest.mark.parametrize("policy", GitPolicy)
@pytest.mark.parametrize("happens", [good, bad, exonerated, silent, drifted, unpullable])
def test_report_journal_host_and_git_agree(happens: Callable[[Passes], Report], policy: GitPolicy) -> None:
    passes = stage(rollback=Rollback(policy))
    commits = len(passes.repository.line)
    report = happens(passes)
    story = passes.journal.story(passes.scene.env, report.run)
    assert story is not None
    assert report.revision is not None
    assert (story.run.result, story.run.revision) == (report.result, report.revision.commit)
    assert story.undo == report.undo
    assert set(report.notes) <= set(story.notes)
    assert (report.error is not None) == (report.result is Result.FAILED)
    restored = report.outcome.restored if report.outcome else None
    assert (restored is not None) == (report.result in (Result.ROLLED_BACK, Result.ROLLBACK_FAILED))
    looked = passes.reconciler.look()
    assert (report.sync, report.health) == looked.state
    assert (report.sync is Sync.SYNCED) == (passes.scene.running() == f"web-1={passes.pinned()['web']}")
    reverts = [subject for subject in passes.commits()[commits:] if subject.startswith("Revert")]
    done = report.undo is not None and report.undo.state is UndoState.DONE
    assert len(reverts) == (1 if done else 0)
    if report.undo is not None and report.undo.commit:
        assert report.undo.commit == passes.repository.resolve(report.undo.commit).commit
    waits = [block for block in passes.journal.blocked if block.waits_for]
    assert bool(waits) == (happens in (exonerated, silent))
    assert all(block.run == report.run for block in passes.journal.blocked)
