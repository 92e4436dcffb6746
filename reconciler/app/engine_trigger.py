"""Events of an engine as wakes, over every loss of its stream."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from reconciler.domain.backoff import Backoff
from reconciler.domain.triggers import Cause, Occurrence, Wake
from reconciler.errors import ReconcileError
from reconciler.ports import Clock, Events

USUAL_BACKOFF = Backoff(0.2, 10.0)


@dataclass(frozen=True, slots=True)
class EngineTrigger:
    """Follows the events of one engine (``ports.Trigger``).

    What happened while they were not heard is lost, so every return of the stream wakes all ``projects``.
    Start triggers before the first pass, so that nothing falls between its look and the stream.

    Args:
        events: those of the engine.
        projects: says which Compose projects are of interest there, by now.
        clock: says for how long nothing was heard.
        chance: returns a number from 0 to 1.
        observer: is given each event about these projects, too.
        backoff: the waits while the engine is away.
    """

    events: Events
    projects: Callable[[], frozenset[str]]
    clock: Clock
    chance: Callable[[], float]
    observer: Callable[[Occurrence], None] = lambda _: None
    backoff: Backoff = USUAL_BACKOFF

    def run(self, wake: Callable[[Wake], None], stopping: threading.Event) -> None:
        """See ``ports.Trigger.run``."""
        outage: _Outage | None = None
        while not stopping.is_set():
            outage = self._follow(wake, stopping, outage)
            stopping.wait(self.backoff.after(outage.tries, self.chance()))

    def _follow(
        self, wake: Callable[[Wake], None], stopping: threading.Event, before: _Outage | None
    ) -> _Outage:
        """One stream from its opening to its end; returns what is then known of the outage."""
        opened_at: list[float] = []

        def opened() -> None:
            opened_at.append(self.clock.monotonic())
            if before is not None:
                wake(Wake(Cause.ENGINE_BACK, self.projects(), before.told(self.clock.monotonic())))

        def heard(occurrence: Occurrence) -> None:
            if occurrence.project in self.projects():
                self.observer(occurrence)
                detail = f"{occurrence.action} {occurrence.container}"
                wake(Wake(Cause.ENGINE, frozenset({occurrence.project}), detail))

        why = "the stream ended"
        try:
            self.events.follow(opened, heard, stopping)
        except ReconcileError as error:
            why = error.problem
        now = self.clock.monotonic()
        if before is None or (opened_at and now - opened_at[0] > self.backoff.longest_seconds):
            return _Outage(now, 1, why)
        return _Outage(now if opened_at else before.since, before.tries + 1, why)


@dataclass(frozen=True, slots=True)
class _Outage:
    """Events are not heard: since when (monotonic), how often they were asked for, and why not.

    A stream that ends soon after its opening, again and again, counts on: each return costs a pass.
    """

    since: float
    tries: int
    why: str

    def told(self, now: float) -> str:
        """In words."""
        return f"no events were heard for {now - self.since:.1f} s: {self.why}"
