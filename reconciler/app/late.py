"""A release that was kept, and failed late: while it was observed."""

from __future__ import annotations

from dataclasses import dataclass, replace

from reconciler.domain.desired import Desired
from reconciler.domain.gate import Judgement
from reconciler.domain.report import Outcome, Result


@dataclass(frozen=True, slots=True)
class Late:
    """A release that was kept, and failed while it was observed.

    ``desired`` is what it was, ``run`` the pass that released it, ``moved`` the pins that it moved.
    """

    desired: Desired
    run: str
    moved: tuple[tuple[str, str, str], ...]
    judgement: Judgement


def taken_back(outcome: Outcome | None, late: Late) -> Outcome:
    """How a pass that took a release back ended: what it brought back is what was restored.

    A service that ran nothing before has nothing to go back to.
    """
    if outcome is None:
        return Outcome(Result.ROLLBACK_FAILED, late.judgement)
    back = outcome.result is Result.CONVERGED and all(before for _, before, _ in late.moved)
    result = Result.ROLLED_BACK if back else Result.ROLLBACK_FAILED
    return replace(outcome, result=result, judgement=late.judgement, restored=outcome.judgement)
