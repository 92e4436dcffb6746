"""A release that its gate did not pass: undone on the host, or not, as its data contract says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from reconciler.app.before_release import Ready, Safeguard
from reconciler.app.commit_or_abort import abort
from reconciler.app.placement import Placement
from reconciler.app.staying import (
    stay,
    stop_switched,
    unjudged,
    worst_of_what_ran,
)
from reconciler.domain.blocking import Kept
from reconciler.domain.contract import why_it_stays
from reconciler.domain.data import Contract, RestorePolicy
from reconciler.domain.gate import Judgement
from reconciler.domain.report import Outcome, Result, Staying
from reconciler.errors import ReconcileError

Foresee = Callable[[Judgement, Staying | None], tuple[str, ...]]
"""Writes down what is about to follow, should we be killed meanwhile; returns what went wrong with that."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """The release, as far as it got.

    Args:
        placement: what was switched.
        judgement: why it is rejected.
        safeguard: brings data back.
        ready: the backup of before, and the contracts of the release.
    """

    placement: Placement
    judgement: Judgement
    safeguard: Safeguard
    ready: Ready

    def undone(self, foresee: Foresee) -> Outcome:
        """Take the release back, if its data lets us.

        Raises:
            ReconcileError: the engine went away, and the next pass goes on from what it finds.
        """
        staying, notes = self._staying(), tuple[str, ...]()
        if staying is None:
            notes = foresee(self.judgement, None)
            outcome = abort(self.placement, self.judgement)
        elif self.judgement.interrupted:
            outcome = unjudged(self.placement, self.judgement, staying)
        else:
            usable, notes = self._can_bring_back(staying)
            outcome = self._brought_back(staying, foresee) if usable else self._stays(staying, foresee)
        return replace(outcome, notes=(*notes, *outcome.notes))

    def _staying(self) -> Staying | None:
        """What cannot simply be taken back; None where everything can."""
        contract, services = worst_of_what_ran(self.placement, self.ready.contracts)
        if contract is Contract.COMPATIBLE:
            return None
        return Staying(Kept(contract, self.ready.backup), services)

    def _stays(self, staying: Staying, foresee: Foresee) -> Outcome:
        notes = foresee(self.judgement, staying)
        outcome = stay(self.placement, self.judgement, staying)
        return replace(outcome, notes=(*notes, *outcome.notes))

    # --- Data that goes back by itself ------------------------------------------------------------

    def _can_bring_back(self, staying: Staying) -> tuple[bool, tuple[str, ...]]:
        """Whether the program restores by itself, as the environment wants it to; and why it cannot."""
        desired = self.placement.desired
        wanted = desired.environment.data.restore is RestorePolicy.AUTO
        if staying.kept.contract is not Contract.NEEDS_RESTORE or not wanted:
            return False, ()
        if not self.ready.backup:
            return False, ("the data cannot be brought back: there is no backup of before this release",)
        served = {retired.slot.service.name for retired in self.placement.retired if retired.slot.served}
        if not served.issuperset(staying.services):
            return False, (
                "the data is not brought back: there is nothing that ran before, and could use it",
            )
        try:
            self.safeguard.care.can_bring_back(self.placement.host, desired, self.ready.backup)
        except ReconcileError as error:
            return False, (f"the data cannot be brought back now: {error.problem}",)
        return True, ()

    def _brought_back(self, staying: Staying, foresee: Foresee) -> Outcome:
        """Stop what was switched, bring the data back, and only then what ran before.

        Where the data cannot be brought back all the way, nothing is started: a release that writes to data
        which is half of before and half of now makes it worse. The next pass goes on with it.
        """
        placement, desired = self.placement, self.placement.desired
        restoring = Staying(replace(staying.kept, restoring=True), staying.services)
        notes = foresee(self.judgement, restoring)
        stop_switched(placement, staying.services)
        try:
            run = self.safeguard.run
            notes += self.safeguard.care.bring_back(placement.host, desired, self.ready.backup, run)
        except ReconcileError as error:
            why = why_it_stays(restoring)
            stopped = f"the data could not be brought back: {error}; {why}, and nothing is started before"
            return Outcome(Result.ROLLBACK_FAILED, self.judgement, notes=(*notes, stopped), staying=restoring)
        notes += foresee(self.judgement, None)
        outcome = abort(placement, self.judgement)
        return replace(outcome, notes=(*notes, *outcome.notes))
