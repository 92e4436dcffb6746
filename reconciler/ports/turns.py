"""Time, and whose turn it is."""

from __future__ import annotations

from collections.abc import Collection
from concurrent.futures import Future
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, Protocol

from reconciler.domain.environment import Environment


class Lock(Protocol):
    """At most one writer per environment."""

    def hold(self, environment: Environment, wait_seconds: float) -> AbstractContextManager[None]:
        """Hold the environment.

        Raises:
            Locked: another one holds it, and still did after ``wait_seconds``.
        """


class Clock(Protocol):
    """Time, as an argument."""

    def now(self) -> datetime:
        """The wall clock, in UTC: for people."""

    def monotonic(self) -> float:
        """Seconds that only move forward: for decisions."""

    def wait(self, seconds: float) -> None:
        """Let time pass."""

    def wait_for_any(self, pending: Collection[Future[Any]], seconds: float) -> None:
        """Let time pass until one of ``pending`` is done, but no more than ``seconds``."""
