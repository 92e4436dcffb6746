"""Brakes as values: when they hold, and how they are called."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from reconciler.domain.brakes import Brakes, Freeze, Pause, Window, clock_time

NOW = datetime(2026, 11, 27, 14, 0, tzinfo=UTC)
LATER = NOW + timedelta(hours=4)
PAUSE = Pause("migrating the disk", "ada", NOW, LATER)
FREEZE = Freeze(Window("0 16 * * FRI", 230_400.0, "Europe/Berlin", "weekend"), NOW + timedelta(days=3))


def test_a_pause_holds_until_its_time_is_up() -> None:
    assert PAUSE.holds(LATER - timedelta(seconds=1))
    assert not PAUSE.holds(LATER)
    assert Pause("", "ada", NOW).holds(NOW + timedelta(days=10_000))


@pytest.mark.parametrize(
    ("pause", "words"),
    [
        (PAUSE, 'paused by ada until 18:00 UTC: "migrating the disk"'),
        (Pause("", "ada", NOW), "paused by ada"),
        (Pause("made by hand", "", NOW), 'paused: "made by hand"'),
    ],
)
def test_a_pause_says_who_until_when_and_why(pause: Pause, words: str) -> None:
    assert Brakes(pause=pause).words("production", NOW) == (words,)


def test_the_strongest_brake_comes_first() -> None:
    every = Brakes(pause=PAUSE, freeze=FREEZE, protected=True, approved=False)
    assert every.words("production", NOW) == (
        'paused by ada until 18:00 UTC: "migrating the disk"',
        'frozen until 2026-11-30 14:00 UTC: "weekend"',
        "needs an approval: reconcile approve production",
    )
    assert every.in_force


@pytest.mark.parametrize("approved", [None, True])
def test_an_approval_that_is_there_or_not_needed_holds_nothing(approved: bool | None) -> None:
    free = Brakes(protected=approved is not None, approved=approved)
    assert free.words("production", NOW) == ()
    assert not free.in_force


def test_a_moment_is_shown_in_utc_and_with_its_date_where_that_is_not_todays() -> None:
    berlin = timezone(timedelta(hours=1))
    assert clock_time(datetime(2026, 11, 27, 19, 0, tzinfo=berlin), NOW) == "18:00 UTC"
    assert clock_time(datetime(2026, 11, 28, 0, 30, tzinfo=berlin), NOW) == "23:30 UTC"
    assert clock_time(datetime(2026, 11, 28, 1, 30, tzinfo=berlin), NOW) == "2026-11-28 00:30 UTC"
