"""The loop: one pass over one environment. ``--once`` and the daemon are this, called differently."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from reconciler.app.chronicle import Chronicle
from reconciler.app.desired import DesiredState
from reconciler.app.host import Host
from reconciler.app.looking import Look, look, look_again
from reconciler.domain.desired import Desired
from reconciler.domain.environment import Environment
from reconciler.domain.gate import Judgement
from reconciler.domain.plan import Create, Remove, Replace
from reconciler.domain.policy import Limits, refuse
from reconciler.domain.report import EnvironmentHealth, Outcome, Report, Result, Step, Sync
from reconciler.domain.undo import Undo, UndoState, news
from reconciler.errors import PermissionRefused, ReconcileError
from reconciler.ports import Journal, Lock

if TYPE_CHECKING:
    from reconciler.app.rejection import Rejection

__all__ = ["Late", "Look", "Reconciler"]

REHEARSAL_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Reconciler:
    """Everything that one environment needs to be looked at and converged.

    Args:
        environment: which one.
        desired: where its desired state is read.
        host: the outside that is acted on.
        journal: what the host writes down about passes.
        lock: keeps other reconcilers out.
        limits: what a plan may not do.
        lock_wait_seconds: how long to wait for another reconciler to end.
        reserve: bytes that must stay free where the engine keeps images.
        parachute: whether a release without a way back is refused.
    """

    environment: Environment
    desired: DesiredState
    host: Host
    journal: Journal
    lock: Lock
    limits: Limits
    lock_wait_seconds: float = 0.0
    reserve: int = 256 * 2**20
    parachute: bool = True

    def look(self) -> Look:
        """Read, observe, plan. Nothing is changed.

        Raises:
            ReconcileError: something cannot be read, or the plan goes too far.
        """
        found = look(self.environment, self.desired, self.host, self.journal)
        refuse(found.plan, self.limits)
        return found

    def run_once(self, late: Late | None = None) -> Report:
        """One pass: look, roll out, keep or restore, tell Git, report.

        Whatever goes wrong is in the report, with what is known by then.

        Args:
            late: a release that was kept and failed since: it is blocked first, so that the pass goes back.
        """
        started_at, started = self.host.clock.now(), self.host.clock.monotonic()
        chronicle = Chronicle(self.journal, self.environment)
        found: Look | None = None
        outcome: Outcome | None = None
        undo: Undo | None = None
        error: ReconcileError | None = None
        steps: list[Step] = []
        host = chronicle.follow(self.host, steps)
        try:
            if late is not None:
                self._block(host, late)  # before anybody else who holds the lock looks again
            with self.lock.hold(self.environment, self._patience(late)):
                undo = self._owed(host)
                found = self._ready(self.look())
                if not found.plan.empty:
                    outcome = self._rollout(host, found, chronicle, started_at)
                self._remember(found, outcome, chronicle)
                if late is not None:
                    outcome = _taken_back(outcome, late)
                new = self._follow_up(host, found, outcome, chronicle, late)
                # What is new is not held yet.
                undo = new or news(self._owed(host, begun=True) or undo, found.held)
        except ReconcileError as problem:
            error = problem
        sync, health = self._after(found, outcome, error)
        report = Report(
            environment=self.environment.name,
            result=_result(outcome, error),
            sync=sync,
            health=health,
            started_at=started_at,
            seconds=self.host.clock.monotonic() - started,
            revision=found.desired.revision if found else None,
            plan=found.plan if found else None,
            outcome=outcome,
            steps=tuple(steps),
            error=error,
            run=chronicle.run,
            undo=undo,
            notes=tuple(chronicle.notes),
        )
        chronicle.finish(report)
        return replace(report, notes=tuple(chronicle.notes))

    def _patience(self, late: Late | None) -> float:
        """How long to wait for the lock: a release that failed late must go, whoever acts just now."""
        return self.lock_wait_seconds if late is None else self.environment.gate.timeout_seconds

    # --- Acting -----------------------------------------------------------------------------------

    def _ready(self, found: Look) -> Look:
        """Try again what was exonerated, once what it waits for works without it."""
        if not any(one.block.waits_for for one in found.held.values()):
            return found
        from reconciler.app.waiting import lift

        return self.look() if lift(self.environment, self.host, self.journal, found) else found

    def _rollout(self, host: Host, found: Look, chronicle: Chronicle, started_at: datetime) -> Outcome:
        from reconciler.app.rollout import Rollout  # most passes need none of it

        self._begin(found, chronicle, started_at)
        pool = ThreadPoolExecutor(1, thread_name_prefix="rehearse")
        try:
            rejection = self._rejection(host)
            rehearsing = pool.submit(rejection.rehearse, found.plan)
            return Rollout(
                host,
                found.desired,
                found.source.files,
                found.plan,
                found.observed,
                self.reserve,
                found.source.stamp,
                self.parachute,
                before_switch=lambda: _rehearsed(rehearsing),
                before_abort=lambda judgement: rejection.foresee(
                    found.desired, found.plan, judgement, chronicle.run
                ),
            ).run()
        finally:
            pool.shutdown(wait=False)  # a remote that hangs must not hold up anything

    def _begin(self, found: Look, chronicle: Chronicle, started_at: datetime) -> None:
        """Open the pass in the journal. Repairs do without, should it not be writable; releases do not."""
        from reconciler.app.parachute import note_before

        try:
            chronicle.begin(started_at, found.desired.revision, found.plan)
            note_before(self.host, self.journal, found.desired, found.plan, chronicle.run)
        except PermissionRefused as error:
            if any(isinstance(action, (Replace, Create)) for action in found.plan.actions):
                raise
            chronicle.notes.append(f"this pass is not in the journal: {error.problem}")

    def _block(self, host: Host, late: Late) -> None:
        """Block a release that failed late, and write down that Git is to be told."""
        rejection, services = self._rejection(host), [name for name, _, _ in late.moved]
        rejection.intend(late.desired, late.moved, late.run, late.judgement)
        rejection.block(late.desired, services, late.run, late.judgement.reason)

    def _follow_up(
        self, host: Host, found: Look, outcome: Outcome | None, chronicle: Chronicle, late: Late | None
    ) -> Undo | None:
        """Block and undo in Git what was rejected. The host is safe by now."""
        if outcome is None or outcome.result not in (Result.ROLLED_BACK, Result.ROLLBACK_FAILED):
            return None
        rejection = self._rejection(host)
        try:
            if late is not None:
                return rejection.follow_late(late.desired, late.moved, outcome, late.run)
            return rejection.follow_up(found.desired, found.plan, outcome, chronicle.run)
        except ReconcileError as error:
            chronicle.notes.append(f"the release could not be blocked or undone in Git: {error}")
            return None

    def _owed(self, host: Host, *, begun: bool = False) -> Undo | None:
        """Tell Git what it could not be told before; what is not due yet waits.

        Args:
            host: tells of steps and knows the time.
            begun: whether the host is safe by now, so that what a killed pass only foresaw comes too.
        """
        undo = self.journal.undo(self.environment)
        if undo is None or undo.state not in (UndoState.PENDING, UndoState.PROPOSED):
            return None
        waits = undo.again_at is not None and host.clock.now() < undo.again_at
        if undo.state is UndoState.PROPOSED or waits:
            return undo
        return self._rejection(host).carry_on(undo) if undo.attempts or begun else None

    def _rejection(self, host: Host) -> Rejection:
        from reconciler.app.rejection import Rejection
        from reconciler.app.undoing import Undoing

        return Rejection(self.environment, host, self.journal, Undoing(self.desired, host.clock))

    def _remember(self, found: Look, outcome: Outcome | None, chronicle: Chronicle) -> None:
        """What a pass in sync leaves running: drift is measured against it, and rollbacks go back to it."""
        if outcome is not None and outcome.result is not Result.CONVERGED:
            return
        try:
            self._write_down(found, outcome, chronicle)
        except PermissionRefused as error:
            if outcome is None:
                raise
            chronicle.lost(error)

    def _write_down(self, found: Look, outcome: Outcome | None, chronicle: Chronicle) -> None:
        unjudged = {name for name, one in found.held.items() if one.good is None}
        services = (service for service in found.desired.services if service.name not in unjudged)
        hashes = {service.name: service.config_hash for service in services}
        if self.journal.kept(self.environment) != hashes:
            self.journal.keep(self.environment, hashes)
        if outcome is not None:
            from reconciler.app.parachute import note_good

            released = {
                action.service.name for action in found.plan.actions if not isinstance(action, Remove)
            }
            chronicle.notes += note_good(
                self.host, self.journal, found.desired, chronicle.run, released, unjudged
            )

    def _after(
        self, found: Look | None, outcome: Outcome | None, error: ReconcileError | None
    ) -> tuple[Sync, EnvironmentHealth]:
        """Sync and health once the dust has settled; unknown where they cannot be told."""
        if found is None:
            return Sync.UNKNOWN, EnvironmentHealth.UNKNOWN
        try:
            if outcome is not None and outcome.result is not Result.CONVERGED:
                return self.look().state  # Git may have moved too
            untouched = outcome is None and error is None
            return (found if untouched else look_again(self.host, found)).state
        except ReconcileError:
            return Sync.UNKNOWN, EnvironmentHealth.UNKNOWN  # the report carries the pass's own error


@dataclass(frozen=True, slots=True)
class Late:
    """A release that was kept, and failed while it was observed.

    ``desired`` is what it was, ``run`` the pass that released it, ``moved`` the pins that it moved.
    """

    desired: Desired
    run: str
    moved: tuple[tuple[str, str, str], ...]
    judgement: Judgement


def _taken_back(outcome: Outcome | None, late: Late) -> Outcome:
    """How a pass that took a release back ended: what it brought back is what was restored.

    A service that ran nothing before has nothing to go back to.
    """
    if outcome is None:
        return Outcome(Result.ROLLBACK_FAILED, late.judgement)
    back = outcome.result is Result.CONVERGED and all(before for _, before, _ in late.moved)
    result = Result.ROLLED_BACK if back else Result.ROLLBACK_FAILED
    return replace(outcome, result=result, judgement=late.judgement, restored=outcome.judgement)


def _rehearsed(rehearsing: Future[tuple[str, ...]]) -> tuple[str, ...]:
    """What the rehearsal of a rollback in Git came to; a remote that hangs does not hold up a release."""
    try:
        return rehearsing.result(REHEARSAL_SECONDS)
    except TimeoutError:
        return ("whether a rollback could be written to Git is not known: the remote does not answer",)


def _result(outcome: Outcome | None, error: ReconcileError | None) -> Result:
    """How the pass ended, in one word."""
    if error is not None:
        return Result.FAILED
    return outcome.result if outcome is not None else Result.NO_OP
