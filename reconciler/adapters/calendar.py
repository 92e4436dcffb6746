"""When the windows of a calendar are open: cron expressions in the time zones of people.

``cronsim`` follows Debian's cron where clocks change: what opens at a time that does not exist opens right
after the gap, and what opens at a time that comes twice opens at the first one. A duration is time that
passes: over such a night a window closes an hour earlier or later by the clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from reconciler.domain.brakes import Freeze, Window
from reconciler.errors import Failed

_CLOCK_CHANGE = timedelta(hours=3)
"""More than a clock is ever turned back."""


@dataclass(frozen=True, slots=True)
class CronCalendar:
    """The port ``Calendar``."""

    def frozen(self, windows: Sequence[Window], at: datetime) -> Freeze | None:
        """See ``ports.Calendar``.

        Raises:
            Failed: a time zone cannot be looked up on this machine.
        """
        closing = (
            (_opened(window, at) + timedelta(seconds=window.duration_seconds), window) for window in windows
        )
        still_open = [Freeze(window, until) for until, window in closing if at < until]
        return max(still_open, key=lambda freeze: freeze.until, default=None)


def _opened(window: Window, at: datetime) -> datetime:
    """When a window opened last, in UTC; the beginning of time where it never did."""
    from cronsim import CronSim

    # By the clock on the wall an hour that comes twice is one: begin behind it, and go back.
    start = (at.replace(microsecond=0) + _CLOCK_CHANGE + timedelta(seconds=1)).astimezone(_zone(window.zone))
    for opening in CronSim(window.cron, start, reverse=True):
        if opening.astimezone(UTC) <= at:
            return opening.astimezone(UTC)
    return datetime.min.replace(tzinfo=UTC)


def _zone(name: str) -> tzinfo:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    if name == "UTC":
        return UTC  # known everywhere
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise Failed(
            f"the time zone {name} of a freeze window cannot be looked up on this machine",
            hint="Install tzdata (the package of the system, or of Python), or write the window in UTC",
        ) from error
