"""Undoing a rejected release in Git: what is to be written there, and how far that has come."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 30.0, 3600.0


class UndoState(StrEnum):
    """How far the undoing of a release in Git has come."""

    PENDING = "pending"  # the host is safe, Git does not know it yet
    DONE = "done"  # Git pins again what runs
    PROPOSED = "proposed"  # on a branch of its own, for review
    SUPERSEDED = "superseded"  # a person moved the pins meanwhile, and wins
    OFF = "off"  # Git is left alone, as configured
    IMPOSSIBLE = "impossible"  # Git never pinned what runs


@dataclass(frozen=True, slots=True)
class Undo:
    """Undoing one release in Git.

    Args:
        run: the pass that rejected the release.
        release: the commit that pinned it, as full id.
        moves: service, rejected image and image to go back to, as they are pinned.
        blocked: the values of the ``Reconcile-Blocked`` trailers.
        reason: why it was rejected, in one sentence.
        state: how far it has come.
        commit: the commit that undoes it, where there is one.
        detail: what a person should know: the branch, or why it is not done.
        attempts: how often it was tried.
        again_at: when a pending one is tried again.
    """

    run: str
    release: str
    moves: tuple[tuple[str, str, str], ...]
    blocked: tuple[str, ...]
    reason: str
    state: UndoState = UndoState.PENDING
    commit: str = ""
    detail: str = ""
    attempts: int = 0
    again_at: datetime | None = None


def pause_after(attempts: int) -> timedelta:
    """How long to wait after a try that failed, and so many before it."""
    doublings = min(attempts, 10)  # a server may refuse for months, and a float ends at 2**1024
    return timedelta(seconds=min(FIRST_PAUSE_SECONDS * 2**doublings, LONGEST_PAUSE_SECONDS))


def rests(undo: Undo, now: datetime) -> bool:
    """Whether it is too early for the next try.

    One that is farther away than the pause was long was named before the clock was set back.
    """
    return undo.again_at is not None and now < undo.again_at <= now + pause_after(undo.attempts - 1)


def news(undo: Undo | None, held: Container[str]) -> Undo | None:
    """What is still worth saying: nothing of one that waits where Git asks for something else by now.

    A proposal was merged, or a newer release is there; the next try will find that out by itself.

    Args:
        undo: what is known of it.
        held: the services whose pins are held back now.
    """
    if undo is None or undo.state not in (UndoState.PENDING, UndoState.PROPOSED):
        return undo
    return undo if any(service in held for service, _, _ in undo.moves) else None
