"""Wakes on their way to one environment: however many arrive, they make one pass."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from reconciler.domain.triggers import Wake

QUIET_SECONDS = 0.03
"""A burst is over when nothing came for so long …"""
LONGEST_BURST_SECONDS = 0.3
"""… or when it has gone on for so long."""
MOST = 20
"""How many wakes are kept, for people to read; more would say nothing new."""


@dataclass(slots=True)
class Mailbox:
    """Wakes that nobody acted on yet. Any thread may put one in; one thread takes them out.

    Its clock is that of the threads themselves: nothing but waiting happens here.
    """

    _wakes: list[Wake] = field(default_factory=list)
    _last: float = 0.0
    _closed: bool = False
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def put(self, wake: Wake) -> None:
        """Leave a wake. What another one says already is not kept twice."""
        with self._changed:
            self._last = time.monotonic()
            if len(self._wakes) < MOST and wake not in self._wakes:
                self._wakes.append(wake)
                self._changed.notify()

    def close(self) -> None:
        """Nobody shall wait any longer."""
        with self._changed:
            self._closed = True
            self._changed.notify()

    @property
    def closed(self) -> bool:
        """Whether it was closed."""
        return self._closed

    def take(self, seconds: Callable[[Sequence[Wake]], float]) -> tuple[Wake, ...]:
        """Wait until it is time, and take all that is there by then; nothing where it was closed.

        Args:
            seconds: for how long still to wait, given what is there.
        """
        with self._changed:
            while not self._closed and (left := seconds(self._wakes)) > 0:
                self._changed.wait(left)
            end = time.monotonic() + LONGEST_BURST_SECONDS
            while self._wakes and not self._closed:
                left = min(end, self._last + QUIET_SECONDS) - time.monotonic()
                if left <= 0:
                    break
                self._changed.wait(left)
            taken = () if self._closed else tuple(self._wakes)
            self._wakes.clear()
            return taken
