"""The `Log` port, which keeps what it is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from reconciler.domain.report import Report
from reconciler.domain.triggers import Wake
from reconciler.errors import ReconcileError


@dataclass(slots=True)
class FakeLog:
    """What was told, as people would read it, and the reports of passes."""

    lines: list[str] = field(default_factory=list)
    reports: list[Report] = field(default_factory=list)

    def begins(self, environment: str, wakes: Sequence[Wake]) -> None:
        """See `ports.Log`."""
        self.lines.append(f"{environment}: begins, {', '.join(wake.cause for wake in wakes)}")

    def ended(self, report: Report, next_seconds: float) -> None:
        """See `ports.Log`."""
        self.reports.append(report)
        self.lines.append(f"{report.environment}: {report.result}")

    def note(self, environment: str, words: str) -> None:
        """See `ports.Log`."""
        self.lines.append(f"{environment}: {words}")

    def failed(self, environment: str, error: ReconcileError, next_seconds: float) -> None:
        """See `ports.Log`."""
        self.lines.append(f"{environment}: {error.problem}")
