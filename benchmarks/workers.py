"""The daemon's workers inside this process, over fake engines too, and what their passes came to."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial

from reconciler.adapters.clock import SystemClock
from reconciler.app.worker import Ready, Worker
from reconciler.domain.report import Report, Result
from reconciler.domain.schedule import Schedule
from reconciler.domain.triggers import Cause, Wake
from reconciler.errors import ReconcileError
from reconciler.interface.jitter import chance
from reconciler.interface.service.log_line import Form, Level
from reconciler.interface.service.log_lines import LogLines
from reconciler.ports.log import Log
from tests.app.passes import Passes
from tests.app.scene import Scene
from tests.domain.values import environment, svc

WAKES = (Wake(Cause.INTERVAL),)


def _log() -> LogLines:
    """The daemon's log, written in full to where nobody reads it."""
    nobody = open(os.devnull, "w")  # noqa: SIM115, PTH123  # for as long as the process lives
    return LogLines(nobody, Form.JSON, Level.DEBUG, SystemClock(), {})


@dataclass(frozen=True, slots=True)
class Counted:
    """A ``Log`` that counts what passes came to, and writes as the daemon does."""

    log: Log = field(default_factory=_log)
    results: Counter[str] = field(default_factory=Counter)

    def begins(self, environment: str, wakes: Sequence[Wake]) -> None:
        """See ``ports.log.Log``."""
        self.log.begins(environment, wakes)

    def ended(self, report: Report, next_seconds: float) -> None:
        """See ``ports.log.Log``."""
        self.results[str(report.result)] += 1
        self.log.ended(report, next_seconds)

    def note(self, environment: str, words: str) -> None:
        """See ``ports.log.Log``."""
        self.log.note(environment, words)

    def failed(self, environment: str, error: ReconcileError, next_seconds: float) -> None:
        """See ``ports.log.Log``."""
        self.results[str(error)] += 1
        self.log.failed(environment, error, next_seconds)

    def require_nothing_done(self) -> None:
        """See that no pass did, or found, anything else than nothing.

        Raises:
            RuntimeError: one did.
        """
        if self.results.keys() != {str(Result.NO_OP)}:
            raise RuntimeError(f"there was something to do, or it failed: {self.results}")


def fake_worker(log: Log, number: int, services: int) -> Worker:
    """The worker of one environment on an engine in memory, where everything runs.

    Raises:
        RuntimeError: it could not be brought up.
    """
    env = replace(environment(), name=f"e{number:02d}")
    passes = Passes(Scene(tuple(svc(f"s{one:03d}") for one in range(services)), env=env))
    report = passes.once()
    if report.result is not Result.CONVERGED:
        raise RuntimeError(f"it did not come up: {report}")
    ready = partial(Ready, passes.reconciler)  # one that lives on, as in the daemon
    return Worker(env.name, ready, log, SystemClock(), chance, Schedule(3600.0))


def turn(workers: Sequence[Worker]) -> None:
    """A pass of each, all at once."""
    with ThreadPoolExecutor(len(workers)) as pool:
        for _ in pool.map(lambda one: one.turn(WAKES), workers):
            pass
