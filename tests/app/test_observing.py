"""A release that was kept is looked at for a while longer, and taken back when it fails late."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from reconciler.app.observing import Observed, observe
from reconciler.domain.comparison import Seen
from reconciler.domain.environment import Gate, GitPolicy, Rollback
from reconciler.domain.report import EnvironmentHealth, Result, Sync
from reconciler.domain.severity import Matrix, Phase, Response, Severity
from reconciler.domain.undo import UndoState
from reconciler.errors import EngineUnreachable, RepositoryUnreachable
from tests.app.passes import Passes
from tests.app.rejections import blocked, quiet
from tests.app.scene import Scene
from tests.bed.fake_container import Behaviour
from tests.bed.fake_outside import BAD, GOOD, NO_EVIDENCE
from tests.domain.values import check, environment, image, svc

MINUTE = 60.0


class Story:
    """Version 2 of `web` was released, and `front` is a check of some severity."""

    def __init__(self, severity: Severity = Severity.CRITICAL, matrix: Matrix | None = None) -> None:
        gate = Gate(5.0, 0.0, (check(severity=severity),), matrix or Matrix())
        env = environment(gate=gate, rollback=Rollback(GitPolicy.PUSH))
        self.passes = Passes(Scene((svc("api"), svc("web")), env=env, attended=True)).up()
        self.begun = 0.0
        self.watched: list[str] = []

    @property
    def scene(self) -> Scene:
        return self.passes.scene

    def released(self) -> Story:
        self.passes.release(web="2")
        self.report = self.passes.once()
        assert self.report.result is Result.CONVERGED
        self.begun = self.scene.clock.passed
        return self

    def at(self, seconds: float) -> bool:
        """Whether so much of the observation is over."""
        return self.scene.clock.passed - self.begun >= seconds

    def answers(self, answer: Callable[[], Seen]) -> Story:
        self.scene.answer("front", lambda _: answer())
        return self

    def meanwhile(self, seconds: float, happens: Callable[[], object]) -> Story:
        """Something happens, once, so long after the release."""
        happened: list[object] = []

        def interrupted() -> bool:
            if self.at(seconds) and not happened:
                happened.append(True)
                happens()
            return False

        self.scene.interrupted = interrupted
        return self

    def observed(self) -> Observed:
        reconciler = self.passes.reconciler
        host = replace(reconciler.host, watching=self.watched.append)
        found = observe(replace(reconciler, host=host), self.report)
        assert found is not None
        self.seconds = self.scene.clock.passed - self.begun
        assert self.passes.journal.observed is None, "it is over"
        return found


def failing_from(story: Story, seconds: float, until: float = 10**9) -> Story:
    return story.answers(lambda: BAD if story.at(seconds) and not story.at(until) else GOOD)


# --- taken back --------------------------------------------------------------------------------------


def test_what_is_critical_and_fails_late_is_taken_back_at_once() -> None:
    story = failing_from(Story().released(), 100.0)
    found = story.observed()
    assert found.reason == "check front: 500 Internal Server Error"
    assert 100.0 <= story.seconds < 120.0
    report = found.report
    assert report is not None
    assert (report.result, report.sync, report.health) == (
        Result.ROLLED_BACK,
        Sync.SYNCED,
        EnvironmentHealth.HEALTHY,
    )
    assert story.scene.there() == "api-1=1 web-1=1"


def restored(story: Story) -> None:
    """The check is good again with version 1."""
    running = story.scene.world.running
    story.answers(lambda: BAD if story.at(100.0) and image("web", "2") in running().values() else GOOD)


def test_what_was_taken_back_is_blocked_and_undone_and_nothing_happens_after_that() -> None:
    story = Story().released()
    restored(story)
    report = story.observed().report
    assert report is not None
    assert report.undo is not None
    assert report.undo.state is UndoState.DONE
    assert blocked(story.passes) == [("web", image("web", "2"))]
    assert story.passes.pinned() == {"api": "1", "web": "1"}
    assert story.passes.commits()[-1] == 'Revert "web 2"'
    quiet(story.passes)


def test_a_container_that_dies_late_is_critical() -> None:
    story = Story().released()
    story.meanwhile(50.0, lambda: story.scene.world.named("shop-web-1").end(137, by_hand=True))
    found = story.observed()
    assert found.reason == "shop-web-1: exited with 137"
    assert story.scene.there() == "api-1=1 web-1=1"


def test_a_container_that_restarts_late_is_critical() -> None:
    story = Story()
    story.scene.behave("web", "2", Behaviour(crashes=1, crashes_after=60))
    story.released()
    assert "restarted" in story.observed().reason
    assert story.scene.there() == "api-1=1 web-1=1"


def test_one_bad_answer_is_not_enough() -> None:
    story = failing_from(Story().released(), 100.0, until=101.5)
    assert story.observed().report is None


# --- with a delay ------------------------------------------------------------------------------------


def test_what_is_high_is_taken_back_when_its_delay_is_over() -> None:
    story = failing_from(Story(Severity.HIGH).released(), 100.0)
    found = story.observed()
    assert found.report is not None
    assert found.report.result is Result.ROLLED_BACK
    assert 100.0 + 15 * MINUTE <= story.seconds < 100.0 + 16 * MINUTE


def test_what_is_high_and_recovers_is_left_alone() -> None:
    story = failing_from(Story(Severity.HIGH).released(), 100.0, until=100.0 + 14 * MINUTE)
    found = story.observed()
    assert (found.report, found.reason) == (None, "everything stayed good")
    assert story.scene.there() == "api-1=1 web-1=2"


def test_a_delay_begins_anew_when_it_failed_recovered_and_fails_again() -> None:
    story = Story(Severity.HIGH).released()
    story.answers(lambda: BAD if story.at(100.0) and not (story.at(600.0) and not story.at(700.0)) else GOOD)
    found = story.observed()
    assert found.report is not None
    assert story.seconds >= 700.0 + 15 * MINUTE


def test_what_failed_in_the_gate_already_is_taken_back_when_its_delay_is_over() -> None:
    story = Story(Severity.HIGH)
    story.answers(lambda: BAD if story.scene.world.calls else GOOD)
    story.released()
    found = story.observed()
    assert found.report is not None
    assert story.seconds < 16 * MINUTE


def test_the_alert_comes_before_the_delay_is_over() -> None:
    story = failing_from(Story(Severity.HIGH).released(), 100.0)
    found = story.observed()
    assert story.watched[0] == "check front: 500 Internal Server Error: roll back after 15 min"
    assert [alert.check for alert in found.alerts] == ["check front"]


# --- only told ---------------------------------------------------------------------------------------


def test_what_is_medium_is_told_and_kept() -> None:
    story = failing_from(Story(Severity.MEDIUM).released(), 100.0)
    found = story.observed()
    assert found.report is None
    assert [(one.check, one.reaction.response) for one in found.alerts] == [("check front", Response.ALERT)]
    assert story.scene.there() == "api-1=1 web-1=2"
    assert len(story.watched) == 1


def test_a_probe_that_breaks_is_an_alert_and_no_verdict() -> None:
    story = Story().released()
    story.answers(lambda: NO_EVIDENCE if story.at(100.0) else GOOD)
    found = story.observed()
    assert found.report is None
    assert len(found.alerts) == 1


def test_a_probe_that_breaks_takes_the_release_back_where_the_matrix_says_so() -> None:
    matrix = Matrix(inconclusive={Phase.GATE: Response.ROLL_BACK, Phase.OBSERVED: Response.ROLL_BACK})
    story = Story(matrix=matrix).released()
    story.answers(lambda: NO_EVIDENCE if story.at(100.0) else GOOD)
    found = story.observed()
    assert found.report is not None
    assert story.scene.there() == "api-1=1 web-1=1"


# --- ended -------------------------------------------------------------------------------------------


def test_it_ends_when_nothing_has_a_delay_any_more() -> None:
    story = Story().released()
    found = story.observed()
    assert (found.reason, found.report, found.alerts) == ("everything stayed good", None, ())
    assert 60 * MINUTE <= story.seconds < 61 * MINUTE, "the longest delay of the matrix"


def test_a_newer_pin_ends_it() -> None:
    story = failing_from(Story(Severity.HIGH).released(), 10.0)
    story.meanwhile(60.0, lambda: story.passes.release(web="3"))
    found = story.observed()
    assert (found.reason, found.report) == ("a newer pin arrived", None)
    assert story.seconds < 70.0
    assert story.passes.once().result is Result.CONVERGED
    assert story.scene.there() == "api-1=1 web-1=3"


def test_a_commit_that_moves_no_pin_does_not_end_it() -> None:
    story = failing_from(Story().released(), 100.0)
    story.meanwhile(60.0, lambda: story.passes.repository.put({"README.md": "hello"}))
    assert story.observed().report is not None


def test_a_newer_pin_that_another_clone_released_ends_it() -> None:
    """Two clones release to one host: what is gone was replaced, and not lost."""
    story = Story().released()

    def elsewhere() -> None:
        before = story.passes.commit
        other = replace_pins(story.passes, web="3")
        assert other.once().result is Result.CONVERGED
        assert before == story.passes.commit

    story.meanwhile(60.0, elsewhere)
    found = story.observed()
    assert (found.reason, found.report) == ("a newer pin arrived", None)
    assert story.scene.there() == "api-1=1 web-1=3"
    assert blocked(story.passes) == []


def replace_pins(passes: Passes, **versions: str) -> Passes:
    """Another clone with the same host and journal, in which pins were moved."""
    import copy

    line = copy.copy(passes.repository.line)
    other = copy.copy(passes)
    other.repository = replace(passes.repository, line=line, checked_out=lambda _files: None)
    other.release(**versions)
    return other


def test_an_interruption_ends_it() -> None:
    story = Story().released()
    story.scene.interrupted = lambda: story.at(30.0)
    found = story.observed()
    assert (found.reason, found.report) == ("interrupted", None)
    assert story.seconds < 32.0


def test_what_released_nothing_is_not_observed() -> None:
    story = Story()
    assert observe(story.passes.reconciler, story.passes.once()) is None
    story.scene.world.named("shop-web-1").end(1, by_hand=True)
    repaired = story.passes.once()
    assert repaired.result is Result.CONVERGED
    assert observe(story.passes.reconciler, repaired) is None


def test_what_was_released_before_a_newer_pin_came_is_not_observed() -> None:
    story = Story().released()
    story.passes.release(web="3")
    found = observe(story.passes.reconciler, story.report)
    assert found is not None
    assert found.reason == "a newer pin arrived"


# --- trouble -----------------------------------------------------------------------------------------


def test_it_is_written_down_while_it_lasts() -> None:
    story = Story().released()
    seen: list[tuple[str, str]] = []

    def note() -> None:
        now = story.passes.journal.observed
        assert now is not None
        seen.append((now.run, now.revision))

    story.meanwhile(5.0, note)
    story.observed()
    assert seen == [(story.report.run, story.passes.repository.head().commit)]


def test_a_full_disk_does_not_end_it() -> None:
    story = failing_from(Story(Severity.HIGH).released(), 2.0, until=30.0)
    story.passes.journal.refuses = True
    reconciler = story.passes.reconciler
    found = observe(reconciler, story.report)
    assert found is not None
    assert found.reason == "everything stayed good"


def test_a_git_that_cannot_be_read_does_not_end_it() -> None:
    story = failing_from(Story().released(), 100.0)
    story.meanwhile(50.0, lambda: breaks_for_a_moment(story))
    assert story.observed().report is not None


def breaks_for_a_moment(story: Story) -> None:
    line, story.passes.repository.line = story.passes.repository.line, []

    def mended() -> bool:
        if story.at(60.0):
            story.passes.repository.line = line
        return False

    story.scene.interrupted = mended


def test_an_engine_that_goes_away_is_said() -> None:
    story = Story().released()
    gone = EngineUnreachable("gone")
    story.meanwhile(50.0, lambda: story.scene.world.fail("inspect", error=gone, times=9))
    with pytest.raises(EngineUnreachable):
        story.observed()
    assert story.passes.journal.observed is None
    assert isinstance(RepositoryUnreachable("x"), Exception)


def test_a_check_is_asked_as_often_as_it_says() -> None:
    gate = Gate(5.0, 0.0, (replace(check(), interval_seconds=60.0),))
    story = Story()
    story.scene.env = replace(story.scene.env, gate=gate)
    story.released()
    asked = story.scene.asked("front")
    story.observed()
    assert 55 <= story.scene.asked("front") - asked <= 65
