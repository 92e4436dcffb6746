"""When an environment is looked at next. Pure: the time and chance are given."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from reconciler.domain.backoff import Backoff
from reconciler.domain.triggers import Cause

AFTER_FAILURE = Backoff(1.0, 300.0)
WHILE_LOCKED = Backoff(2.0, 2.0)
"""How soon to look again where somebody else acts: they are seldom long."""
HEEDED_SECONDS = 5.0
"""How soon after a failure that touched nothing what happens on the host is looked at."""
ECHOES_SECONDS = (0.3, 1.0, 5.0)
"""How soon to look again after a pass that the engine's events called; see ``Schedule.succeeded``."""
MOVED = frozenset({Cause.START, Cause.COMMIT, Cause.HANGUP, Cause.ENGINE_BACK})
"""What makes a failed pass worth another try at once: something else than the host has moved."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """When to look next. All times are seconds of one monotonic clock.

    ``interval_seconds`` is how long to wait after a pass that went well. ``failures`` counts those in a row
    that did not. ``due`` is when to look though nothing was heard; ``earliest`` is when to look, after a
    failure, though something was heard of the host. ``echoes`` are the pauses still to come before the
    interval counts again.
    """

    interval_seconds: float = 60.0
    failures: int = 0
    due: float = 0.0
    earliest: float = 0.0
    echoes: tuple[float, ...] = ()

    def begins(self, causes: Iterable[Cause], now: float) -> float:
        """When to begin the next pass, given what was heard by now.

        What happened on the host may have been our own doing: after a failure it makes nobody hurry, or each
        failed try would call the next one.
        """
        heard = tuple(causes)
        if any(cause in MOVED for cause in heard):
            return now
        return max(now, self.earliest) if heard else self.due

    def succeeded(self, now: float, chance: float, *, stirred: bool = False) -> Schedule:
        """After a pass that went well. Environments that began together drift apart: ``chance`` is 0 to 1.

        The engine tells that a container died before it has unmounted and disconnected it, and until then its
        list says that it runs (20.10). A look in between finds nothing to do, and no other event follows.

        Args:
            now: the time.
            chance: from 0 to 1.
            stirred: whether an event of the engine called this pass.
        """
        interval = self.interval_seconds * (0.9 + 0.2 * chance)
        pause, *later = (*(ECHOES_SECONDS if stirred else self.echoes), interval)
        due = now + min(pause, interval)
        return replace(self, failures=0, due=due, earliest=now, echoes=tuple(later[:-1]))

    def failed(self, now: float, chance: float, *, touched: bool = True, stirred: bool = False) -> Schedule:
        """After a pass that failed: the pauses double, and are never quite the same.

        Args:
            now: the time.
            chance: from 0 to 1.
            touched: whether the pass did something to the host. If not, what is heard of it is not its doing,
                and is heeded soon.
            stirred: see ``succeeded``.
        """
        failures = self.failures + 1
        again = now + AFTER_FAILURE.after(failures, chance)
        soon = again if touched else min(again, now + HEEDED_SECONDS)
        return replace(self, failures=failures, due=soon if stirred else again, earliest=soon)

    def soon(self, seconds: float, now: float) -> Schedule:
        """Something is in suspense: look again after so many ``seconds``, if nothing else comes first."""
        return replace(self, due=min(self.due, now + seconds))

    def locked(self, now: float, chance: float) -> Schedule:
        """After finding that somebody else acts: that is no failure."""
        again = now + WHILE_LOCKED.after(1, chance)
        return replace(self, due=again, earliest=again)
