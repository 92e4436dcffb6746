"""Whose turn it is to change an environment, and when a holder counts as gone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds an environment on its engine.

    ``who`` is for people, as in "process 4711 on web-1". ``since`` and ``until`` are by the engine's clock,
    in UTC; the holder moves ``until`` on for as long as it acts.
    """

    who: str
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Pace:
    """For how long a lease is taken, and how often its holder renews it.

    All that act on one engine must agree on it: who renews more slowly than others expect looks dead.
    """

    ttl_seconds: float = 30.0
    renew_seconds: float = 5.0

    @property
    def silence_seconds(self) -> float:
        """After so long without a renewal something is wrong: two of them were missed."""
        return 2 * self.renew_seconds


class Standing(StrEnum):
    """What can be said of the holder of a lease."""

    ALIVE = "alive"
    DOUBTFUL = "doubtful"  # only watching on can tell
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Seen:
    """A lease as it was seen on the engine; no other, earlier or later, has its ``id``.

    ``identity`` is that of the lock which its holder has on its own host.
    """

    id: str
    identity: str
    holder: Holder


@dataclass(frozen=True, slots=True)
class Watch:
    """Somebody else's lease, looked at again and again.

    ``since`` is the moment of the first look after its last renewal, in seconds of our own clock, which only
    moves forward. ``renewed`` says that a renewal was seen.
    """

    seen: Seen
    since: float
    renewed: bool = False

    def saw(self, seen: Seen, at: float) -> Watch:
        """The watch after one more look."""
        if seen.id != self.seen.id:
            return Watch(seen, at)
        return self if seen == self.seen else Watch(seen, at, renewed=True)

    def standing(self, engine_now: datetime, at: float, pace: Pace) -> Standing:
        """What can be said of the holder.

        No clock is believed alone. The engine's may jump, so a lease that has run out by it is watched for
        as long as no living holder is silent. And it may have been set back, so that a lease seems to last
        for hours: nobody is silent for a whole ``ttl_seconds`` either.

        Args:
            engine_now: the engine's clock.
            at: a moment of our own clock, not after the last look.
            pace: that of all who act on the engine.
        """
        silent, left = at - self.since, (self.seen.holder.until - engine_now).total_seconds()
        if silent >= pace.ttl_seconds or (left <= 0 and silent >= pace.silence_seconds):
            return Standing.GONE
        usual = 0 < left <= pace.ttl_seconds + pace.renew_seconds
        return Standing.ALIVE if usual or self.renewed else Standing.DOUBTFUL


def end_of(engine_now: datetime, pace: Pace, last: datetime | None = None) -> datetime:
    """Until when a lease lasts that is taken or renewed now: whole seconds, and rather more than fewer.

    Args:
        engine_now: the engine's clock.
        pace: that of all who act on the engine.
        last: until when it lasted before. A renewal has to be seen, also where the clock was set back or the
            last one is not a second ago.
    """
    end = engine_now + timedelta(seconds=pace.ttl_seconds)
    whole = end if not end.microsecond else end.replace(microsecond=0) + timedelta(seconds=1)
    return whole if whole != last else whole + timedelta(seconds=1)
