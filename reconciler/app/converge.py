"""The loop: one pass over one environment. ``--once`` and the daemon are this, called differently."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from reconciler.app.desired import DesiredState, Source
from reconciler.app.host import Host
from reconciler.app.identity import identified, joined
from reconciler.domain.desired import Desired
from reconciler.domain.diff import diff
from reconciler.domain.environment import Environment
from reconciler.domain.health import health_of, sync_of
from reconciler.domain.observed import Observed
from reconciler.domain.plan import Plan
from reconciler.domain.policy import Limits, refuse
from reconciler.domain.report import EnvironmentHealth, Outcome, Report, Result, Step, Sync
from reconciler.errors import ReconcileError
from reconciler.ports import Lock, Memory


@dataclass(frozen=True, slots=True)
class Look:
    """Desired and observed at one moment, and the plan between them."""

    source: Source
    observed: Observed
    plan: Plan

    @property
    def desired(self) -> Desired:
        return self.source.desired


@dataclass(frozen=True, slots=True)
class Reconciler:
    """Everything that one environment needs to be looked at and converged.

    Args:
        environment: which one.
        desired: where its desired state is read.
        host: the outside that is acted on.
        memory: what the host remembers of earlier passes.
        lock: keeps other reconcilers out.
        limits: what a plan may not do.
        lock_wait_seconds: how long to wait for another reconciler to end.
        reserve: bytes that must stay free where the engine keeps images.
    """

    environment: Environment
    desired: DesiredState
    host: Host
    memory: Memory
    lock: Lock
    limits: Limits
    lock_wait_seconds: float = 0.0
    reserve: int = 256 * 2**20

    def look(self) -> Look:
        """Read, observe, plan. Nothing is changed.

        Raises:
            ReconcileError: something cannot be read, or the plan goes too far.
        """
        with ThreadPoolExecutor(1, thread_name_prefix="observe") as pool:
            observing = pool.submit(self.host.engine.observe, self.environment.project)
            source = self.desired.read(self.environment)
            observed = observing.result()
        source = replace(source, desired=joined(self.host, source, observed))
        observed = identified(self.host, source, observed)
        plan = diff(source.desired, observed, self.memory.kept(self.environment))
        refuse(plan, self.limits)
        return Look(source, observed, plan)

    def run_once(self) -> Report:
        """One pass: look, roll out, keep or restore, report.

        Whatever goes wrong is in the report, with what is known by then.
        """
        started_at, started = self.host.clock.now(), self.host.clock.monotonic()
        look: Look | None = None
        outcome: Outcome | None = None
        error: ReconcileError | None = None
        steps: list[Step] = []
        host = replace(self.host, progress=lambda step: _record(step, steps, self.host.progress))
        try:
            with self.lock.hold(self.environment, self.lock_wait_seconds):
                look = self.look()
                if not look.plan.empty:
                    outcome = self._rollout(host, look)
                self._remember(look, outcome)
        except ReconcileError as problem:
            error = problem
        sync, health = self._after(look, outcome, error)
        return Report(
            environment=self.environment.name,
            result=_result(outcome, error),
            sync=sync,
            health=health,
            started_at=started_at,
            seconds=self.host.clock.monotonic() - started,
            revision=look.desired.revision if look else None,
            plan=look.plan if look else None,
            outcome=outcome,
            steps=tuple(steps),
            error=error,
        )

    def _rollout(self, host: Host, look: Look) -> Outcome:
        from reconciler.app.rollout import Rollout  # most passes need none of it

        source = look.source
        return Rollout(
            host, source.desired, source.files, look.plan, look.observed, self.reserve, source.stamp
        ).run()

    def _remember(self, look: Look, outcome: Outcome | None) -> None:
        """What a pass in sync leaves running is what drift is measured against."""
        if outcome is not None and outcome.result is not Result.CONVERGED:
            return
        hashes = {service.name: service.config_hash for service in look.desired.services}
        if self.memory.kept(self.environment) != hashes:
            self.memory.keep(self.environment, hashes)

    def _after(
        self, look: Look | None, outcome: Outcome | None, error: ReconcileError | None
    ) -> tuple[Sync, EnvironmentHealth]:
        """Sync and health once the dust has settled; unknown where they cannot be told."""
        if look is None:
            return Sync.UNKNOWN, EnvironmentHealth.UNKNOWN
        if outcome is None and error is None:
            return sync_of(look.plan), health_of(look.desired, look.observed)
        try:
            observed = self.host.engine.observe(self.environment.project)
            source = replace(look.source, desired=joined(self.host, look.source, observed))
            observed = identified(self.host, source, observed)
        except ReconcileError:
            return Sync.UNKNOWN, EnvironmentHealth.UNKNOWN  # the report carries the pass's own error
        return sync_of(diff(source.desired, observed)), health_of(source.desired, observed)


def _result(outcome: Outcome | None, error: ReconcileError | None) -> Result:
    """How the pass ended, in one word."""
    if error is not None:
        return Result.FAILED
    return outcome.result if outcome is not None else Result.NO_OP


def _record(step: Step, steps: list[Step], progress: Callable[[Step], None]) -> None:
    steps.append(step)
    progress(step)
