"""Observe a release beside the passes that go on: what is found late takes the release back.

The lock keeps both apart: while a release is taken back, a pass finds the environment locked, and waits.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from reconciler.app.converge import Reconciler
from reconciler.app.observation import observe, resume
from reconciler.app.observing import Observed
from reconciler.domain.report import Report
from reconciler.errors import ReconcileError
from reconciler.ports.log import Log


@dataclass(slots=True)
class Observer:
    """The observation of one environment, at most one at a time.

    Args:
        environment: its name, for the log.
        log: hears what comes of it.
    """

    environment: str
    log: Log
    _stopping: threading.Event = field(default_factory=threading.Event)
    _under_way: Future[None] | None = None

    def released(self, reconciler: Reconciler, report: Report) -> None:
        """Observe what a pass released; an older release is observed no longer."""
        self.end()
        self._begin(reconciler, lambda told: observe(told, report))

    def resume(self, reconciler: Reconciler) -> None:
        """Go on with what a daemon before us observed, or should have."""
        self._begin(reconciler, resume)

    def end(self) -> None:
        """Stop, and wait for it. What is being taken back is taken back first."""
        self._stopping.set()
        if self._under_way is not None:
            self._under_way.result()
        self._under_way = None

    def _begin(self, reconciler: Reconciler, look: Callable[[Reconciler], Observed | None]) -> None:
        self._stopping = stopping = threading.Event()
        host, stops = reconciler.host, reconciler.host.interrupted
        told = replace(reconciler, host=replace(host, interrupted=lambda: stopping.is_set() or stops()))
        pool = ThreadPoolExecutor(1, thread_name_prefix=f"observe-{self.environment}")
        self._under_way = pool.submit(self._observe, told, look)
        pool.shutdown(wait=False)

    def _observe(self, reconciler: Reconciler, look: Callable[[Reconciler], Observed | None]) -> None:
        try:
            observed = look(reconciler)
        except ReconcileError as error:
            self.log.note(self.environment, f"the release could not be observed: {error}")
            return
        if observed is None:
            return
        for ruling in observed.alerts:
            self.log.note(self.environment, f"{ruling.severity} {ruling.check}: {ruling.detail}")
        self.log.note(self.environment, f"the release was observed: {observed.reason}")
        if observed.report is not None:
            self.log.ended(observed.report, 0.0)
