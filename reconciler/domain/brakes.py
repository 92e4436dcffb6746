"""What people hold an environment with: a pause, freeze windows in the calendar, an approval that is missing.

None of them ever stops a rollback, or the repair of a service that crashed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class Pause:
    """A person stopped changes. ``until`` is when it ends by itself, None where only ``resume`` ends it.

    ``stops`` are services that a restore of their data has stopped: until the pause ends nothing starts them,
    as what they would find is half of this and half of that.
    """

    reason: str
    by: str
    since: datetime
    until: datetime | None = None
    stops: tuple[str, ...] = ()

    def holds(self, now: datetime) -> bool:
        """Whether it is in force at ``now``."""
        return self.until is None or now < self.until


@dataclass(frozen=True, slots=True)
class Window:
    """A window in the calendar in which nothing is released.

    ``cron`` (five fields, in the time zone ``zone``, an IANA name) says when it opens; it stays open for
    ``duration_seconds``.
    """

    cron: str
    duration_seconds: float
    zone: str = "UTC"
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Freeze:
    """A window that is open now, and when it closes, in UTC."""

    window: Window
    until: datetime


@dataclass(frozen=True, slots=True)
class Brakes:
    """What holds one environment at one moment.

    ``pause`` and ``freeze`` are those in force. ``approved`` says whether the release of a ``protected``
    environment is, None where nobody had to ask. ``asked`` says whether the engine was asked for a pause.
    """

    pause: Pause | None = None
    freeze: Freeze | None = None
    protected: bool = False
    approved: bool | None = None
    asked: bool = False

    @property
    def in_force(self) -> bool:
        """Whether a release would be held."""
        return self.pause is not None or self.freeze is not None or self.approved is False

    def words(self, environment: str, now: datetime) -> tuple[str, ...]:
        """Each brake in a sentence, the strongest first."""
        said = (
            paused(self.pause, now) if self.pause is not None else "",
            frozen(self.freeze, now) if self.freeze is not None else "",
            f"needs an approval: reconcile approve {environment}" if self.approved is False else "",
        )
        return tuple(words for words in said if words)


def paused(pause: Pause, now: datetime) -> str:
    """``paused by ada until 18:00 UTC: "migrating the disk"``."""
    by = f" by {pause.by}" if pause.by else ""
    until = f" until {clock_time(pause.until, now)}" if pause.until is not None else ""
    return f"paused{by}{until}{_because(pause.reason)}"


def frozen(freeze: Freeze, now: datetime) -> str:
    """``frozen until 2026-11-30 07:00 UTC: "weekend"``."""
    return f"frozen until {clock_time(freeze.until, now)}{_because(freeze.window.reason)}"


def clock_time(at: datetime, now: datetime) -> str:
    """A moment in UTC to the minute, with its date where that is not today's."""
    there, here = at.astimezone(UTC), now.astimezone(UTC)
    day = "" if there.date() == here.date() else f"{there:%Y-%m-%d} "
    return f"{day}{there:%H:%M} UTC"


def _because(reason: str) -> str:
    return f': "{reason}"' if reason else ""
