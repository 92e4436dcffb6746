"""Whatever happened to a document since, it says again what it said; and a second run finds nothing to do."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from copy import deepcopy

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from reconciler.domain.documents import Leaf
from reconciler.domain.forward import ATTEMPTS, contents, writes
from tests.bed.revision_tree import Tree

BODIES = ("{}", '{"a":1}', '{"a":2}', '{"_attachments":{"f":{"digest":"md5-x"}}}')

Event = tuple[str, int, int]


def happens(tree: Tree, events: Sequence[Event]) -> Tree:
    """Let applications, peers and administrators do things to a document."""
    for kind, which, body in events:
        leaves = tree.leaves()
        leaf = leaves[which % len(leaves)] if leaves else None
        match kind:
            case "update" if leaf:
                tree.edit(BODIES[body], over=leaf.revision)
            case "delete" if leaf:
                tree.edit("{}", over=leaf.revision, deleted=True)
            case "purge" if leaf:
                tree.purge(leaf.revision)
            case "conflict":  # a peer wrote the same document by itself, perhaps with the same beginning
                age = which % len(leaf.history) if leaf else 0
                history = leaf.history[age:] if leaf else ()
                name = hashlib.md5(
                    f"{which} {body} {history[:1]}".encode(), usedforsecurity=False
                ).hexdigest()
                generation = leaf.generation - age if leaf else 0
                tree.add(Leaf(tree.document, generation + 1, (name, *history), BODIES[body]))
            case "stem":
                tree.limit = which + 1
            case _:
                tree.edit(BODIES[body])
    return tree


kinds = st.sampled_from(["create", "update", "update", "delete", "conflict", "conflict", "purge", "stem"])
histories = st.lists(st.tuples(kinds, st.integers(0, 4), st.integers(0, 3)), max_size=9)


@settings(max_examples=400, deadline=None)
@given(before=histories, since=histories, replicated=st.booleans())
@example(
    # A conflict of the backup's own generation was resolved since, and its stand-in must not win.
    before=[("conflict", 3, 1), ("conflict", 4, 2)],
    since=[("update", 1, 3), ("update", 1, 2)],
    replicated=False,
)
def test_it_says_again_what_the_backup_says(
    before: list[Event], since: list[Event], replicated: bool
) -> None:
    backup = happens(Tree("doc"), before)
    live = happens(deepcopy(backup), since)
    if replicated:
        for leaf in backup.leaves():
            live.add(leaf)
    restored(backup, live)


@settings(max_examples=400, deadline=None)
@given(before=histories, since=histories, done=st.integers(0, 6), later=histories)
def test_run_again_after_a_kill_or_a_writer_it_comes_to_the_same(
    before: list[Event], since: list[Event], done: int, later: list[Event]
) -> None:
    backup = happens(Tree("doc"), before)
    live = happens(deepcopy(backup), since)
    for leaf in writes(backup.leaves(), live.leaves())[:done]:
        live.add(leaf)
    restored(backup, live)
    restored(backup, happens(live, later))


@settings(max_examples=200, deadline=None)
@given(before=histories, since=histories, again=histories)
def test_from_one_backup_to_another_and_back(
    before: list[Event], since: list[Event], again: list[Event]
) -> None:
    first = happens(Tree("doc"), before)
    live = happens(deepcopy(first), since)
    second = deepcopy(live)
    for backup in (first, second, first, second):
        restored(backup, happens(live, again))


def restored(backup: Tree, live: Tree) -> None:
    """One run does it, whatever the order in which its leaves arrive; another finds nothing to do.

    It takes a second attempt where the server forgot that it has a revision.
    """
    forgetful = live.limit < 50
    live.limit = max(live.limit, 50)
    for attempt in range(ATTEMPTS if forgetful else 1):
        added = writes(backup.leaves(), live.leaves(), attempt)
        for leaf in reversed(added):
            live.add(leaf)
    assert contents(live.leaves()) == contents(backup.leaves()), (backup.leaves(), live.leaves())
    assert writes(backup.leaves(), live.leaves()) == ()


def test_what_is_the_same_is_left_alone() -> None:
    tree = happens(Tree("doc"), [("create", 0, 1), ("update", 0, 2)])
    assert writes(tree.leaves(), tree.leaves()) == ()
    tree.edit("{}", over=tree.leaves()[0].revision, deleted=True)
    assert writes((), tree.leaves()) == (), "neither has it"


def test_a_newer_revision_is_put_under_what_the_backup_says() -> None:
    backup = happens(Tree("doc"), [("create", 0, 1)])
    live = happens(deepcopy(backup), [("update", 0, 2), ("update", 0, 0)])
    (leaf,) = writes(backup.leaves(), live.leaves())
    assert (leaf.generation, leaf.body) == (4, BODIES[1])
    assert leaf.history[1:] == live.leaves()[0].history


@pytest.mark.parametrize("gone", [(), [("create", 0, 1), ("delete", 0, 0)]])
def test_what_was_added_since_gets_a_tombstone(gone: list[Event]) -> None:
    live = happens(Tree("doc"), [*gone, ("create", 0, 2), ("conflict", 3, 1)])
    ended = writes((), live.leaves())
    assert [leaf.deleted for leaf in ended] == [True] * len([x for x in live.leaves() if not x.deleted])


def test_what_was_purged_comes_back_with_its_own_revisions() -> None:
    backup = happens(Tree("doc"), [("create", 0, 1), ("update", 0, 2), ("conflict", 3, 1)])
    assert set(writes(backup.leaves(), ())) == {leaf for leaf in backup.leaves() if not leaf.deleted}
