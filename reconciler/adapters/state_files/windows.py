"""The windows of a calendar in which nothing is released, as ``reconcile.yaml`` writes them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from reconciler.adapters.state_files.nodes import Items
from reconciler.adapters.state_files.quantities import seconds
from reconciler.adapters.state_files.source import Source, did_you_mean, quoted
from reconciler.adapters.state_files.written import Written
from reconciler.domain.brakes import Window
from reconciler.errors import Finding

_LONGEST: Final = "366d"
_ANY_TIME: Final = datetime(2026, 1, 1, tzinfo=UTC)
_FIELDS: Final = 'minute, hour, day of month, month, day of week; for example "0 16 * * FRI"'


def windows(environment: Written) -> tuple[Window, ...]:
    """The windows of one environment, in the order of the file."""
    return tuple(
        Window(
            cron=" ".join(written.text("cron").split()),
            duration_seconds=written.seconds("duration", 0.0),
            zone=written.text("timezone", "UTC"),
            reason=" ".join(written.text("reason").split()),
        )
        for written in _written(environment)
    )


def broken_windows(source: Source, environment: Written) -> Iterator[Finding]:
    """The findings of windows that the schema has accepted: what only a calendar knows."""
    for written in _written(environment):
        for key, problem in (("cron", _cron), ("timezone", _zone), ("duration", _duration)):
            text = written.scalar(key)
            found = problem(text.value) if text is not None else None
            if text is not None and found is not None:
                yield source.finding(text.line, text.column, *found)


def _written(environment: Written) -> Iterator[Written]:
    node = environment.node("freeze")
    return (Written(item) for item in (node.items if isinstance(node, Items) else ()))


def _cron(text: str) -> tuple[str, str] | None:
    """What is wrong with a cron expression, and what to write instead; None where it can be read."""
    from cronsim import CronSim, CronSimError

    try:
        CronSim(text, _ANY_TIME)
    except CronSimError as error:
        said = str(error).removeprefix("Bad ").lower()
        return f"{quoted(text)} is not a cron expression: its {said} cannot be read", _FIELDS
    return None


def _zone(name: str) -> tuple[str, str] | None:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

    if name == "UTC":
        return None  # known everywhere
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # a folder of the database is no zone
        known = available_timezones()
        if not known:
            install = "install tzdata (the package of the system, or of Python), or write the window in UTC"
            return f"no time zone is known on this machine, and {quoted(name)} is one", install
        hint = did_you_mean(name, known) or "for example Europe/Berlin, America/New_York or UTC"
        return f"{quoted(name)} is not a time zone", hint
    return None


def _duration(text: str) -> tuple[str, str] | None:
    return ("a window is open for at most 366 days", "") if seconds(text) > seconds(_LONGEST) else None
