"""When freeze windows are open: clocks that change, zones, names, and windows that overlap."""

from __future__ import annotations

import zoneinfo
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from cronsim import CronSim
from hypothesis import given
from hypothesis import strategies as st

from reconciler.adapters.calendar import CronCalendar
from reconciler.domain.brakes import Window
from reconciler.errors import Failed

HOUR = 3600.0
BERLIN = "Europe/Berlin"
WEEKEND = Window("0 16 * * FRI", 64 * HOUR, BERLIN, "weekend")


def at(text: str, zone: str = "UTC") -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def until(window: Window, text: str, zone: str = "UTC") -> str:
    """When the window that is open then closes, in UTC; empty where it is closed."""
    found = CronCalendar().frozen([window], at(text, zone))
    assert found is None or found.window == window
    return f"{found.until:%Y-%m-%d %H:%M}" if found else ""


@pytest.mark.parametrize(
    ("moment", "closes"),
    [
        ("2026-11-27 15:59:59", ""),
        ("2026-11-27 16:00:00", "2026-11-30 07:00"),
        ("2026-11-29 12:00:00", "2026-11-30 07:00"),
        ("2026-11-30 07:59:59", "2026-11-30 07:00"),
        ("2026-11-30 08:00:00", ""),
    ],
)
def test_a_window_opens_by_the_clock_of_its_zone_and_is_open_for_its_duration(
    moment: str, closes: str
) -> None:
    assert until(WEEKEND, moment, BERLIN) == closes


def test_without_windows_nothing_is_frozen() -> None:
    assert CronCalendar().frozen([], at("2026-11-28 12:00")) is None


def test_seconds_and_less_do_not_matter() -> None:
    noon = Window("0 12 * * *", HOUR)
    opens = at("2026-11-28 12:00")
    assert CronCalendar().frozen([noon], opens - timedelta(microseconds=1)) is None
    assert CronCalendar().frozen([noon], opens + timedelta(microseconds=1)) is not None


# --- clocks that change -------------------------------------------------------------------------------

NIGHT = Window("30 2 * * *", HOUR, BERLIN)


def test_a_window_that_opens_at_a_time_that_does_not_exist_opens_after_the_gap() -> None:
    """On 2026-03-29 the clock goes from 2:00 to 3:00, which is 01:00 in UTC."""
    assert until(NIGHT, "2026-03-29 00:59:59") == ""
    assert until(NIGHT, "2026-03-29 01:00:00") == "2026-03-29 02:00"
    assert until(NIGHT, "2026-03-29 01:59:59") == "2026-03-29 02:00"
    assert until(NIGHT, "2026-03-29 02:00:00") == ""


def test_a_window_that_opens_at_a_time_that_comes_twice_opens_at_the_first() -> None:
    """On 2026-10-25 the clock goes from 3:00 back to 2:00: 2:30 is 00:30 and 01:30 in UTC."""
    assert until(NIGHT, "2026-10-25 00:29:59") == ""
    assert until(NIGHT, "2026-10-25 00:30:00") == "2026-10-25 01:30"
    assert until(NIGHT, "2026-10-25 01:10:00") == "2026-10-25 01:30"
    assert until(NIGHT, "2026-10-25 01:30:00") == ""


def test_a_window_over_a_night_in_which_clocks_change_lasts_as_long_as_ever() -> None:
    assert until(WEEKEND, "2026-03-28 12:00", BERLIN) == "2026-03-30 07:00"  # 9:00 there
    assert until(WEEKEND, "2026-10-24 12:00", BERLIN) == "2026-10-26 06:00"  # 7:00 there


def test_a_window_that_opens_every_hour_opens_in_both_of_the_same_name() -> None:
    hourly = Window("0 * * * *", 600.0, BERLIN)
    assert until(hourly, "2026-10-25 00:05") == "2026-10-25 00:10"
    assert until(hourly, "2026-10-25 01:05") == "2026-10-25 01:10"
    assert until(hourly, "2026-10-25 01:15") == ""


def test_on_the_other_half_of_the_globe_clocks_change_the_other_way_round() -> None:
    night = Window("30 2 * * *", HOUR, "Australia/Sydney")
    assert until(night, "2026-10-03 16:00") == "2026-10-03 17:00"  # 2:30 does not exist on the 4th
    assert until(night, "2026-04-04 15:45") == "2026-04-04 16:30"  # 2:30 comes twice on the 5th


def test_where_clocks_change_by_half_an_hour_both_kinds_of_window_open() -> None:
    """On Lord Howe the clock goes from 2:00 back to 1:30 on 2026-04-05, which is 15:00 in UTC."""
    zone = "Australia/Lord_Howe"
    assert until(Window("0 */2 * * *", 600.0, zone), "2026-04-04 15:30") == "2026-04-04 15:40"
    assert until(Window("45 1 * * *", 600.0, zone), "2026-04-04 14:50") == "2026-04-04 14:55"
    assert until(Window("45 1 * * *", 600.0, zone), "2026-04-04 15:15") == ""


# --- several windows ----------------------------------------------------------------------------------


def test_of_windows_that_overlap_the_one_that_closes_last_counts() -> None:
    christmas = Window("0 0 24 DEC *", 14 * 24 * HOUR, BERLIN, "Christmas")
    day = Window("0 9 * * *", 8 * HOUR, BERLIN, "office hours")
    moment = at("2026-12-25 12:00", BERLIN)  # a Friday
    for windows in ([day, christmas, WEEKEND], [WEEKEND, christmas, day]):
        found = CronCalendar().frozen(windows, moment)
        assert found is not None
        assert (found.window.reason, f"{found.until:%m-%d %H:%M}") == ("Christmas", "01-06 23:00")


def test_a_window_that_is_longer_than_its_period_closes_after_its_last_opening() -> None:
    always = Window("0 0 * * *", 36 * HOUR)
    assert until(always, "2026-11-28 00:00") == "2026-11-29 12:00"
    assert until(always, "2026-11-28 23:59") == "2026-11-29 12:00"
    assert until(Window("* * * * *", 366 * 24 * HOUR), "2026-11-28 12:00:30") == "2027-11-29 12:00"


# --- what can be written ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "cron", ["0 12 28 NOV SAT", "0 12 28 nov *", "0 12 * * sat", "0 12 * * 6", "0 12 * 11 6"]
)
def test_months_and_days_have_names(cron: str) -> None:
    assert until(Window(cron, HOUR), "2026-11-28 12:30") == "2026-11-28 13:00"


def test_sunday_is_0_and_7() -> None:
    for day in ("0", "7", "SUN"):
        assert until(Window(f"0 12 * * {day}", HOUR), "2026-11-29 12:30") == "2026-11-29 13:00"
        assert until(Window(f"0 12 * * {day}", HOUR), "2026-11-28 12:30") == ""


def test_the_same_hour_is_another_moment_in_another_zone() -> None:
    def opens(zone: str) -> str:
        return until(Window("0 12 * * *", HOUR, zone), "2026-11-28 12:00", zone)

    assert opens("UTC") == "2026-11-28 13:00"
    assert opens("America/New_York") == "2026-11-28 18:00"
    assert opens("Asia/Kolkata") == "2026-11-28 07:30"
    assert opens("Pacific/Kiritimati") == "2026-11-27 23:00"


def test_a_window_that_never_opened_is_closed() -> None:
    assert until(Window("0 0 29 2 MON#5", 366 * 24 * HOUR), "2026-11-28 12:00") == ""


# --- a machine without time zones ---------------------------------------------------------------------


def test_without_time_zones_the_error_says_what_to_install(tmp_path: Path) -> None:
    before = zoneinfo.TZPATH
    zoneinfo.reset_tzpath([str(tmp_path)])
    ZoneInfo.clear_cache()
    try:
        with pytest.raises(Failed, match="time zone Europe/Berlin") as raised:
            CronCalendar().frozen([WEEKEND], datetime(2026, 11, 28, 12, tzinfo=UTC))
        assert "tzdata" in raised.value.hint
        assert CronCalendar().frozen([Window("0 * * * *", HOUR)], datetime(2026, 11, 28, tzinfo=UTC))
    finally:
        zoneinfo.reset_tzpath(before)
        ZoneInfo.clear_cache()


# --- the same as going forward ------------------------------------------------------------------------

CRONS = (
    "30 2 * * *",
    "0 2,3 * * *",
    "*/20 * * * *",
    "15 * * * *",
    "0 */2 * * *",
    "30 1-3 * * SUN",
    "59 2 29 3 *",
)
CHANGES = [
    (BERLIN, "2026-03-29 01:00"),
    (BERLIN, "2026-10-25 01:00"),
    ("America/New_York", "2026-03-08 07:00"),
    ("America/New_York", "2026-11-01 06:00"),
    ("Australia/Sydney", "2026-04-04 16:00"),
    ("America/St_Johns", "2026-11-01 04:30"),
    ("UTC", "2026-03-29 01:00"),
]


@given(
    st.sampled_from(CRONS),
    st.sampled_from(CHANGES),
    st.integers(-150, 150),
    st.sampled_from([20, 60, 90, 1500]),
)
def test_going_back_finds_what_going_forward_does(
    cron: str, change: tuple[str, str], minutes: int, length: int
) -> None:
    zone, lasts = change[0], timedelta(minutes=length)
    moment = at(change[1]) + timedelta(minutes=minutes)
    start = (moment - lasts - timedelta(days=2)).astimezone(ZoneInfo(zone))
    last = None
    for opening in CronSim(cron, start):
        if opening.astimezone(UTC) > moment:
            break
        last = opening.astimezone(UTC)
    expected = last + lasts if last is not None and moment < last + lasts else None
    found = CronCalendar().frozen([Window(cron, lasts.total_seconds(), zone)], moment)
    assert (found.until if found else None) == expected
