"""Releases that an earlier pass made, and that this one takes back: how that ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from reconciler.app.interrupted import Interrupted
from reconciler.app.looking import Look
from reconciler.domain.contract import explained
from reconciler.domain.desired import Desired
from reconciler.domain.gate import Judgement
from reconciler.domain.report import Outcome, Result, Staying
from reconciler.domain.severity import Verdict


@dataclass(frozen=True, slots=True)
class Late:
    """A release that was kept, and failed while it was observed.

    ``desired`` is what it was, ``run`` the pass that released it, ``moved`` the pins that it moved.
    ``labels`` is what the images of its services say about data.
    """

    desired: Desired
    run: str
    moved: tuple[tuple[str, str, str], ...]
    judgement: Judgement
    labels: Mapping[str, str] = field(default_factory=dict)


def taken_back(outcome: Outcome | None, late: Late, staying: Staying | None = None) -> Outcome:
    """How a pass that took a release back ended: what it brought back is what was restored.

    A service that ran nothing before has nothing to go back to; and what is ``staying`` goes on.
    """
    if staying is not None:
        said = explained(late.desired.environment.name, staying)
        found = outcome or Outcome(Result.ROLLBACK_FAILED, late.judgement)
        notes = (said, *found.notes)
        result = Result.ROLLBACK_FAILED
        return replace(found, result=result, judgement=late.judgement, notes=notes, staying=staying)
    if outcome is None:
        return Outcome(Result.ROLLBACK_FAILED, late.judgement)
    back = outcome.result is Result.CONVERGED and all(before for _, before, _ in late.moved)
    result = Result.ROLLED_BACK if back else Result.ROLLBACK_FAILED
    return replace(outcome, result=result, judgement=late.judgement, restored=outcome.judgement)


def finished_for(killed: Interrupted, found: Look, outcome: Outcome | None) -> Outcome | None:
    """How a pass ended that finished what a killed one had begun: the undoing of what it had rejected.

    What is brought back then is no success of what Git wants, and nobody has been told so yet.

    Args:
        killed: what the last pass was doing, if it has no end.
        found: what is wanted instead of what is blocked.
        outcome: how this one ended.
    """
    if outcome is None or outcome.result is not Result.CONVERGED:
        return outcome
    acted = {entry.name for entry in found.plan.entries if entry.actions}
    undone = [one.block for name, one in found.held.items() if name in killed.changes and name in acted]
    if not undone:
        return outcome
    judgement = Judgement(Verdict.FAIL, undone[0].reason)
    stays = [block for block in undone if block.stays]
    if stays and stays[0].kept is not None:
        staying = Staying(stays[0].kept, tuple(sorted(block.service for block in stays)))
        said = explained(found.desired.environment.name, staying)
        return replace(
            outcome,
            result=Result.ROLLBACK_FAILED,
            judgement=judgement,
            notes=(said, *outcome.notes),
            staying=staying,
        )
    return replace(outcome, result=Result.ROLLED_BACK, judgement=judgement, restored=outcome.judgement)
