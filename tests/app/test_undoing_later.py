"""Undoing a release in Git where that cannot be done now: it is said, and tried again later."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from reconciler.domain.environment import GitPolicy, Rollback
from reconciler.domain.undo import UndoState
from reconciler.errors import InvalidState, PermissionRefused, ReconcileError, RepositoryUnreachable
from tests.app.desk import Desk
from tests.bed.fake_clock import START

DOWN = RepositoryUnreachable("could not push to main: the remote does not answer")


# --- pending -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "trouble", [DOWN, PermissionRefused("the branch is protected"), InvalidState("the pins cannot be read")]
)
def test_trouble_with_git_is_said_and_never_raised(trouble: ReconcileError) -> None:
    desk = Desk()
    desk.passes.repository.troubles.append(trouble)
    undo = desk.done()
    assert (undo.state, undo.detail, undo.attempts) == (UndoState.PENDING, str(trouble), 1)
    assert undo.again_at == START + timedelta(seconds=30)
    assert desk.done(undo).state is UndoState.DONE


def test_the_pauses_grow_and_never_get_longer_than_an_hour() -> None:
    desk = Desk()
    undo, pauses = desk.intended(), []
    for _ in range(12):
        desk.passes.repository.troubles.append(DOWN)
        undo = desk.done(undo)
        assert undo.again_at is not None
        pauses.append((undo.again_at - START).total_seconds())
    assert pauses == [30.0, 60.0, 120.0, 240.0, 480.0, 960.0, 1920.0, *[3600.0] * 5]
    desk.passes.repository.troubles.append(DOWN)
    assert desk.done(replace(undo, attempts=5000)).again_at == START + timedelta(hours=1)


def test_a_push_whose_answer_was_lost_is_found_done_and_not_made_twice() -> None:
    desk = Desk()
    desk.passes.repository.troubles.append(DOWN)
    desk.passes.repository.lost = True
    undo = desk.done()
    assert undo.state is UndoState.PENDING
    commits = len(desk.passes.repository.line)
    assert desk.done(undo).state is UndoState.DONE
    assert len(desk.passes.repository.line) == commits


def test_the_release_that_is_undone_is_still_named_when_others_followed() -> None:
    desk = Desk()
    desk.passes.repository.troubles.append(DOWN)
    undo = desk.done()
    desk.passes.release("Something else", api="5")
    assert desk.done(undo).state is UndoState.DONE
    assert desk.message.startswith('Revert "Give the front a new colour"')
    assert f"Reconcile-Rollback-Of: {desk.release}\n" in desk.message


# --- rehearsed ---------------------------------------------------------------------------------------


def test_a_rehearsal_says_what_would_go_wrong() -> None:
    desk = Desk()
    assert desk.undoing.rehearse(desk.env) == ()
    desk.passes.repository.troubles.append(DOWN)
    assert desk.undoing.rehearse(desk.env) == (f"a rollback could not be written to Git now: {DOWN.problem}",)
    assert desk.passes.repository.rehearsed == ["main", "main"]


def test_nothing_is_rehearsed_with_git_off() -> None:
    desk = Desk(Rollback(GitPolicy.OFF))
    desk.passes.repository.troubles.append(DOWN)
    assert desk.undoing.rehearse(desk.env) == ()
    assert desk.passes.repository.rehearsed == []


def test_a_detached_head_is_no_place_for_a_commit() -> None:
    desk = Desk()
    desk.passes.repository.branch = desk.passes.repository.upstream_branch = ""
    assert "HEAD is detached" in desk.undoing.rehearse(desk.env)[0]
    undo = desk.done()
    assert (undo.state, "HEAD is detached" in undo.detail) == (UndoState.PENDING, True)
