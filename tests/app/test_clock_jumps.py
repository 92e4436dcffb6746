"""The wall clock is set by an hour, forward or back: nothing happens early that hurts, and nothing never."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from reconciler.app.observation import resume
from reconciler.domain.brakes import Window
from reconciler.domain.report import Result
from reconciler.domain.severity import Severity
from reconciler.domain.triggers import Cause, Wake
from reconciler.domain.undo import UndoState
from reconciler.errors import HostConflict
from tests.app.braked import pause
from tests.app.braked import stage as braked
from tests.app.observations import MINUTE, Story, failing_from
from tests.app.passes import Passes
from tests.app.rejections import stage
from tests.app.test_observing_ends import cloned
from tests.app.test_owed import owing
from tests.app.test_worker import INTERVAL, Desk
from tests.domain.values import image

HOUR = 3600.0
SET = pytest.mark.parametrize("ahead", [HOUR, -HOUR], ids=["forward", "back"])


@SET
def test_the_next_look_is_due_when_it_was(ahead: float) -> None:
    desk = Desk()
    desk.turn(Wake(Cause.START))
    desk.passes.scene.clock.ahead = ahead
    assert desk.pause == 1.1 * INTERVAL
    desk.turn(Wake(Cause.INTERVAL))
    assert desk.pause == 1.1 * INTERVAL


@SET
def test_an_observation_lasts_as_long_as_it_should(ahead: float) -> None:
    story = Story().released()
    story.meanwhile(10.0, lambda: be_set(story.passes, ahead))
    found = story.observed()
    assert found.reason == "everything stayed good"
    assert 2 * MINUTE <= story.seconds < 3 * MINUTE


@SET
def test_what_fails_while_it_is_observed_is_taken_back_when_it_is_due(ahead: float) -> None:
    story = failing_from(Story(Severity.HIGH).released(), 10.0)
    story.meanwhile(20.0, lambda: be_set(story.passes, ahead))
    found = story.observed()
    assert found.report is not None
    assert found.report.result is Result.ROLLED_BACK
    assert 70.0 <= story.seconds < 80.0


def test_after_a_restart_an_observation_does_not_last_an_hour_longer() -> None:
    story = Story().released()
    be_set(story.passes, -HOUR)
    assert resume(story.passes.reconciler) is not None
    assert story.scene.clock.passed - story.begun < 3 * MINUTE


def test_a_newer_release_of_another_clone_is_newer_whatever_its_clock_said() -> None:
    story = Story().released()

    def elsewhere() -> None:
        be_set(story.passes, -HOUR)
        other = cloned(story.passes)
        other.release(web="3")
        assert other.once().result is Result.CONVERGED

    story.meanwhile(10.0, elsewhere)
    assert story.observed().reason == "a newer pin arrived"


@SET
def test_what_git_is_owed_is_told_when_it_is_due_or_sooner(ahead: float) -> None:
    passes = owing()
    be_set(passes, ahead)
    passes.scene.clock.passed += 40.0
    report = passes.once()
    assert report.undo is not None
    assert report.undo.state is UndoState.DONE


@SET
def test_a_release_that_waits_is_tried_again_and_not_all_the_time(ahead: float) -> None:
    passes = in_the_way()
    for minute in range(60):
        if minute == 5:
            be_set(passes, ahead)
        passes.once()
        passes.scene.clock.passed += 60.0
    tries = [call for call in passes.scene.world.calls if call == ("stop", "shop-web-1.predecessor")]
    assert 6 <= len(tries) <= 8


def in_the_way() -> Passes:
    """A release that another program on the host is in the way of."""
    passes, new = stage(), image("web", "2")
    taken = HostConflict("could not start container shop-web-1: address already in use")
    passes.scene.world.fail(
        "start", error=taken, times=99, matching=lambda c: passes.scene.world.containers[c].image == new
    )
    passes.release(web="2")
    return passes


def paused(passes: Passes) -> None:
    pause(passes, seconds=HOUR / 2)


def frozen(passes: Passes) -> None:
    passes.scene.env = replace(passes.scene.env, freeze=(Window("0 13 * * *", 1.5 * HOUR, "UTC"),))


@pytest.mark.parametrize("brake", [paused, frozen])
def test_what_people_hold_until_half_past_ends_when_the_clock_on_the_wall_says_so(
    brake: Callable[[Passes], None],
) -> None:
    passes = braked()
    brake(passes)
    passes.release(web="2")
    for ahead, runs in ((0.0, "web-1=1"), (-HOUR, "web-1=1"), (HOUR, "web-1=2")):
        be_set(passes, ahead)
        assert passes.once().error is None
        assert passes.scene.running() == runs


def be_set(passes: Passes, ahead: float) -> None:
    passes.scene.clock.ahead = ahead
