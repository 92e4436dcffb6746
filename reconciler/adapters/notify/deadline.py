"""When a whole exchange must have ended."""

from __future__ import annotations

from dataclasses import dataclass
from time import monotonic


@dataclass(frozen=True, slots=True)
class Deadline:
    """``at_seconds`` of the monotonic clock."""

    at_seconds: float

    @classmethod
    def after(cls, seconds: float) -> Deadline:
        """The deadline ``seconds`` from now."""
        return cls(monotonic() + seconds)

    def left(self, most_seconds: float = float("inf")) -> float:
        """How many seconds are left, at most ``most_seconds``; more than 0.

        Raises:
            TimeoutError: none are.
        """
        left = self.at_seconds - monotonic()
        if left <= 0:
            raise TimeoutError
        return min(left, most_seconds)
