"""What the daemon remembers of its corrections in one environment, and of what happened around them.

A service that is corrected again and again has another writer, or cannot stay up. ``domain.oscillation`` says
when that is enough, and the engine's events say who the other one is.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from reconciler.app.converge import Reconciler
from reconciler.domain.oscillation import (
    Corrections,
    corrections_of,
    moved_services,
    other_writer,
    why_frozen,
)
from reconciler.domain.report import Report
from reconciler.domain.triggers import Occurrence

REMEMBERED = 50
"""How many events of one service are kept."""
ECHO = timedelta(seconds=1)
"""How long after a pass what is heard may still be its own doing."""


@dataclass(slots=True)
class Correcting:
    """The corrections of one environment. Events come from another thread than passes."""

    corrections: Corrections = field(default_factory=Corrections)
    _heard: dict[str, deque[Occurrence]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def heard(self, occurrence: Occurrence) -> None:
        """The engine told of something."""
        with self._lock:
            self._heard.setdefault(occurrence.service, deque(maxlen=REMEMBERED)).append(occurrence)

    def restless(self, now: float, reconciler: Reconciler) -> dict[str, str]:
        """The services that are not corrected any more, and why.

        Args:
            now: seconds of a monotonic clock.
            reconciler: the environment, as it is read now.
        """
        frozen = self.corrections.frozen(now)
        if not frozen:
            return {}
        desired, environment = reconciler.desired, reconciler.environment
        top = desired.repository.top
        folder, pins = top / desired.path(environment.directory), top / desired.path(environment.pins)
        return {name: self._why(name, str(folder.resolve()), str(pins)) for name in frozen}

    def passed(self, report: Report, now: float) -> None:
        """A pass ended: what it corrected counts, and what Git moved begins anew."""
        self._leave_out(report)
        if report.plan is not None:
            known = self.corrections.forgotten(moved_services(report.plan))
            done = corrections_of(report.plan) if report.outcome is not None else ()
            self.corrections = known.corrected(done, now)

    def forget(self) -> None:
        """A person asked: everything is corrected again."""
        self.corrections = self.corrections.forgotten()

    def _why(self, name: str, folder: str, pins: str) -> str:
        with self._lock:
            events = tuple(self._heard.get(name, ()))
        corrections = self.corrections
        other = other_writer(events, folder, pins)
        return why_frozen(len(corrections.times[name]), corrections.within_seconds, other)

    def _leave_out(self, report: Report) -> None:
        """Our own steps look like anybody's."""
        began, ended = report.started_at, report.started_at + timedelta(seconds=report.seconds) + ECHO
        if report.outcome is None:
            return
        with self._lock:
            for name, events in self._heard.items():
                self._heard[name] = deque(_outside(events, began, ended), REMEMBERED)


def _outside(events: Iterable[Occurrence], began: datetime, ended: datetime) -> Iterable[Occurrence]:
    return (event for event in events if not began <= event.at <= ended)
