"""What people hold an environment with: a pause, freeze windows in the calendar, an approval that is missing.

None of them ever stops a rollback, or the repair of a service that crashed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Pause:
    """A person stopped changes. ``until`` is when it ends by itself, None where only ``resume`` ends it."""

    reason: str
    by: str
    since: datetime
    until: datetime | None = None

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
