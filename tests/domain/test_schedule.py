"""When an environment is looked at next."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.domain.schedule import (
    AFTER_FAILURE,
    ECHOES_SECONDS,
    HEEDED_SECONDS,
    MOVED,
    WHILE_LOCKED,
    Schedule,
)
from reconciler.domain.triggers import Cause

NOW = 1000.0
HALF = 0.5


def test_after_a_good_pass_the_interval_is_waited_for() -> None:
    schedule = Schedule(60.0).succeeded(NOW, HALF)
    assert schedule.begins((), NOW) == NOW + 60.0


def test_environments_that_begin_together_drift_apart() -> None:
    early, late = (Schedule(60.0).succeeded(NOW, chance) for chance in (0.0, 1.0))
    assert (early.due, late.due) == (NOW + 54.0, NOW + 66.0)


@pytest.mark.parametrize("interval", [60.0, 2.0])
def test_what_the_engine_told_is_looked_at_again_soon_and_a_little_later(interval: float) -> None:
    """Its list may be behind its events."""
    schedule, pauses = Schedule(interval), []
    for stirred in (True, False, False, False):
        schedule = schedule.succeeded(NOW, HALF, stirred=stirred)
        pauses.append(round(schedule.due - NOW, 3))
    assert pauses == [*(min(echo, interval) for echo in ECHOES_SECONDS), interval]


@pytest.mark.parametrize("cause", list(Cause))
def test_after_a_good_pass_every_wake_is_heeded_at_once(cause: Cause) -> None:
    assert Schedule(60.0).succeeded(NOW, HALF).begins([cause], NOW + 1) == NOW + 1


def test_pauses_after_failures_double_up_to_a_limit() -> None:
    schedule, pauses = Schedule(60.0), []
    for _ in range(12):
        schedule = schedule.failed(NOW, 1.0)
        pauses.append(schedule.due - NOW)
    assert pauses[:4] == [AFTER_FAILURE.first_seconds * factor for factor in (1, 2, 4, 8)]
    assert pauses[-1] == AFTER_FAILURE.longest_seconds
    assert pauses == sorted(pauses)


def test_a_good_pass_makes_an_end_of_the_pauses() -> None:
    schedule = Schedule(60.0).failed(NOW, HALF).failed(NOW, HALF).succeeded(NOW, HALF).failed(NOW, 1.0)
    assert schedule.due - NOW == AFTER_FAILURE.first_seconds


@pytest.mark.parametrize("cause", sorted(set(Cause) - MOVED))
def test_after_a_failure_the_host_makes_nobody_hurry(cause: Cause) -> None:
    schedule = Schedule(60.0).failed(NOW, HALF)
    assert schedule.begins([cause], NOW) == schedule.earliest > NOW


def test_after_a_failure_that_touched_nothing_the_host_is_heeded_soon() -> None:
    """What happens there is not the failed pass's doing, and its pauses may be minutes by then."""
    schedule = Schedule(60.0)
    for _ in range(12):
        schedule = schedule.failed(NOW, 1.0, touched=False)
    assert schedule.begins([Cause.ENGINE], NOW) == NOW + HEEDED_SECONDS
    assert schedule.begins([], NOW) == NOW + AFTER_FAILURE.longest_seconds
    assert schedule.failed(NOW, 1.0, touched=False, stirred=True).begins([], NOW) == NOW + HEEDED_SECONDS


@pytest.mark.parametrize("cause", sorted(MOVED))
def test_after_a_failure_what_moved_elsewhere_is_worth_a_try_at_once(cause: Cause) -> None:
    schedule = Schedule(60.0).failed(NOW, HALF).failed(NOW, HALF)
    assert schedule.begins([Cause.ENGINE, cause], NOW) == NOW


def test_an_environment_that_somebody_else_holds_is_no_failure() -> None:
    schedule = Schedule(60.0).locked(NOW, 1.0)
    assert (schedule.failures, schedule.due) == (0, NOW + WHILE_LOCKED.first_seconds)


outcomes = st.lists(
    st.tuples(st.sampled_from(["succeeded", "failed", "locked"]), st.floats(0, 1)), max_size=50
)


@given(outcomes, st.floats(1, 3600))
def test_whatever_happened_there_is_a_next_look_and_it_is_not_far(
    story: list[tuple[str, float]], interval: float
) -> None:
    schedule, now = Schedule(interval), NOW
    for outcome, chance in story:
        schedule = getattr(schedule, outcome)(now, chance)
        assert now < schedule.due <= now + max(1.1 * interval, AFTER_FAILURE.longest_seconds)
        assert schedule.earliest <= schedule.due
        now = schedule.due
