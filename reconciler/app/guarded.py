"""A port whose changing methods are stood guard over; every other call goes straight through."""

from __future__ import annotations

from collections.abc import Callable, Container
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeVar, cast

T = TypeVar("T")

Guard = Callable[[str], AbstractContextManager[None]]
"""Stands around each change; it is given what changes, as in ``engine.start``."""


def guarded(real: T, port: str, changes: Container[str], guard: Guard) -> T:
    """Something that obeys the same port as ``real``.

    Args:
        real: does what is asked for.
        port: what it is called in the names of its changes.
        changes: the names of all that changes something, as in ``engine.start``.
        guard: stands around these. What it raises on entering keeps the change from being made.
    """
    return cast(T, _Guarded(real, port, changes, guard))


@dataclass(frozen=True, slots=True)
class _Guarded:
    real: object
    port: str
    changes: Container[str]
    guard: Guard

    def __getattr__(self, name: str) -> Any:
        found, change = getattr(self.real, name), f"{self.port}.{name}"
        if change not in self.changes:
            return found

        @wraps(found)
        def around(*arguments: Any, **named: Any) -> Any:
            with self.guard(change):
                return found(*arguments, **named)

        return around
