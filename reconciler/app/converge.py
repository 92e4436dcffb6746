"""The reconciler of one environment: look at it, or make one pass over it.

``--once`` and the daemon are this, called differently.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from reconciler.app.braking import Braking
from reconciler.app.data_care import DataCare, NoData
from reconciler.app.desired import DesiredState
from reconciler.app.host import Host
from reconciler.app.looking import Look, look
from reconciler.app.one_pass import Pass
from reconciler.app.taking_back import Late
from reconciler.domain.blast_radius import refuse_mass_change
from reconciler.domain.braking import takes_back
from reconciler.domain.environment import Environment
from reconciler.domain.policy import Limits, refuse
from reconciler.domain.reaching import restart_unreached
from reconciler.domain.report import Report, data_went_back
from reconciler.errors import Stale
from reconciler.ports import Calendar, Journal, Leases, Lock, Outbox, Pauses

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
        pauses: what a person stopped, on the engine.
        calendar: knows when freeze windows are open.
        lock_wait_seconds: how long to wait for another reconciler to end.
        reserve: bytes that must stay free where the engine keeps images.
        parachute: whether a release without a way back is refused.
        own: the id of our own container; empty where we run in none.
        approved: whether a person approves what this run releases.
        restless: services that are not corrected any more, and why; see ``domain.oscillation``.
        unreached: services that run and cannot be reached, and why that is so; see ``domain.reaching``.
        overtaken: says in words that Git has moved on since it was read here; empty where it has not, or
            where that cannot be told.
        care: looks after the data of the environment.
        outbox: where it is put what people are to be told; None where nobody is.
    """

    environment: Environment
    desired: DesiredState
    host: Host
    journal: Journal
    lock: Lock
    leases: Leases
    limits: Limits
    pauses: Pauses
    calendar: Calendar
    lock_wait_seconds: float = 0.0
    reserve: int = 256 * 2**20
    parachute: bool = True
    own: str = ""
    approved: bool = False
    restless: Mapping[str, str] = field(default_factory=dict)
    unreached: Mapping[str, str] = field(default_factory=dict)
    overtaken: Callable[[], str] = field(default=lambda: "")
    care: DataCare = field(default_factory=NoData)
    outbox: Outbox | None = None

    def look(self, *, thorough: bool = False) -> Look:
        """Read, observe, plan, brake. Nothing is changed.

        Args:
            thorough: whether everything that may hold the environment is found out, for people; else only
                what could hold something now.

        Raises:
            ReconcileError: something cannot be read, or the plan goes too far.
        """
        with ThreadPoolExecutor(1, thread_name_prefix="pause") as pool:
            asking = pool.submit(self.pauses.pause, self.environment) if thorough else None
            found = look(self.environment, self.desired, self.host, self.journal)
            found = self._braking.apply(
                found,
                asking.result if asking else lambda: self.pauses.pause(self.environment),
                thorough=thorough,
            )
        if self.unreached:
            services = found.desired.services
            mended = restart_unreached(found.plan, found.observed, services, self.unreached)
            found = replace(found, plan=mended)
        refuse(found.plan, self.limits)
        refuse_mass_change(found.plan, found.observed, self.limits, found.going)
        return found

    def require_newest(self, found: Look) -> None:
        """See that what looks like drift, or a way back, is no release of a commit unknown here, as of CI.

        Raises:
            Stale: Git has moved on.
        """
        if (found.going or takes_back(found.plan)) and (why := self.overtaken()):
            hint = "The next pass works with what Git says by then"
            raise Stale(f"what runs is not what Git said here, and {why}", hint=hint)

    @property
    def _braking(self) -> Braking:
        return Braking(
            self.desired, self.host, self.journal, self.calendar, self.approved, self.own, self.restless
        )

    def run_once(self, late: Late | None = None, notes: Sequence[str] = ()) -> Report:
        """One pass: look, roll out, keep or restore, tell Git, report.

        Args:
            late: a release that was kept and failed since: it is blocked first, so that the pass goes back.
            notes: what is known already, and belongs into the report.
        """
        report = Pass(self, self.host.clock.now(), late, notes).run()
        if not data_went_back(report.steps):
            return report
        # Only now: it takes its own turn, as it takes as long as it takes.
        return replace(report, notes=(*report.notes, *self.care.follow()))
