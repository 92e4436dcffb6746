"""What follows a rejected release, once the host is safe: its pins are blocked, and Git is told."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.app.host import Host
from reconciler.app.undoing import Undoing, rejected
from reconciler.domain.blocking import Block, Good, digest
from reconciler.domain.desired import Desired
from reconciler.domain.environment import Environment
from reconciler.domain.gate import Judgement
from reconciler.domain.plan import Create, Plan, Replace
from reconciler.domain.report import Outcome
from reconciler.domain.severity import Verdict
from reconciler.domain.undo import Undo, UndoState
from reconciler.ports import Journal


@dataclass(frozen=True, slots=True)
class Rejection:
    """Blocks releases of one environment, and undoes them in Git.

    Args:
        environment: which one.
        host: tells of steps and knows the time.
        journal: where blocks are kept.
        undoing: writes to Git.
    """

    environment: Environment
    host: Host
    journal: Journal
    undoing: Undoing

    def rehearse(self, plan: Plan) -> tuple[str, ...]:
        """Why this release could not be undone in Git, as far as that can be told beforehand."""
        return self.undoing.rehearse(self.environment) if rejected(plan) else ()

    def follow_up(self, desired: Desired, plan: Plan, outcome: Outcome, run: str) -> Undo | None:
        """Block what failed, and undo it in Git; None where Git has nothing to learn.

        Raises:
            ReconcileError: the journal cannot be written, or the repository not be read.
        """
        judgement, environment = outcome.judgement, self.environment
        if _interrupted(judgement):
            return None
        goods = self.journal.good(environment)
        back = _goes_back(desired, plan, goods)
        waits = _waits_for(outcome)
        self.journal.block(environment, self._blocks(desired, plan, run, judgement.reason, waits))
        if waits or back:
            return None
        undo = self.undoing.intend(environment, run, plan, goods, judgement.reason)
        if undo is None:
            return None
        self.journal.note_undo(environment, undo)
        return self.carry_out(undo)

    def carry_out(self, undo: Undo) -> Undo:
        """Undo in Git what is not undone there yet, and write down how far it came.

        Raises:
            PermissionRefused: the journal cannot be written.
        """
        if undo.state is not UndoState.PENDING:
            return undo
        with self.host.step("revert", self.environment.name):
            done = self.undoing.carry_out(self.environment, undo)
        self.journal.note_undo(self.environment, done)
        return done

    def _blocks(
        self, desired: Desired, plan: Plan, run: str, reason: str, waits: tuple[str, ...]
    ) -> list[Block]:
        now = self.host.clock.now()
        changed = [action for action in plan.actions if isinstance(action, (Replace, Create))]
        moved = {entry.name for entry in rejected(plan)} or {action.service.name for action in changed}
        return [
            Block(
                service=action.service.name,
                image=action.service.image,
                config_hash=action.service.config_hash,
                compose_version=desired.compose_version,
                run=run,
                reason=reason,
                at=now,
                waits_for=waits,
            )
            for action in changed
            if action.service.name in moved and action.service.pinned
        ]


def _interrupted(judgement: Judgement) -> bool:
    """Whether it was ended before it was judged."""
    return judgement.verdict is Verdict.INCONCLUSIVE and judgement.decision is None


def _waits_for(outcome: Outcome) -> tuple[str, ...]:
    """What must work before the release is tried again, where it is not the release that failed.

    Either the same fails with what ran before, or the check itself could not be made: a broken probe is
    not a broken release.
    """
    if outcome.exonerated:
        return outcome.exonerated
    return _failed(outcome.judgement) if outcome.judgement.verdict is Verdict.INCONCLUSIVE else ()


def _failed(judgement: Judgement) -> tuple[str, ...]:
    return tuple(sorted({sample.subject for sample in judgement.deciding})) or (judgement.reason,)


def _goes_back(desired: Desired, plan: Plan, goods: tuple[Good, ...]) -> bool:
    """Whether the release was itself a way back, told by content: a rollback is never rolled back."""
    newest: dict[str, str] = {}
    for good in goods:
        newest.setdefault(good.service, digest(good.image))
    then = {(good.service, digest(good.image)) for good in goods}
    moved = [entry for entry in rejected(plan) if entry.before]
    return any(entry.name in desired.instead for entry in moved) or (
        bool(moved)
        and all((e.name, digest(e.after)) in then and newest.get(e.name) != digest(e.after) for e in moved)
    )
