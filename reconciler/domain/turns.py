"""Whose turn it is to change an environment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds an environment on its engine.

    ``who`` is for people, as in "process 4711 on web-1". ``since`` and ``until`` are by the engine's clock,
    in UTC; the holder moves ``until`` on for as long as it acts.
    """

    who: str
    since: datetime
    until: datetime
