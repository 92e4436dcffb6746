"""The reconciler of one environment: look at it, or make one pass over it.

``--once`` and the daemon are this, called differently.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reconciler.app.desired import DesiredState
from reconciler.app.host import Host
from reconciler.app.looking import Look, look
from reconciler.app.one_pass import Late, Pass
from reconciler.domain.environment import Environment
from reconciler.domain.policy import Limits, refuse
from reconciler.domain.report import Report
from reconciler.ports import Journal, Leases, Lock

__all__ = ["Late", "Look", "Reconciler"]


@dataclass(frozen=True, slots=True)
class Reconciler:
    """Everything that one environment needs to be looked at and converged.

    Args:
        environment: which one.
        desired: where its desired state is read.
        host: the outside that is acted on.
        journal: what the host writes down about passes.
        lock: keeps other reconcilers of this host out.
        leases: keeps those of all hosts out, on the engine.
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
    leases: Leases
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

    def run_once(self, late: Late | None = None, notes: Sequence[str] = ()) -> Report:
        """One pass: look, roll out, keep or restore, tell Git, report.

        Args:
            late: a release that was kept and failed since: it is blocked first, so that the pass goes back.
            notes: what is known already, and belongs into the report.
        """
        return Pass(self, self.host.clock.now(), late, notes).run()
