"""A pass in the journal; and a journal that cannot be written changes nothing of what is done."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from reconciler.domain.environment import GitPolicy, Rollback
from reconciler.domain.journal import ExhibitKind, Story
from reconciler.domain.report import EnvironmentHealth, Result, Sync
from reconciler.domain.severity import Verdict
from reconciler.errors import EngineUnreachable, PermissionRefused, PullFailed
from tests.app.passes import Passes
from tests.app.rejections import rejected, stage
from tests.bed.fake_container import Behaviour
from tests.bed.fake_outside import BAD
from tests.domain.values import image


def told(passes: Passes) -> Story:
    """What the journal says of the last pass that did something."""
    story = passes.journal.story(passes.scene.env, passes.journal.runs(passes.scene.env)[0].id)
    assert story is not None
    return story


# --- what is written ---------------------------------------------------------------------------------


def test_a_pass_that_does_nothing_is_not_written_down() -> None:
    passes = stage()
    before = len(passes.journal.stories)
    report = passes.once()
    assert (report.run, len(passes.journal.stories)) == ("", before)


def test_who_what_why_and_how_long() -> None:
    passes = stage()
    commit = passes.release("Give the front a new colour", web="2")
    report = passes.once()
    story = told(passes)
    assert (story.run.id, story.run.result) == (report.run, Result.CONVERGED)
    assert (story.run.revision, story.run.subject) == (commit, "Give the front a new colour")
    assert story.run.changes == (("web", image("web", "1"), image("web", "2")),)
    assert story.run.seconds == report.seconds
    assert story.steps == report.steps
    assert (story.verdict, story.rule) == ("pass", "every check passed: keep")
    assert {summary.subject for summary in story.summaries} == {"shop-web-1", "check front"}
    assert "web" in story.gap_seconds


def test_evidence_of_a_rejected_release_is_kept() -> None:
    passes = stage(checked=False)
    passes.scene.behave("web", "2", Behaviour(crashes=3, logs="it broke\n"))
    passes.release(web="2")
    report = passes.once()
    story = told(passes)
    assert (story.run.result, story.verdict, story.restored) == (Result.ROLLED_BACK, "fail", "pass")
    logs = [one.text for one in story.exhibits if one.kind is ExhibitKind.LOG]
    assert logs == ["it broke\n" * 4], "started once, and three times again"
    assert [one.container for one in story.exhibits] == ["shop-web-1", "shop-web-1"]
    assert {one.stage for one in story.summaries} == {"gate", "verify"}
    assert story.undo == report.undo


def test_the_rule_that_decided_is_written_down() -> None:
    passes = stage()
    passes.scene.answer("front", lambda _: BAD)
    passes.release(web="2")
    passes.once()
    assert told(passes).rule == "critical check front failed: roll back at once"
    assert [ruling.verdict for ruling in told(passes).rulings] == [Verdict.FAIL, Verdict.PASS]


def test_what_ended_a_pass_is_written_down() -> None:
    passes = stage()
    passes.scene.world.registry = set()
    passes.scene.world.pins["web"] = image("web", "2")
    passes.commit()
    report = passes.once()
    assert isinstance(report.error, PullFailed)
    assert (told(passes).run.result, told(passes).error) == (Result.FAILED, str(report.error))
    assert [step.good for step in told(passes).steps] == [False]


def test_steps_are_written_one_by_one_so_that_a_killed_pass_left_a_trace() -> None:
    passes = stage()
    passes.release(web="2")
    passes.scene.world.fail("stop", error=KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        passes.once()
    assert told(passes).run.result is None
    assert [step.verb for step in told(passes).steps][:1] == ["create"]


# --- a journal that cannot be written ----------------------------------------------------------------


def full_from(passes: Passes, moment: Callable[[], bool]) -> None:
    """The disk is full from a moment on; it is asked for again and again."""

    def interrupted() -> bool:
        passes.journal.refuses = passes.journal.refuses or moment()
        return False

    passes.scene.interrupted = interrupted


def switched(passes: Passes) -> Callable[[], bool]:
    return lambda: ("start", "shop-web-1") in passes.scene.world.calls


def test_a_release_that_cannot_be_written_down_is_refused_before_anything_is_touched() -> None:
    passes = stage()
    passes.release(web="2")
    passes.journal.refuses = True
    report = passes.once()
    assert isinstance(report.error, PermissionRefused)
    assert (report.result, passes.scene.world.calls) == (Result.FAILED, [])
    assert (report.sync, report.health) == (Sync.OUT_OF_SYNC, EnvironmentHealth.HEALTHY)


def test_a_journal_that_cannot_be_written_is_no_obstacle_where_nothing_is_to_be_done() -> None:
    passes = stage()
    passes.journal.refuses = True
    report = passes.once()
    assert (report.result, report.error) == (Result.NO_OP, None)


def test_a_good_release_stays_good_when_the_journal_is_full_by_then() -> None:
    passes = stage()
    passes.release(web="2")
    full_from(passes, switched(passes))
    report = passes.once()
    assert (report.result, report.error) == (Result.CONVERGED, None)
    assert (report.sync, passes.scene.there()) == (Sync.SYNCED, "web-1=2")
    assert any("the journal" in note for note in report.notes)


def test_what_could_not_be_written_is_said_once() -> None:
    passes = stage()
    passes.release(web="2")
    full_from(passes, switched(passes))
    notes = passes.once().notes
    assert len(notes) == len(set(notes))


def test_a_bad_release_goes_back_when_the_journal_is_full_by_then() -> None:
    passes = stage()
    full_from(passes, switched(passes))
    report = rejected(passes, web="2")
    assert (report.result, report.error) == (Result.ROLLED_BACK, None)
    assert passes.scene.there() == "web-1=1"
    assert any("block" in note for note in (*report.notes, *(report.outcome.notes if report.outcome else ())))


def test_after_that_it_is_tried_again_only_when_the_journal_can_be_written() -> None:
    passes = stage(rollback=Rollback(GitPolicy.OFF))
    full_from(passes, switched(passes))
    rejected(passes, web="2")
    passes.scene.world.calls.clear()
    assert passes.once().result is Result.FAILED
    assert passes.scene.world.calls == [], "what could not be blocked is not tried again and again"


def test_an_engine_that_went_away_is_written_down_with_its_reason() -> None:
    passes = stage()
    passes.release(web="2")
    gone = EngineUnreachable("the engine does not answer")
    passes.scene.world.fail("stop", error=gone)
    passes.once()
    assert told(passes).run.reason == str(gone)
