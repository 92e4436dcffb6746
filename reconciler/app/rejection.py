"""What follows a rejected release, once the host is safe: its pins are blocked, and Git is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from reconciler.app.blocked import Held, same_pin, told, trailer
from reconciler.app.host import Host
from reconciler.app.undoing import Moved, Undoing, moved_by
from reconciler.app.waiting import rejections
from reconciler.domain.blocking import Block, Good, digest
from reconciler.domain.check import Exec, Logs
from reconciler.domain.desired import Desired
from reconciler.domain.environment import Environment, Gate
from reconciler.domain.gate import Judgement
from reconciler.domain.plan import Change, Create, Plan, Replace
from reconciler.domain.report import Outcome
from reconciler.domain.severity import Verdict
from reconciler.domain.undo import Undo, UndoState
from reconciler.errors import PermissionRefused
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
        judgement, moved = outcome.judgement, moved_by(plan)
        if _not_judged(judgement):
            return None
        waits = self._waits_for(desired, plan, outcome)
        self.block(desired, _failed(plan), run, judgement.reason, waits)
        if waits:
            return None
        if _goes_back(desired, moved, self.journal.good(self.environment)):
            kept = Undo(
                run, "", (), (), judgement.reason, UndoState.OFF, detail="a rollback is not rolled back"
            )
            self.journal.note_undo(self.environment, kept)
            return kept
        return self.undo(desired, moved, run, judgement)

    def foresee(self, desired: Desired, plan: Plan, judgement: Judgement, run: str) -> tuple[str, ...]:
        """Block what failed before it is undone on the host: killed meanwhile, nobody must try it again.

        Returns what went wrong: nothing of it may hold up the way back.
        """
        if _not_judged(judgement) or not _failed(plan):
            return ()
        waits = _silent(judgement)
        try:
            self.block(desired, _failed(plan), run, judgement.reason, waits)
        except PermissionRefused as error:
            return (f"the release could not be blocked: {error}",)
        return ()

    def catch_up(self, desired: Desired, held: Mapping[str, Held]) -> Undo | None:
        """Undo in Git what a killed pass only blocked; None where Git has nothing to learn.

        Raises:
            ReconcileError: the journal cannot be written, or the repository not be read.
        """
        pinned = {service.name for service in desired.services if service.pinned}
        for run in sorted({one.block.run for one in held.values()}, reverse=True):
            blocks = [(one.block, one.good) for name, one in held.items() if name in pinned]
            moved = tuple(
                (block.service, good.image, block.image)
                for block, good in blocks
                if block.run == run and good and not block.waits_for and not same_pin(good.image, block.image)
            )
            if moved and self._was_killed(run):
                trailers = [told(block) for block, _ in blocks if block.run == run]
                return self._undo(moved, trailers, run, f"rejected in run {run}, which was killed")
        return None

    def _waits_for(self, desired: Desired, plan: Plan, outcome: Outcome) -> tuple[str, ...]:
        """What must work before the release is tried again, where it is not the release that failed.

        Either the same fails with what ran before, or the check itself could not be made: a broken probe is
        not a broken release. But one that worked with what ran before, and time and again not with the
        release, is not broken: the new image may lack the program that the check runs.
        """
        silent = _silent(outcome.judgement)
        if outcome.exonerated or not silent:
            return outcome.exonerated
        restored = outcome.restored
        worked = restored is not None and restored.verdict is Verdict.PASS and bool(restored.tallies)
        failed = [desired.service(name) for name in _failed(plan)]
        again = any(rejections(self.environment, self.journal, s.name, s.image) for s in failed)
        return () if worked and again else silent

    def _was_killed(self, run: str) -> bool:
        """Whether a pass rejected something, and neither ended nor came to tell Git."""
        story = self.journal.story(self.environment, run)
        return story is not None and story.run.result is None and story.undo is None

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

    def undo(self, desired: Desired, moved: Sequence[Moved], run: str, judgement: Judgement) -> Undo | None:
        """Undo a release in Git; None where it moved no pin.

        Raises:
            ReconcileError: the journal cannot be written, or the repository not be read.
        """
        reason = publishable(judgement, self.environment.gate)
        return self._undo(moved, [trailer(desired.service(name)) for name, _, _ in moved], run, reason)

    def _undo(self, moved: Sequence[Moved], blocked: Sequence[str], run: str, reason: str) -> Undo | None:
        goods = self.journal.good(self.environment)
        undo = self.undoing.intend(self.environment, run, moved, blocked, goods, reason)
        if undo is None:
            return None
        self.journal.note_undo(self.environment, undo)
        return self.carry_out(undo)

    def carry_on(self, undo: Undo) -> Undo:
        """Try again to tell Git. What a person unblocked meanwhile is wanted, and stays.

        Raises:
            PermissionRefused: the journal cannot be written.
        """
        blocked = {(block.service, digest(block.image)) for block in self.journal.blocks(self.environment)}
        moves = tuple((name, bad, good) for name, bad, good in undo.moves if (name, digest(bad)) in blocked)
        if moves:
            return self.carry_out(replace(undo, moves=moves))
        ended = replace(undo, state=UndoState.SUPERSEDED, detail="it was unblocked meanwhile", again_at=None)
        self.journal.note_undo(self.environment, ended)
        return ended

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


def publishable(judgement: Judgement, how: Gate) -> str:
    """The reason as a commit may tell it to everybody: without what containers wrote, which may be secret."""
    quoting = {f"check {check.name}" for check in how.checks if isinstance(check.question, (Logs, Exec))}
    first = next(iter(judgement.deciding), None)
    return judgement.reason if first is None or first.subject not in quoting else f"{first.subject} failed"


def _not_judged(judgement: Judgement) -> bool:
    """Whether it ended before it was judged: interrupted, or something on the host stood in its way."""
    return judgement.verdict is Verdict.INCONCLUSIVE and judgement.decision is None


def _silent(judgement: Judgement) -> tuple[str, ...]:
    """The checks that could not be made, where that decided."""
    if judgement.verdict is not Verdict.INCONCLUSIVE:
        return ()
    return tuple(sorted({sample.subject for sample in judgement.deciding})) or (judgement.reason,)


def _failed(plan: Plan) -> list[str]:
    """The services that a release brought: what was only made again as it was is no release."""
    brought = (Change.CHANGE, Change.NEW)
    return [
        entry.name
        for entry in plan.entries
        if any(
            isinstance(a, Replace) or (isinstance(a, Create) and entry.change in brought)
            for a in entry.actions
        )
    ]


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
