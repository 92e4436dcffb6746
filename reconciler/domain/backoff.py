"""How long to wait before something that failed is tried again: longer each time, and never twice alike."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backoff:
    """Waits that double from ``first_seconds`` to ``longest_seconds``."""

    first_seconds: float
    longest_seconds: float

    def after(self, failures: int, chance: float) -> float:
        """The wait after so many failures in a row.

        Args:
            failures: how often it failed, counted from 1.
            chance: a number from 0 to 1. Half of the wait is left to it: who failed together would
                otherwise come back together.
        """
        doubled = self.first_seconds * 2.0 ** min(failures - 1, 60)
        return min(doubled, self.longest_seconds) * (0.5 + chance / 2)
