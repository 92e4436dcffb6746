"""Freeze windows, protection and the blast radius in reconcile.yaml, and every way to get them wrong."""

from __future__ import annotations

import zoneinfo
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from reconciler.adapters.calendar import CronCalendar
from reconciler.adapters.state_files import YamlStateFiles
from reconciler.domain.brakes import Window
from reconciler.errors import Finding, InvalidSettings
from tests.bed.fake_clock import START

FILES = YamlStateFiles()
LEAST = "version: 1\nenvironments:\n  a:\n    project: p\n    compose: [c.yml]\n"


def findings(added: str) -> tuple[Finding, ...]:
    with pytest.raises(InvalidSettings) as raised:
        FILES.settings(f"{LEAST}    {added}\n", "reconcile.yaml")
    return raised.value.findings


def test_everything_that_can_be_written() -> None:
    (environment,) = FILES.settings(
        f"""{LEAST}    freeze:
      - {{cron: "0 16 * * FRI", duration: 64h, timezone: Europe/Berlin, reason: "weekend"}}
      - cron: "  0  0  24 dec  * "
        duration: 14d
    protected: true
    max_change: 25%
""",
        "reconcile.yaml",
    )
    assert environment.freeze == (
        Window("0 16 * * FRI", 230_400.0, "Europe/Berlin", "weekend"),
        Window("0 0 24 dec *", 1_209_600.0, "UTC", ""),
    )
    assert environment.protected
    assert environment.max_change == 0.25


def test_nothing_is_frozen_or_protected_where_nothing_is_written() -> None:
    (environment,) = FILES.settings(LEAST, "reconcile.yaml")
    assert (environment.freeze, environment.protected, environment.max_change) == ((), False, 0.5)


@pytest.mark.parametrize(
    ("added", "line", "message", "hint"),
    [
        (
            "freeze: [{cron: '0 25 * * *', duration: 1h}]",
            "6:21",
            "'0 25 * * *' is not a cron expression: its hour cannot be read",
            "minute, hour, day of month, month, day of week",
        ),
        (
            "freeze: [{cron: '0 16 * * FRY', duration: 1h}]",
            "6:21",
            "'0 16 * * FRY' is not a cron expression: its day-of-week cannot be read",
            '"0 16 * * FRI"',
        ),
        ("freeze: [{cron: '0 0 31 2 *', duration: 1h}]", "6:21", "its day-of-month cannot be read", ""),
        (
            "freeze: [{cron: '0 16 * * FRI 0', duration: 1h}]",
            "6:21",
            "a cron expression has five fields",
            "0 16 * * FRI",
        ),
        ("freeze: [{cron: '@daily', duration: 1h}]", "6:21", "a cron expression has five fields", ""),
        (
            "freeze: [{cron: '0 0 * * *', duration: 367d}]",
            "6:44",
            "a window is open for at most 366 days",
            "",
        ),
        (
            "freeze: [{cron: '0 0 * * *', duration: 0h}]",
            "6:44",
            "a duration is a whole number above zero",
            "64h",
        ),
        (
            "freeze: [{cron: '0 0 * * *', duration: 1w}]",
            "6:44",
            "a duration is a whole number above zero",
            "64h",
        ),
        (
            "freeze: [{cron: '0 0 * * *', duration: 1h, timezone: Europe/Berlim}]",
            "6:58",
            "'Europe/Berlim' is not a time zone",
            "did you mean 'Europe/Berlin'?",
        ),
        ("freeze: [{cron: '0 0 * * *', duration: 1h, timezone: Europe}]", "6:58", "'Europe' is not a", ""),
        ("freeze: [{cron: '0 0 * * *', duration: 1h, timezone: ../x}]", "6:58", "with its IANA name", ""),
        ("freeze: [{cron: '0 0 * * *'}]", "6:14", "'environments.a.freeze.0' has no 'duration'", "64h"),
        ("freeze: [{duration: 1h}]", "6:14", "'environments.a.freeze.0' has no 'cron'", "0 16 * * FRI"),
        ("freeze: [{cron: '0 0 * * *', duration: 1h, zone: UTC}]", "6:48", "'zone' is not a key of", ""),
        (
            "freeze: {cron: '0 0 * * *', duration: 1h}",
            "6:13",
            "'environments.a.freeze' is of the wrong kind",
            "",
        ),
        ("protected: yes", "6:16", "'yes' is not true or false", ""),
        ("max_change: 50", "6:17", "50 is read as a number", "write 50%"),
        ("max_change: 101%", "6:17", "a share is a percentage from 0% to 100%", ""),
    ],
)
def test_what_is_refused_is_located_and_says_what_to_write(
    added: str, line: str, message: str, hint: str
) -> None:
    found = findings(added)
    assert any(
        f"{one.line}:{one.column}" == line and message in one.message and hint in one.hint for one in found
    ), found


def test_every_wrong_window_is_found_at_once() -> None:
    windows = "[{cron: '60 0 * * *', duration: 1h, timezone: Nowhere}, {cron: '0 0 0 * *', duration: 1h}]"
    assert [one.message.partition(":")[0] for one in findings(f"freeze: {windows}")] == [
        "'60 0 * * *' is not a cron expression",
        "'Nowhere' is not a time zone",
        "'0 0 0 * *' is not a cron expression",
    ]


def test_a_window_that_comes_once_in_many_years_is_fine() -> None:
    rare = "freeze: [{cron: '0 0 29 2 MON#5', duration: 1h}]"
    assert FILES.settings(f"{LEAST}    {rare}\n", "reconcile.yaml")[0].freeze


def test_on_a_machine_without_time_zones_the_finding_says_what_to_install(tmp_path: Path) -> None:
    before = zoneinfo.TZPATH
    zoneinfo.reset_tzpath([str(tmp_path)])
    ZoneInfo.clear_cache()
    try:
        (found,) = findings("freeze: [{cron: '0 0 * * *', duration: 1h, timezone: Europe/Berlin}]")
        assert "no time zone is known on this machine" in found.message
        assert "tzdata" in found.hint
        in_utc = f"{LEAST}    freeze: [{{cron: '0 0 * * *', duration: 1h, timezone: UTC}}]\n"
        assert FILES.settings(in_utc, "reconcile.yaml")[0].freeze
    finally:
        zoneinfo.reset_tzpath(before)
        ZoneInfo.clear_cache()


def test_what_is_accepted_is_understood_by_the_calendar() -> None:
    crons = [
        "0 16 * * FRI",
        "*/15 8-18 * * MON-FRI",
        "0 0 L * *",
        "0 0 LW * *",
        "0 0 * * FRI#2",
        "0 0 1,15 JAN *",
    ]
    listed = ", ".join(f"{{cron: '{cron}', duration: 1h, timezone: Asia/Tokyo}}" for cron in crons)
    (environment,) = FILES.settings(f"{LEAST}    freeze: [{listed}]\n", "reconcile.yaml")
    assert len(environment.freeze) == len(crons)
    for window in environment.freeze:
        CronCalendar().frozen([window], START)
