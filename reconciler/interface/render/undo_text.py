"""What Git says about a rejected release by now, and what a person still has to do there."""

from __future__ import annotations

from datetime import UTC, datetime

from reconciler.domain.foreign import foreign
from reconciler.domain.undo import Undo, UndoState
from reconciler.interface.render.phrases import listed, transition


def git_lines(undo: Undo) -> list[str]:
    """How far the undoing has come, and why it is not further."""
    commit, detail = foreign(undo.commit[:7]), foreign(undo.detail, 300)
    reverts = f"{commit} reverts {foreign(undo.release[:7])}" if commit else "nothing was to be reverted"
    match undo.state:
        case UndoState.DONE:
            return [f"Git: {reverts}{_clause(detail)}"]
        case UndoState.PROPOSED:
            return [f"Git: {reverts}{_clause(detail)}", _AHEAD]
        case UndoState.PENDING:
            return [f"Git: {foreign(undo.release[:7])} is not reverted yet{_clause(detail)}", _again(undo)]
        case UndoState.SUPERSEDED:
            return [f"Git: a newer pin wins, nothing is reverted{_clause(detail)}"]
        case UndoState.OFF:
            return [f"Git: nothing is reverted{_clause(detail)}"]
        case UndoState.IMPOSSIBLE:
            return [f"Git: nothing can be reverted{_clause(detail)}"]


def leaves_git_to_people(undo: Undo | None) -> bool:
    """Whether Git still asks for what was rejected, and nobody but a person will change that."""
    return undo is None or undo.state in (UndoState.OFF, UndoState.IMPOSSIBLE)


def ahead_of_git(undo: Undo | None) -> str:
    """Why what runs is ahead of what Git says; empty where it is not."""
    if undo is None or undo.state not in (UndoState.PENDING, UndoState.PROPOSED):
        return ""
    moved = listed([f"{foreign(name, 40)} {transition(bad, good)}" for name, bad, good in undo.moves])
    return f"ahead of Git: {moved or 'a rollback'}{_clause(foreign(undo.detail, 200))}{_when(undo)}"


def clock_time(at: datetime) -> str:
    """``2026-09-30 14:05 UTC``."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


_AHEAD = "  = note: until that is merged, this environment is ahead of Git, and the pins stay blocked"


def _again(undo: Undo) -> str:
    return f"  = note: until then this environment is ahead of Git; the next pass tries again{_when(undo)}"


def _when(undo: Undo) -> str:
    if undo.state is not UndoState.PENDING or undo.again_at is None:
        return ""
    return f", not before {clock_time(undo.again_at)}"


def _clause(detail: str) -> str:
    return f", {detail}" if detail else ""
