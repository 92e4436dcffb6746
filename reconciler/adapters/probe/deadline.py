"""When a whole look must have ended."""

from __future__ import annotations

from dataclasses import dataclass
from time import monotonic


@dataclass(frozen=True, slots=True)
class Deadline:
    """``limit_seconds`` from when it was made, at ``at_seconds`` of the monotonic clock."""

    limit_seconds: float
    at_seconds: float

    @classmethod
    def after(cls, seconds: float) -> Deadline:
        """The deadline ``seconds`` from now."""
        return cls(seconds, monotonic() + seconds)

    def left(self) -> float:
        """How many seconds are left, more than 0: a socket takes a time-out of 0 for "do not wait".

        Raises:
            TimeoutError: none are.
        """
        left = self.at_seconds - monotonic()
        if left <= 0:
            raise TimeoutError
        return left
