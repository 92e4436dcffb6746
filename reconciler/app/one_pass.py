"""One pass over one environment, from the first look to the report.

A pass that finds nothing to do changes nothing, not even the lease on the engine. One that has something to
do takes the lease, looks again, because the host was anybody's until then, and only then acts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from reconciler.app.announcing import Announcer
from reconciler.app.chronicle import Chronicle
from reconciler.app.host import Host
from reconciler.app.interrupted import Interrupted
from reconciler.app.last_turn import end_turn_of_killed
from reconciler.app.looking import Look, look_again
from reconciler.app.taking_back import Late, finished_for, taken_back
from reconciler.domain.brakes import Brakes
from reconciler.domain.plan import Remove
from reconciler.domain.report import EnvironmentHealth, Outcome, Report, Result, Staying, Step, Sync
from reconciler.domain.undo import Undo, UndoState, news, rests
from reconciler.errors import PermissionRefused, ReconcileError

if TYPE_CHECKING:
    from datetime import datetime

    from reconciler.app.converge import Reconciler
    from reconciler.app.rejection import Rejection


@dataclass(slots=True)
class Pass:
    """A pass while it goes on: what it found, what came of it, and what it did.

    Args:
        reconciler: the environment.
        started_at: when it began, for people.
        late: a release that was kept and failed since: it is blocked first, so that the pass goes back.
        notes: what is known already, and belongs into the report.
    """

    reconciler: Reconciler
    started_at: datetime
    late: Late | None = None
    notes: Sequence[str] = ()
    found: Look | None = None
    outcome: Outcome | None = None
    undo: Undo | None = None
    steps: list[Step] = field(default_factory=list)
    chronicle: Chronicle = field(init=False)
    announcer: Announcer = field(init=False)
    host: Host = field(init=False)
    _killed: Interrupted = field(default_factory=Interrupted)
    _staying: Staying | None = None

    def __post_init__(self) -> None:
        self.chronicle = Chronicle(self.reconciler.journal, self.reconciler.environment)
        self.chronicle.notes += self.notes
        self.announcer = Announcer(self.reconciler.environment, self.reconciler.outbox, self.chronicle.notes)
        self.host = self.chronicle.follow(self.reconciler.host, self.steps)

    def run(self) -> Report:
        """The whole pass. Whatever goes wrong is in the report, with what is known by then."""
        started = self.host.clock.monotonic()
        error: ReconcileError | None = None
        try:
            self._run()
        except ReconcileError as problem:
            error = problem
        sync, health = self._after(error)
        report = Report(
            environment=self.reconciler.environment.name,
            result=_result(self.outcome, error),
            sync=sync,
            health=health,
            started_at=self.started_at,
            seconds=self.host.clock.monotonic() - started,
            revision=self.found.desired.revision if self.found else None,
            plan=self.found.plan if self.found else None,
            outcome=self.outcome,
            steps=tuple(self.steps),
            error=error,
            run=self.chronicle.run,
            undo=self.undo,
            notes=tuple(self.chronicle.notes),
            brakes=self.found.brakes if self.found else self._protection,
        )
        self._announce(report)
        report = replace(report, notes=tuple(self.chronicle.notes))
        self.chronicle.finish(report)
        return replace(report, notes=tuple(self.chronicle.notes))

    def _run(self) -> None:
        reconciler = self.reconciler
        if self.late is not None:
            self._block(self.late)  # before anybody else who holds the lock looks again
        with reconciler.lock.hold(reconciler.environment, self._patience) as identity:
            self.undo = self._owed()
            self.found = self._ready(reconciler.look())
            if self.found.plan.empty:
                self._remember(self.found, self.host)
                new = self._took_back(self.found)
                end_turn_of_killed(reconciler.environment, reconciler.journal, reconciler.leases, identity)
            else:
                new = self._act(identity)
            # What is new is not held yet.
            self.undo = new or news(self._owed(begun=True) or self.undo, self.found.held)

    def _act(self, identity: str) -> Undo | None:
        """Do what is to be done, as the only one on this engine; returns what is to be undone in Git.

        The lease is kept until Git was told: whoever comes next may know of a rejection from there alone.
        """
        from reconciler.app.fenced import fenced  # most passes need none of it

        reconciler = self.reconciler
        with reconciler.leases.take(reconciler.environment, identity, self._patience) as lease:
            if (gone := lease.taken_over) is not None:
                self.chronicle.notes.append(f"{gone.who} was about to act and is gone: taken over")
            host = fenced(self.host, lease)
            self.found = found = reconciler.look()
            if not found.plan.empty:
                self._killed = Interrupted.of(reconciler.journal.runs(reconciler.environment, limit=1))
                if self.late is None:
                    reconciler.require_newest(found)
                self.outcome = self._rollout(host, found)
            self._remember(found, host)
            undo = self._took_back(found)
            self.outcome = finished_for(self._killed, found, self.outcome)
            self._afterwards(host, found)
            return undo

    @property
    def _patience(self) -> float:
        """How long to wait for our turn: a release that failed late must go, whoever acts just now."""
        if self.late is not None:
            return self.reconciler.environment.gate.timeout_seconds
        return self.reconciler.lock_wait_seconds

    # --- Acting -----------------------------------------------------------------------------------

    def _ready(self, found: Look) -> Look:
        """Try again what was exonerated, once what it waits for works without it."""
        if not any(one.block.waits_for for one in found.held.values()):
            return found
        from reconciler.app.waiting import lift

        reconciler = self.reconciler
        lifted = lift(reconciler.environment, self.host, reconciler.journal, found)
        return reconciler.look() if lifted else found

    def _rollout(self, host: Host, found: Look) -> Outcome:
        from reconciler.app.releasing import Releasing

        releasing = Releasing(
            self.reconciler, self.chronicle, self.announcer, self.started_at, self._rejection()
        )
        return releasing.roll_out(host, found)

    # --- A rejected release -----------------------------------------------------------------------

    def _block(self, late: Late) -> None:
        """Block a release that failed late, and write down that Git is to be told."""
        from reconciler.app.data_back import staying_late

        rejection, services = self._rejection(), [name for name, _, _ in late.moved]
        self._staying, notes = staying_late(late, self.reconciler.care)
        self.chronicle.notes += notes
        if self._staying is None:
            rejection.intend(late.desired, late.moved, late.run, late.judgement)
        rejection.block(late.desired, services, late.run, late.judgement.reason, staying=self._staying)
        self.announcer.rejected(
            late.run, self.host.clock.now(), late.judgement, late.desired.revision, late.moved
        )

    def _took_back(self, found: Look) -> Undo | None:
        """Block and undo in Git what was rejected, now or late. The host is safe by now."""
        if self.late is not None:
            self.outcome = taken_back(self.outcome, self.late, self._staying)
        outcome = self.outcome
        if outcome is None or outcome.result not in (Result.ROLLED_BACK, Result.ROLLBACK_FAILED):
            return None
        rejection = self._rejection()
        try:
            if self.late is not None:
                return rejection.follow_late(self.late.desired, self.late.moved, outcome, self.late.run)
            return rejection.follow_up(found.desired, found.plan, outcome, self.chronicle.run)
        except ReconcileError as error:
            self.chronicle.notes.append(f"the release could not be blocked or undone in Git: {error}")
            return None

    def _owed(self, *, begun: bool = False) -> Undo | None:
        """Tell Git what it could not be told before; what is not due yet waits.

        Args:
            begun: whether the host is safe by now, so that what a killed pass only foresaw comes too.
        """
        undo = self.reconciler.journal.undo(self.reconciler.environment)
        if undo is None or undo.state not in (UndoState.PENDING, UndoState.PROPOSED):
            return None
        if undo.state is UndoState.PROPOSED or rests(undo, self.host.clock.now()):
            return undo
        return self._rejection().carry_on(undo) if undo.attempts or begun else None

    def _rejection(self) -> Rejection:
        from reconciler.app.rejection import Rejection
        from reconciler.app.undoing import Undoing

        reconciler = self.reconciler
        undoing = Undoing(reconciler.desired, self.host.clock)
        return Rejection(reconciler.environment, self.host, reconciler.journal, undoing)

    @property
    def _protection(self) -> Brakes:
        """All that is known of brakes where the look failed."""
        return Brakes(protected=self.reconciler.environment.protected)

    # --- Afterwards -------------------------------------------------------------------------------

    def _afterwards(self, host: Host, found: Look) -> None:
        """Run the hooks that follow a release or its rollback; what goes wrong with them is a note."""
        if self.outcome is None or not found.desired.environment.data.hooks:
            return
        from reconciler.app.hooks import afterwards

        self.chronicle.notes += afterwards(
            host, found.desired, found.source.files, found.plan, self.outcome, self.chronicle.run
        )

    def _remember(self, found: Look, host: Host) -> None:
        """What a pass in sync leaves running: drift is measured against it, and rollbacks go back to it."""
        if self.outcome is not None and self.outcome.result is not Result.CONVERGED:
            return
        try:
            self._write_down(found, host)
        except PermissionRefused as error:
            if self.outcome is None:
                raise
            self.chronicle.lost(error)

    def _write_down(self, found: Look, host: Host) -> None:
        journal, environment = self.reconciler.journal, self.reconciler.environment
        last = journal.kept(environment)
        hashes = found.hashes(last)
        if last != hashes:
            journal.keep(environment, hashes)
        if self.outcome is not None:
            from reconciler.app.parachute import note_good

            released = {
                action.service.name for action in found.plan.actions if not isinstance(action, Remove)
            }
            self.chronicle.notes += note_good(
                host, journal, found.desired, self.chronicle.run, released, found.unjudged
            )

    def _announce(self, report: Report) -> None:
        late = (self.late.run, self.late.moved) if self.late is not None else None
        self.announcer.ended(report, self.host.clock.now(), late)

    def _after(self, error: ReconcileError | None) -> tuple[Sync, EnvironmentHealth]:
        """Sync and health once the dust has settled; unknown where they cannot be told."""
        found, outcome = self.found, self.outcome
        if found is None:
            return Sync.UNKNOWN, EnvironmentHealth.UNKNOWN
        try:
            if outcome is not None and outcome.result is not Result.CONVERGED:
                return self.reconciler.look().state  # Git may have moved too
            untouched = outcome is None and error is None
            return (found if untouched else look_again(self.host, found)).state
        except ReconcileError:
            return Sync.UNKNOWN, EnvironmentHealth.UNKNOWN  # the report carries the pass's own error


def _result(outcome: Outcome | None, error: ReconcileError | None) -> Result:
    """How the pass ended, in one word."""
    if error is not None:
        return Result.FAILED
    return outcome.result if outcome is not None else Result.NO_OP
