"""Where every environment stands, in the one line that ``systemctl status`` shows."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

from reconciler.domain.report import Report
from reconciler.domain.triggers import Wake
from reconciler.errors import ReconcileError
from reconciler.interface.service.sd_notify import ServiceManager
from reconciler.ports.log import Log


@dataclass(slots=True)
class StatusLine:
    """A ``Log`` that passes everything on, and tells the service manager what it comes to.

    Args:
        manager: gets the line whenever it changes.
        log: gets everything.
    """

    manager: ServiceManager
    log: Log
    _standings: dict[str, str] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def begins(self, environment: str, wakes: Sequence[Wake]) -> None:
        """See ``ports.log.Log``. While a pass is under way, the line says how the last one ended."""
        self.log.begins(environment, wakes)
        if environment not in self._standings:
            self._stands(environment, "the first pass is under way")

    def ended(self, report: Report, next_seconds: float) -> None:
        """See ``ports.log.Log``."""
        self.log.ended(report, next_seconds)
        at = f", {report.revision.short()}" if report.revision else ""
        why = f" ({report.error.problem})" if report.error is not None else ""
        self._stands(report.environment, f"{report.sync}, {report.health}{at}{why}")

    def note(self, environment: str, words: str) -> None:
        """See ``ports.log.Log``."""
        self.log.note(environment, words)

    def failed(self, environment: str, error: ReconcileError, next_seconds: float) -> None:
        """See ``ports.log.Log``."""
        self.log.failed(environment, error, next_seconds)
        self._stands(environment, error.problem)

    def _stands(self, name: str, words: str) -> None:
        """Where ``name`` stands; what is said of no environment holds until one was looked at again."""
        with self._lock:
            stands = {one: said for one, said in self._standings.items() if one} | {name: words}
            if stands != self._standings:
                self._standings = stands
                self.manager.status("; ".join(f"{n or 'reconcile'}: {w}" for n, w in sorted(stands.items())))
