"""Undo a rejected release in Git: a commit for exactly its pins in its environment, and nothing else.

The host is safe before anything of this begins. What cannot be written now is tried again later, and
until then the pins are blocked. Where a person moved a pin meanwhile, the person wins.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from reconciler.app.blocked import BLOCKED
from reconciler.app.desired import DesiredState
from reconciler.domain.blocking import Good, same_pin
from reconciler.domain.causes import names
from reconciler.domain.desired import Revision
from reconciler.domain.environment import Environment, GitPolicy
from reconciler.domain.image import ImageRef
from reconciler.domain.plan import Change, Create, Plan, Replace
from reconciler.domain.standing import ENVIRONMENT, ROLLBACK_OF, RUN
from reconciler.domain.undo import Undo, UndoState, pause_after
from reconciler.errors import ReconcileError, Refused, Stale
from reconciler.ports import Clock, Commit, Edit, Repository

DEEPEST = 200
"""How many commits back the pins that ran before are looked for."""


Moved = tuple[str, str, str]
"""A service, the image that it ran before a release, empty for none, and the one that the release pins."""


def moved_by(plan: Plan) -> tuple[Moved, ...]:
    """The services whose pins a release moves: what undoing it in Git concerns."""
    moved = (Change.CHANGE, Change.NEW)
    return tuple(
        (entry.name, entry.before, entry.after)
        for entry in plan.entries
        if entry.pinned and entry.change in moved and entry.after
        if any(isinstance(action, (Replace, Create)) for action in entry.actions)
        if not (entry.before and same_pin(entry.before, entry.after))
    )


@dataclass(slots=True)
class _Derivation:
    """What a derivation found on the branch; the last one counts."""

    changed: list[str] = field(default_factory=list)
    moved: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Undoing:
    """Undoes releases in Git.

    Args:
        desired: knows the repository, and what reads and edits its files.
        clock: says when to try again.
    """

    desired: DesiredState
    clock: Clock

    def intend(
        self,
        environment: Environment,
        run: str,
        moved: Sequence[Moved],
        blocked: Sequence[str],
        goods: Sequence[Good],
        reason: str,
        *,
        deep: bool = True,
    ) -> Undo | None:
        """What is to be written in Git about a rejected release; None where it moved no pin.

        Args:
            environment: whose release.
            run: the pass that rejected it.
            moved: the pins that it moved.
            blocked: the values of the trailers that say so to other clones.
            goods: the pins that passed their gate here, newest first.
            reason: why it was rejected, in one sentence.
            deep: whether Git may be asked for what ran before, where ``goods`` does not say it.
        """
        if not moved:
            return None
        before = {one[0]: _among(one, [g.image for g in goods if g.service == one[0]]) for one in moved}
        if deep and not all(before.values()):
            stacks = self.desired.stacks(environment, DEEPEST)
            told = {name: [pinned.image for pinned in reversed(stack)] for name, stack in stacks.items()}
            before = {one[0]: before[one[0]] or _among(one, told.get(one[0], ())) for one in moved}
        moves = tuple((name, bad, before[name]) for name, _, bad in moved if before[name])
        undo = Undo(
            run=run,
            release="",
            moves=moves,
            blocked=tuple(blocked),
            reason=" ".join(reason.split()),
        )
        if environment.rollback.git is GitPolicy.OFF:
            return replace(undo, state=UndoState.OFF, detail="rollback.git is off")
        if not moves:
            lost = ", ".join(name for name, _, _ in moved)
            return replace(
                undo, state=UndoState.IMPOSSIBLE, detail=f"Git never pinned what {lost} ran before"
            )
        return undo

    def carry_out(self, environment: Environment, undo: Undo) -> Undo:
        """Write it, or say why it could not be written and when it is tried again. Never raises for that."""
        later, found = self.clock.now() + pause_after(undo.attempts), _Derivation()
        try:
            if not undo.release:
                undo = replace(undo, release=next((commit.id for commit in self._log(environment, 1)), ""))
            branch = self._branch(environment)
            proposed = _proposed(environment, undo, branch)
            revision = self._commit(environment, undo, found, branch, proposed)
        except Stale as error:
            if found.changed:
                return _again(undo, later, error.problem)  # others were faster each time
            ended = UndoState.SUPERSEDED if found.moved else _ended(proposed)
            moved = ", ".join(found.moved)
            detail = f"the pin of {moved} was moved meanwhile" if moved else "Git pins it already"
            return replace(undo, state=ended, detail=detail, attempts=undo.attempts + 1, again_at=None)
        except ReconcileError as error:
            return _again(undo, later, str(error))
        return _written(undo, revision, found, branch, proposed)

    def rehearse(self, environment: Environment) -> tuple[str, ...]:
        """Why a release could not be undone in Git, as far as that can be told beforehand."""
        if environment.rollback.git is GitPolicy.OFF:
            return ()
        try:
            branch = self._branch(environment)
            if branch:
                self._repository.rehearse(branch)
            else:
                self._require_a_branch_here()
        except ReconcileError as error:
            return (f"a rollback could not be written to Git now: {error.problem}",)
        return ()

    def _commit(
        self, environment: Environment, undo: Undo, found: _Derivation, branch: str, proposed: str
    ) -> Revision:
        path = self._path(environment)
        if not branch:
            self._require_a_branch_here()
        edit = Edit(path, self._derive(path, undo, found))
        author = environment.rollback.author
        message = self._message(environment, undo)
        if proposed:
            return self._repository.commit([edit], message, push=proposed, base=branch, author=author)
        return self._repository.commit([edit], message, push=branch, author=author)

    def _derive(self, path: str, undo: Undo, found: _Derivation) -> Callable[[str], str]:
        """Back to the pins from before, where the rejected ones still stand."""

        def derive(text: str) -> str:
            found.changed, found.moved = [], []
            there = {pin.service: str(pin.image) for pin in self.desired.state_files.pins(text, path)}
            for service, bad, good in undo.moves:
                now = there.get(service, "")
                if same_pin(now, bad):
                    found.changed.append(service)
                    text = self.desired.state_files.with_pin(text, path, service, ImageRef.parse(good))
                elif not same_pin(now, good):
                    found.moved.append(service)
            return text

        return derive

    def _message(self, environment: Environment, undo: Undo) -> str:
        release = next((c for c in self._log(environment, DEEPEST) if c.id == undo.release), None)
        subject = release.subject if release else f"{environment.name}: {len(undo.moves)} pins"
        lines = [f'Revert "{subject[:60]}"', ""]
        for service, bad, good in undo.moves:
            one, two = names(bad, good)
            lines.append(f"{environment.name}: {service} {one} → {two}")
        lines += ["", f"The gate rejected it: {undo.reason}", "Only these pins go back.", ""]
        trailers = [
            (ENVIRONMENT, environment.name),
            (ROLLBACK_OF, undo.release),
            *((BLOCKED, value) for value in undo.blocked),
            ("Reconcile-Reason", undo.reason),
            (RUN, undo.run),
        ]
        return "\n".join([*lines, *(f"{key}: {value}" for key, value in trailers if value)]) + "\n"

    def _log(self, environment: Environment, limit: int) -> Iterable[Commit]:
        return self._repository.log(self._path(environment), limit=limit)

    def _branch(self, environment: Environment) -> str:
        """The remote branch that releases of this environment come from; empty where there is none."""
        return environment.rollback.branch or self._repository.upstream()

    def _require_a_branch_here(self) -> None:
        """See that a commit has a branch to be on.

        Raises:
            Refused: HEAD is detached, as where CI checks out a commit.
        """
        if not self._repository.head().branch:
            raise Refused(
                "HEAD is detached, and nothing says which branch the release came from",
                hint="Set rollback.branch in reconcile.yaml",
            )

    @property
    def _repository(self) -> Repository:
        return self.desired.repository

    def _path(self, environment: Environment) -> str:
        return self.desired.path(environment.pins)


def _proposed(environment: Environment, undo: Undo, branch: str) -> str:
    """The branch on which a rollback is proposed for review; empty where it is not."""
    if environment.rollback.git is not GitPolicy.BRANCH or not branch:
        return ""
    return f"reconcile/rollback-{environment.name}-{undo.release[:7]}"


def _ended(proposed: str) -> UndoState:
    return UndoState.PROPOSED if proposed else UndoState.DONE


def _written(undo: Undo, revision: Revision, found: _Derivation, branch: str, proposed: str) -> Undo:
    """Where it is by now, and what a person has to know of it."""
    where = f"pushed to {branch}" if branch else "committed here: the branch has no remote"
    if proposed:
        where = f"pushed to {proposed}, for review"
    if found.moved:
        where += f"; the pin of {', '.join(found.moved)} was moved meanwhile, and stays"
    return replace(
        undo,
        state=_ended(proposed),
        commit=revision.commit,
        detail=where,
        attempts=undo.attempts + 1,
        again_at=None,
    )


def _again(undo: Undo, at: datetime, why: str) -> Undo:
    """The same, tried once more and to be tried again; it still names the release that it undoes."""
    return replace(undo, attempts=undo.attempts + 1, again_at=at, detail=why)


def _among(moved: Moved, images: Iterable[str]) -> str:
    """The first of these that is what ran before; empty where none is."""
    _, ran, bad = moved
    for image in images:
        if ran and not same_pin(image, bad) and ("@" not in ran or same_pin(image, ran)):
            return image
    return ""
