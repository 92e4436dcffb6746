"""One environment of the daemon: a pass for each burst of wakes, and one whenever it is time.

Each environment has a worker in a thread of its own. One that fails, hangs or is locked delays no other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from reconciler.app.announcing import Announcer
from reconciler.app.converge import Reconciler
from reconciler.app.correcting import Correcting
from reconciler.app.dispatching import Dispatcher
from reconciler.app.mailbox import Mailbox
from reconciler.app.observation import releases
from reconciler.app.observer import Observer
from reconciler.app.reaching import AGAIN_SECONDS, Reaching
from reconciler.app.relay import Relay
from reconciler.domain.report import EnvironmentHealth, Report, Result, Sync, Verb
from reconciler.domain.schedule import Schedule
from reconciler.domain.triggers import Cause, Wake
from reconciler.errors import Locked, ReconcileError
from reconciler.ports import Clock
from reconciler.ports.log import Log

WELL = frozenset({Result.NO_OP, Result.CONVERGED, Result.ROLLED_BACK})
TOUCHES_NOTHING = frozenset({Verb.PULL, Verb.READY, Verb.GATE, Verb.VERIFY})


@dataclass(frozen=True, slots=True)
class Ready:
    """An environment as it is to be reconciled now, and what a person should know of how it was read.

    ``relay`` delivers what its people are told; None where nobody is.
    """

    reconciler: Reconciler
    notes: tuple[str, ...] = ()
    relay: Relay | None = None


@dataclass(slots=True)
class Worker:
    """Reconciles one environment again and again.

    Args:
        name: the environment's.
        ready: reads it anew; None where it is not there any more. May raise ReconcileError.
        log: hears of each pass.
        clock: says when it is time.
        chance: from 0 to 1, for jitter.
        schedule: when to look next.
        project: its Compose project; empty until it was read once.
        correcting: what was corrected lately.
    """

    name: str
    ready: Callable[[], Ready | None]
    log: Log
    clock: Clock
    chance: Callable[[], float]
    schedule: Schedule = field(default_factory=Schedule)
    mailbox: Mailbox = field(default_factory=Mailbox)
    project: str = ""
    correcting: Correcting = field(default_factory=Correcting)
    _observer: Observer = field(init=False)
    _dispatcher: Dispatcher = field(init=False)
    _last: Reconciler | None = None
    _reaching: Reaching = field(default_factory=Reaching)
    _resumed: bool = False

    def __post_init__(self) -> None:
        self._observer = Observer(self.name, self.log)
        self._dispatcher = Dispatcher(lambda words: self.log.note(self.name, words))

    def run(self) -> None:
        """Until the mailbox is closed, or the environment is gone."""
        self.mailbox.put(Wake(Cause.START))
        there = True
        while there and not self.mailbox.closed:
            wakes = self.mailbox.take(self._seconds)
            if not self.mailbox.closed:
                there = self.turn(wakes or (self._in_time(),))
        self.end()

    def end(self) -> None:
        """Observe no longer; what is being taken back is taken back first. Then nobody is told any more."""
        self._observer.end()
        self._dispatcher.end()

    def turn(self, wakes: Sequence[Wake]) -> bool:
        """One pass, and when the next one is due; false where the environment is gone."""
        try:
            ready = self.ready()
        except ReconcileError as error:
            self._failed(error)
            self._announce(error)
            self.log.failed(self.name, error, self.schedule.due - self.clock.monotonic())
            return True
        if ready is None:
            self.log.note(self.name, "it is not in reconcile.yaml any more; what runs is left as it is")
            return False
        if any(wake.cause is Cause.HANGUP for wake in wakes):
            self.correcting.forget()
        restless = self.correcting.restless(self.clock.monotonic(), ready.reconciler)
        reconciler = replace(ready.reconciler, restless=restless)
        self.project, self._last = reconciler.environment.project, reconciler
        self._dispatcher.over(ready.relay)
        self.log.begins(self.name, wakes)
        report = reconciler.run_once(notes=ready.notes)
        self.correcting.passed(report, self.clock.monotonic())
        self._schedule(report, stirred=any(wake.cause is Cause.ENGINE for wake in wakes))
        self.log.ended(report, self.schedule.due - self.clock.monotonic())
        self._observe(reconciler, report)
        if any(wake.cause is Cause.ENGINE_BACK for wake in wakes):
            self._reaching.engine_back(self.clock.monotonic())
        if report.error is None:
            self._reach(reconciler)
        return True

    def _reach(self, reconciler: Reconciler) -> None:
        """Restart what runs and is out of reach since the engine came back."""
        try:
            unreached = self._reaching.unreached(reconciler, self.clock.monotonic())
        except ReconcileError as error:
            self.log.note(self.name, f"whether everything is reached is not known: {error}")
            return
        if unreached:
            report = replace(reconciler, unreached=unreached).run_once()
            self.log.ended(report, self.schedule.due - self.clock.monotonic())
        if self._reaching.suspicious:
            self.schedule = self.schedule.soon(AGAIN_SECONDS, self.clock.monotonic())

    def _announce(self, error: ReconcileError) -> None:
        """Tell that there was no pass, where we could read before who is to be told."""
        if self._last is None:
            return
        environment, now = self._last.environment, self.clock.now()
        unknown = (Sync.UNKNOWN, EnvironmentHealth.UNKNOWN)
        report = Report(environment.name, Result.FAILED, *unknown, now, 0.0, error=error)
        Announcer(environment, self._last.outbox).ended(report, now)

    def _seconds(self, wakes: Sequence[Wake]) -> float:
        """How long still to wait, given what was heard."""
        now = self.clock.monotonic()
        return self.schedule.begins((wake.cause for wake in wakes), now) - now

    def _in_time(self) -> Wake:
        return Wake(Cause.RETRY if self.schedule.failures else Cause.INTERVAL)

    def _schedule(self, report: Report, *, stirred: bool) -> None:
        if report.error is not None:
            touched = any(step.verb not in TOUCHES_NOTHING for step in report.steps)
            self._failed(report.error, touched=touched, stirred=stirred)
            return
        now, chance = self.clock.monotonic(), self.chance()
        if report.result in WELL:
            self.schedule = self.schedule.succeeded(now, chance, stirred=stirred)
        else:
            self.schedule = self.schedule.failed(now, chance)

    def _failed(self, error: ReconcileError, *, touched: bool = False, stirred: bool = False) -> None:
        now, chance = self.clock.monotonic(), self.chance()
        if isinstance(error, Locked):
            self.schedule = self.schedule.locked(now, chance)
        else:
            self.schedule = self.schedule.failed(now, chance, touched=touched, stirred=stirred)

    def _observe(self, reconciler: Reconciler, report: Report) -> None:
        """Observe what was released; after a start, what was released before it."""
        if releases(report):
            self._resumed = True
            self._observer.released(reconciler, report)
        elif report.error is None and not self._resumed:
            self._resumed = True
            self._observer.resume(reconciler)
