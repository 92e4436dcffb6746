"""What the daemon tells people while it runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from reconciler.domain.report import Report
from reconciler.domain.triggers import Wake
from reconciler.errors import ReconcileError


class Log(Protocol):
    """One line for each thing that happens. Called from any thread; never raises."""

    def begins(self, environment: str, wakes: Sequence[Wake]) -> None:
        """A pass begins, and why."""

    def ended(self, report: Report, next_seconds: float) -> None:
        """A pass ended; in ``next_seconds`` the environment is looked at again, if nothing happens before."""

    def note(self, environment: str, words: str) -> None:
        """Something that a person should know; of the daemon as a whole where ``environment`` is empty."""

    def failed(self, environment: str, error: ReconcileError, next_seconds: float) -> None:
        """There was no pass, because of ``error``; in ``next_seconds`` it is tried again."""
