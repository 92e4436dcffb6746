"""Chance, for waits that must not be the same for everybody."""

from __future__ import annotations

import random


def chance() -> float:
    """A number from 0 to 1."""
    return random.random()  # noqa: S311  # jitter is no secret
