"""What ends the observation of a release, and what does not."""

from __future__ import annotations

from dataclasses import replace

from reconciler.app.observation import observe
from reconciler.domain.environment import Gate
from reconciler.domain.report import Result
from reconciler.domain.severity import Matrix, Severity
from reconciler.errors import EngineUnreachable
from tests.app.observations import DELAYS, MINUTE, Story, failing_from, only_with_it
from tests.app.passes import Passes
from tests.app.rejections import blocked
from tests.domain.values import check

# --- ended -------------------------------------------------------------------------------------------


def test_it_ends_when_nothing_has_a_delay_any_more() -> None:
    story = Story().released()
    found = story.observed()
    assert (found.reason, found.report, found.alerts) == ("everything stayed good", None, ())
    assert 2 * MINUTE <= story.seconds < 3 * MINUTE, "the longest delay of the matrix"


def test_a_newer_pin_ends_it() -> None:
    story = failing_from(Story(Severity.HIGH).released(), 10.0)
    story.meanwhile(10.0, lambda: story.passes.release(web="3"))
    found = story.observed()
    assert (found.reason, found.report) == ("a newer pin arrived", None)
    assert story.seconds < 20.0
    assert story.passes.once().result is Result.CONVERGED
    assert story.scene.there() == "api-1=1 web-1=3"


def test_a_commit_that_moves_no_pin_does_not_end_it() -> None:
    story = failing_from(Story().released(), 20.0)
    story.meanwhile(10.0, lambda: story.passes.repository.put({"README.md": "hello"}))
    assert story.observed().report is not None


def test_a_newer_pin_that_another_clone_released_ends_it() -> None:
    """Two clones release to one host: what is gone was replaced, and not lost."""
    story = Story().released()

    def elsewhere() -> None:
        other = cloned(story.passes)
        other.release(web="3")
        assert other.once().result is Result.CONVERGED

    story.meanwhile(10.0, elsewhere)
    found = story.observed()
    assert (found.reason, found.report) == ("a newer pin arrived", None)
    assert story.scene.there() == "api-1=1 web-1=3"
    assert blocked(story.passes) == []


def cloned(passes: Passes) -> Passes:
    """Another clone of the repository, on a host that is the same."""
    repository = replace(passes.repository, line=[*passes.repository.line])
    return Passes(passes.scene, repository, passes.journal, passes.lock)


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
    story = failing_from(Story().released(), 20.0)
    story.meanwhile(10.0, lambda: breaks_for_a_moment(story))
    assert story.observed().report is not None


def breaks_for_a_moment(story: Story) -> None:
    line, story.passes.repository.line = story.passes.repository.line, []

    def mended() -> bool:
        if story.at(15.0):
            story.passes.repository.line = line
        return False

    story.scene.interrupted = mended


def test_an_engine_that_does_not_answer_for_a_while_is_waited_for() -> None:
    story = only_with_it(Story().released())
    gone = EngineUnreachable("gone")
    story.meanwhile(10.0, lambda: story.scene.world.fail("observe", error=gone, times=30))
    found = story.observed()
    assert found.report is not None
    assert found.report.result is Result.ROLLED_BACK
    assert story.seconds >= 40.0


def test_a_check_is_asked_as_often_as_it_says() -> None:
    gate = Gate(5.0, 0.0, (replace(check(), interval_seconds=30.0),), Matrix(DELAYS))
    story = Story()
    story.scene.env = replace(story.scene.env, gate=gate)
    story.released()
    asked = story.scene.asked("front")
    story.observed()
    assert story.scene.asked("front") - asked == 4
