"""A release that was kept is looked at for a while longer, and taken back when it fails late."""

from __future__ import annotations

from reconciler.domain.report import EnvironmentHealth, Result, Sync
from reconciler.domain.severity import Matrix, Phase, Response, Severity
from reconciler.domain.undo import UndoState
from tests.app.observations import DELAYS, MINUTE, Story, failing_from, only_with_it
from tests.app.rejections import blocked, quiet
from tests.bed.fake_container import Behaviour
from tests.bed.fake_outside import BAD, GOOD, NO_EVIDENCE
from tests.domain.values import image

# --- taken back --------------------------------------------------------------------------------------


def test_what_is_critical_and_fails_late_is_taken_back_at_once() -> None:
    story = only_with_it(Story().released())
    found = story.observed()
    assert found.reason == "check front: 500 Internal Server Error"
    assert 20.0 <= story.seconds < 30.0
    report = found.report
    assert report is not None
    assert (report.result, report.sync, report.health) == (
        Result.ROLLED_BACK,
        Sync.SYNCED,
        EnvironmentHealth.HEALTHY,
    )
    assert story.scene.there() == "api-1=1 web-1=1"


def test_what_was_taken_back_is_blocked_and_undone_and_nothing_happens_after_that() -> None:
    story = only_with_it(Story().released())
    report = story.observed().report
    assert report is not None
    assert report.undo is not None
    assert report.undo.state is UndoState.DONE
    assert blocked(story.passes) == [("web", image("web", "2"))]
    assert story.passes.pinned() == {"api": "1", "web": "1"}
    assert story.passes.commits()[-1] == 'Revert "web 2"'
    quiet(story.passes)


def test_what_fails_without_the_release_too_is_not_blamed_on_it() -> None:
    story = failing_from(Story().released(), 20.0)
    report = story.observed().report
    assert report is not None
    assert report.undo is not None
    assert (report.result, report.undo.state) == (Result.ROLLBACK_FAILED, UndoState.OFF)
    assert (story.scene.there(), story.passes.pinned()["web"]) == ("api-1=1 web-1=2", "2")
    quiet(story.passes, 3)
    story.answers(lambda: GOOD)
    for _ in range(3):
        story.passes.once()
        story.scene.clock.passed += MINUTE
    assert (story.scene.there(), blocked(story.passes)) == ("api-1=1 web-1=2", [])
    assert story.passes.once().sync is Sync.SYNCED


def test_a_container_that_dies_late_is_critical() -> None:
    story = Story().released()
    story.meanwhile(10.0, lambda: story.scene.world.named("shop-web-1").end(137, by_hand=True))
    found = story.observed()
    assert found.reason == "shop-web-1: exited with 137"
    assert story.scene.there() == "api-1=1 web-1=1"


def test_a_container_that_restarts_late_is_critical() -> None:
    story = Story()
    story.scene.behave("web", "2", Behaviour(crashes=1, crashes_after=30))
    story.released()
    assert "restarted" in story.observed().reason
    assert story.scene.there() == "api-1=1 web-1=1"


def test_one_bad_answer_is_not_enough() -> None:
    story = failing_from(Story().released(), 20.0, until=21.5)
    assert story.observed().report is None


# --- with a delay ------------------------------------------------------------------------------------


def test_what_is_high_is_taken_back_when_its_delay_is_over() -> None:
    story = failing_from(Story(Severity.HIGH).released(), 20.0)
    found = story.observed()
    assert found.report is not None
    assert found.report.result is Result.ROLLED_BACK
    assert 20.0 + MINUTE <= story.seconds < 30.0 + MINUTE


def test_what_is_high_and_recovers_is_left_alone() -> None:
    story = failing_from(Story(Severity.HIGH).released(), 20.0, until=70.0)
    found = story.observed()
    assert (found.report, found.reason) == (None, "everything stayed good")
    assert story.scene.there() == "api-1=1 web-1=2"


def test_a_delay_begins_anew_when_it_failed_recovered_and_fails_again() -> None:
    story = Story(Severity.HIGH).released()
    story.answers(lambda: BAD if story.at(20.0) and not (story.at(50.0) and not story.at(55.0)) else GOOD)
    found = story.observed()
    assert found.report is not None
    assert story.seconds >= 55.0 + MINUTE


def test_what_failed_in_the_gate_already_is_taken_back_when_its_delay_is_over() -> None:
    story = Story(Severity.HIGH)
    story.answers(lambda: BAD if story.scene.world.calls else GOOD)
    story.released()
    found = story.observed()
    assert found.report is not None
    assert story.seconds < 70.0


def test_the_alert_comes_before_the_delay_is_over() -> None:
    story = failing_from(Story(Severity.HIGH).released(), 20.0)
    found = story.observed()
    assert story.watched[0] == "check front: 500 Internal Server Error: roll back after 1 min"
    assert [alert.check for alert in found.alerts] == ["check front"]


# --- only told ---------------------------------------------------------------------------------------


def test_what_is_medium_is_told_and_kept() -> None:
    story = failing_from(Story(Severity.MEDIUM).released(), 20.0)
    found = story.observed()
    assert found.report is None
    assert [(one.check, one.reaction.response) for one in found.alerts] == [("check front", Response.ALERT)]
    assert story.scene.there() == "api-1=1 web-1=2"
    assert len(story.watched) == 1


def test_a_probe_that_breaks_is_an_alert_and_no_verdict() -> None:
    story = Story().released()
    story.answers(lambda: NO_EVIDENCE if story.at(20.0) else GOOD)
    found = story.observed()
    assert found.report is None
    assert len(found.alerts) == 1


def test_a_probe_that_breaks_takes_the_release_back_where_the_matrix_says_so() -> None:
    matrix = Matrix(DELAYS, {Phase.GATE: Response.ROLL_BACK, Phase.OBSERVED: Response.ROLL_BACK})
    story = only_with_it(Story(matrix=matrix).released(), NO_EVIDENCE)
    found = story.observed()
    assert found.report is not None
    assert story.scene.there() == "api-1=1 web-1=1"
