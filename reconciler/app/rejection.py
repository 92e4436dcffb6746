"""What follows a rejected release, once the host is safe: its pins are blocked, and Git is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from reconciler.app.blocked import trailer
from reconciler.app.host import Host
from reconciler.app.undoing import Moved, Undoing, moved_by
from reconciler.app.waiting import rejections
from reconciler.domain.blocking import Block, Good, digest, same_pin
from reconciler.domain.check import Exec, Logs
from reconciler.domain.desired import Desired
from reconciler.domain.environment import Environment, Gate
from reconciler.domain.gate import Judgement
from reconciler.domain.plan import Action, Change, Create, Entry, Plan, Replace
from reconciler.domain.report import Outcome, Staying, Verb
from reconciler.domain.severity import Verdict
from reconciler.domain.undo import Undo, UndoState
from reconciler.domain.way_back import goes_back
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

    def foresee(
        self, desired: Desired, plan: Plan, judgement: Judgement, run: str, staying: Staying | None = None
    ) -> tuple[str, ...]:
        """Write down what is to follow, before the release is undone on the host: should we be killed.

        Returns what went wrong: nothing of it may hold up the way back.
        """
        if judgement.interrupted:
            return ()
        waits = _silent(judgement)
        try:
            if not waits and not _stays(
                staying
            ):  # before the block: what is blocked and not foreseen, Git would never learn
                self.intend(desired, moved_by(plan), run, judgement)
            self._block_all(desired, plan, run, judgement, waits, staying)
        except PermissionRefused as error:
            return (f"the release could not be blocked: {error}",)
        return ()

    def follow_up(self, desired: Desired, plan: Plan, outcome: Outcome, run: str) -> Undo | None:
        """Block what failed in its gate, and undo it in Git; None where Git has nothing to learn.

        Raises:
            ReconcileError: the journal cannot be written, or the repository not be read.
        """
        judgement = outcome.judgement
        if judgement.interrupted:
            return None
        waits = self._waits_for(desired, plan, outcome)
        self._block_all(desired, plan, run, judgement, waits, outcome.staying)
        if outcome.staying is not None:  # what Git pins is what runs; or it will go back, and is written down
            return None
        if waits:
            return self._leave_git(run)
        return self.undo(desired, moved_by(plan), run, judgement)

    def follow_late(
        self, desired: Desired, moved: Sequence[Moved], outcome: Outcome, run: str
    ) -> Undo | None:
        """Undo in Git what failed after it was kept, unless the same fails without it.

        Args:
            desired: the release.
            moved: the pins that it moved.
            outcome: of the pass that took it back.
            run: the pass that released it.

        Raises:
            ReconcileError: the journal cannot be written, or the repository not be read.
        """
        if outcome.staying is not None:
            return None
        if not outcome.exonerated:
            return self.undo(desired, moved, run, outcome.judgement)
        services, waits = [name for name, _, _ in moved], outcome.exonerated
        self.block(desired, services, run, outcome.judgement.reason, waits)
        return self._leave_git(run)

    def _leave_git(self, run: str) -> Undo | None:
        """Take back what was foreseen: the release is not to blame. None where nothing was."""
        story = self.journal.story(self.environment, run)  # an older undoing may still come first
        foreseen = story.undo if story is not None else None
        if foreseen is None or foreseen.run != run:
            return None
        why = "the release is not to blame, as far as that can be told"
        undo = replace(foreseen, state=UndoState.OFF, detail=why)
        self.journal.note_undo(self.environment, undo)
        return undo

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
        made = {tally.subject for tally in restored.tallies if tally.good} if restored is not None else set()
        worked = restored is not None and restored.verdict is Verdict.PASS and made.issuperset(silent)
        failed = [desired.service(name) for name in _failed(desired, plan)]
        again = any(rejections(self.environment, self.journal, s.name, s.image) for s in failed)
        return () if worked and again else silent

    def _block_all(
        self,
        desired: Desired,
        plan: Plan,
        run: str,
        judgement: Judgement,
        waits: tuple[str, ...],
        staying: Staying | None,
    ) -> None:
        """Block what was released, and let what should have been brought back wait."""
        self.block(desired, _failed(desired, plan), run, judgement.reason, waits, staying)
        back = [entry.name for entry in plan.entries if entry.name in desired.instead and entry.actions]
        if back:
            self.block(desired, back, run, judgement.reason, _decided(judgement))

    def block(
        self,
        desired: Desired,
        services: Sequence[str],
        run: str,
        reason: str,
        waits: tuple[str, ...] = (),
        staying: Staying | None = None,
    ) -> None:
        """Block these services, as they are desired: also unpinned ones, whose model failed.

        Raises:
            PermissionRefused: the journal cannot be written.
        """
        now, version = self.host.clock.now(), desired.compose_version
        kept = dict.fromkeys(staying.services, staying.kept) if staying is not None else {}
        blocks = [
            Block(s.name, s.image, s.config_hash, version, run, reason, now, waits, kept.get(s.name))
            for s in desired.services
            if s.name in services
        ]
        self.journal.block(self.environment, blocks)

    def intend(
        self, desired: Desired, moved: Sequence[Moved], run: str, judgement: Judgement, *, deep: bool = False
    ) -> Undo | None:
        """Write down what is to be undone in Git; None where a release moved no pin.

        A rollback is never rolled back: of one that fails, Git stays as it is.

        Args:
            desired: the release.
            moved: the pins that it moved.
            run: the pass that rejected it.
            judgement: why.
            deep: whether Git may be asked for what ran before, where the journal does not know it.

        Raises:
            ReconcileError: the journal cannot be written, or the repository not be read.
        """
        goods = self.journal.good(self.environment)
        reason = publishable(judgement, self.environment.gate)
        blocked = [trailer(desired.service(name), desired.compose_version) for name, _, _ in moved]
        undo = self.undoing.intend(self.environment, run, moved, blocked, goods, reason, deep=deep)
        if undo is None or (not deep and undo.state is UndoState.IMPOSSIBLE):
            return None
        if not self._foreseen(run) and _goes_back(desired, moved, goods):
            undo = replace(undo, state=UndoState.OFF, detail="a rollback is not rolled back")
        self.journal.note_undo(self.environment, undo)
        return undo

    def _foreseen(self, run: str) -> bool:
        """Whether it was written down already that this is to be undone; what is good has moved on since."""
        story = self.journal.story(self.environment, run)
        return story is not None and story.undo is not None and story.undo.state is UndoState.PENDING

    def undo(self, desired: Desired, moved: Sequence[Moved], run: str, judgement: Judgement) -> Undo | None:
        """Undo a release in Git; None where it moved no pin.

        Raises:
            ReconcileError: the journal cannot be written, or the repository not be read.
        """
        undo = self.intend(desired, moved, run, judgement, deep=True)
        return self.carry_out(undo) if undo is not None else None

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
        with self.host.step(Verb.REVERT, self.environment.name):
            done = self.undoing.carry_out(self.environment, undo)
        self.journal.note_undo(self.environment, done)
        return done


def publishable(judgement: Judgement, how: Gate) -> str:
    """The reason as a commit may tell it to everybody: without what containers wrote, which may be secret."""
    quoting = {f"check {check.name}" for check in how.checks if isinstance(check.question, (Logs, Exec))}
    first = next(iter(judgement.deciding), None)
    return judgement.reason if first is None or first.subject not in quoting else f"{first.subject} failed"


def _stays(staying: Staying | None) -> bool:
    """Whether something goes on for good, and Git has nothing to learn."""
    return staying is not None and not staying.kept.restoring


def _silent(judgement: Judgement) -> tuple[str, ...]:
    """The checks that could not be made, where that decided."""
    return _decided(judgement) if judgement.verdict is Verdict.INCONCLUSIVE else ()


def _decided(judgement: Judgement) -> tuple[str, ...]:
    """The subjects that decided; the reason where none did."""
    return tuple(sorted({sample.subject for sample in judgement.deciding})) or (judgement.reason,)


def _failed(desired: Desired, plan: Plan) -> list[str]:
    """The services that a release brought.

    What was only made again as it was is no release; nor is what was replaced with the container that it
    joins, or brought back instead of something blocked.
    """
    brought = (Change.CHANGE, Change.NEW)

    def releases(entry: Entry, action: Action) -> bool:
        if isinstance(action, Create):
            return entry.change in brought
        joins = isinstance(action, Replace) and action.service.joins and same_pin(entry.before, entry.after)
        return isinstance(action, Replace) and not joins

    return [
        entry.name
        for entry in plan.entries
        if entry.name not in desired.instead and any(releases(entry, action) for action in entry.actions)
    ]


def _goes_back(desired: Desired, moved: Sequence[Moved], goods: Sequence[Good]) -> bool:
    """Whether the release was itself a way back, told by content: to what was good before the last."""
    if any(name in desired.instead for name, _, _ in moved):
        return True
    changed = [(name, image) for name, before, image in moved if before]
    return goes_back(changed, goods)
