"""How often a commit is tried again, and how long to wait in between."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass


def _random() -> float:
    import random

    return random.random()  # noqa: S311  # jitter is no secret


@dataclass(frozen=True, slots=True)
class Patience:
    """How often a commit is derived again when others are faster, and how long to wait in between.

    The waits are random, because writers that collide once and wait equally long collide again:
    of six writers, one needed 24 tries without jitter. ``chance`` returns a number from 0 to 1.
    """

    attempts: int = 8
    chance: Callable[[], float] = _random
    sleep: Callable[[float], None] = time.sleep

    def pause(self, attempt: int) -> None:
        """Wait after the failed attempt number ``attempt``, counted from 0: up to 2 seconds."""
        if attempt + 1 < self.attempts:
            self.sleep(self.chance() * min(0.1 * 2**attempt, 2.0))
