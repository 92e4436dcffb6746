"""What follows a rejected release, once the host is safe: its pins are blocked, and Git is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reconciler.app.blocked import same_pin
from reconciler.app.host import Host
from reconciler.app.undoing import Moved, Undoing, moved_by
from reconciler.domain.blocking import Block, Good
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
        return self.undoing.rehearse(self.environment) if moved_by(plan) else ()

    def follow_up(self, desired: Desired, plan: Plan, outcome: Outcome, run: str) -> Undo | None:
        """Block what failed in its gate, and undo it in Git; None where Git has nothing to learn.

        A rollback is never rolled back: one that fails is blocked, and Git stays as it is.

        Raises:
            ReconcileError: the journal cannot be written, or the repository not be read.
        """
        judgement = outcome.judgement
        if _interrupted(judgement):
            return None
        moved, waits = moved_by(plan), _waits_for(outcome)
        released = [a.service.name for a in plan.actions if isinstance(a, (Replace, Create))]
        self.block(desired, [name for name, _, _ in moved] or released, run, judgement.reason, waits)
        if waits or _goes_back(desired, moved, self.journal.good(self.environment)):
            return None
        return self.undo(desired, moved, run, judgement.reason)

    def block(
        self, desired: Desired, services: Sequence[str], run: str, reason: str, waits: tuple[str, ...] = ()
    ) -> None:
        """Block these services, as they are desired: also unpinned ones, whose model failed.

        Raises:
            PermissionRefused: the journal cannot be written.
        """
        now = self.host.clock.now()
        blocks = [
            Block(s.name, s.image, s.config_hash, desired.compose_version, run, reason, now, waits)
            for s in desired.services
            if s.name in services
        ]
        self.journal.block(self.environment, blocks)

    def undo(self, desired: Desired, moved: Sequence[Moved], run: str, reason: str) -> Undo | None:
        """Undo a release in Git; None where it moved no pin.

        Raises:
            ReconcileError: the journal cannot be written, or the repository not be read.
        """
        goods = self.journal.good(self.environment)
        undo = self.undoing.intend(desired, run, moved, goods, reason)
        if undo is None:
            return None
        self.journal.note_undo(self.environment, undo)
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
    judgement = outcome.judgement
    if judgement.verdict is not Verdict.INCONCLUSIVE:
        return ()
    return tuple(sorted({sample.subject for sample in judgement.deciding})) or (judgement.reason,)


def _goes_back(desired: Desired, moved: Sequence[Moved], goods: Sequence[Good]) -> bool:
    """Whether the release was itself a way back, told by content: to what was good before the last."""
    if any(name in desired.instead for name, _, _ in moved):
        return True
    newest: dict[str, str] = {}
    for good in goods:
        newest.setdefault(good.service, good.image)

    def back(name: str, image: str) -> bool:
        was_good = any(good.service == name and same_pin(good.image, image) for good in goods)
        return was_good and not same_pin(newest[name], image)

    changed = [(name, image) for name, before, image in moved if before]
    return bool(changed) and all(back(name, image) for name, image in changed)
