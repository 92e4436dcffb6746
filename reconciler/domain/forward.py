"""Back to what a backup has, by going on: newer revisions over what is there; only leaves are ended.

Replication only adds revisions, and of two the newer wins; so the revisions of a backup, which the live
database knows already, undo nothing. Here what the backup says is written as *newer* revisions. Their hashes
follow from what they replace and with what, so a run that was interrupted writes the same ones again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import count

from reconciler.domain.documents import Leaf

TOMBSTONE = "{}"
ATTEMPTS = 3
"""How often it is tried to bring one database back, while others may write to it."""


def contents(leaves: Sequence[Leaf]) -> str:
    """What a document says, whatever its revisions are called: a digest of the winner, and of the others.

    Args:
        leaves: all of its leaves, the winner first.
    """
    there = [leaf.body for leaf in leaves if not leaf.deleted]
    said = json.dumps([there[:1], sorted(there[1:])])
    return hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()


def writes(backup: Sequence[Leaf], live: Sequence[Leaf], attempt: int = 0) -> tuple[Leaf, ...]:
    """The leaves to add to a live document, so that it says what it says in the backup.

    Args:
        backup: the leaves of the document in the backup, the winner first; none where it has no such one.
        live: its leaves in the live database, the winner first, with all that is known of their histories.
        attempt: how often this was tried already. A revision that a server has, and does not tell of any
            more, cannot be added to it once more.
    """
    if contents(backup) == contents(live):
        return ()
    wanted = [leaf for leaf in backup if not leaf.deleted]
    there = [leaf for leaf in live if not leaf.deleted]
    if not live:
        return tuple(wanted)  # it was purged, or is new to this database
    if not wanted:
        return tuple(_ended(leaf) for leaf in there)
    kept, grafts = _beside(wanted[1:], live, attempt)
    return tuple(_put_forward(wanted[0], there, live, kept, grafts))


def _put_forward(
    winner: Leaf, there: Sequence[Leaf], live: Sequence[Leaf], kept: Sequence[Leaf], grafts: Sequence[Leaf]
) -> Iterator[Leaf]:
    """The winner above everything that stays, what is added beside it, and the end of the rest."""
    staying = {leaf.revision for leaf in kept}
    bar = max((_rank(leaf) for leaf in (*kept, *grafts)), default=(0, ""))
    rest = [leaf for leaf in there if leaf.revision not in staying]
    stands = max((leaf for leaf in rest if leaf.body == winner.body), key=_rank, default=None)
    replaced = stands
    if stands is None or _rank(stands) < bar:
        replaced = max((leaf for leaf in live if leaf.revision not in staying), key=_rank, default=None)
        yield _above(replaced, winner, bar)
    yield from grafts
    yield from (_ended(leaf) for leaf in rest if leaf != replaced)


def _beside(others: Iterable[Leaf], live: Sequence[Leaf], attempt: int) -> tuple[list[Leaf], list[Leaf]]:
    """Of the leaves of a backup that do not win: those that are there, and what stands for the others."""
    there = {leaf.revision: leaf for leaf in live if not leaf.deleted}
    known = {revision for leaf in live for revision in _revisions(leaf)}
    kept: list[Leaf] = []
    grafts: list[Leaf] = []
    for leaf in others:
        stands = (leaf, *(_graft(leaf, time) for time in range(ATTEMPTS)))
        found = next((there[one.revision] for one in stands if one.revision in there), None)
        if found is not None:
            kept.append(found)
        else:
            new = (_graft(leaf, time) for time in count(attempt))
            grafts.append(next(one for one in new if one.revision not in known))
    return kept, grafts


def _revisions(leaf: Leaf) -> Iterator[str]:
    return (f"{leaf.generation - age}-{name}" for age, name in enumerate(leaf.history))


def _graft(leaf: Leaf, time: int) -> Leaf:
    """A leaf that is none any more, once more: as a child of its own revision."""
    name = _hash("beside", leaf.revision, leaf.revision, str(time))
    return Leaf(leaf.document, leaf.generation + 1, (name, *leaf.history), leaf.body)


def _above(replaced: Leaf | None, winner: Leaf, bar: tuple[int, str]) -> Leaf:
    """What the winner says, as a leaf of a higher generation than what it replaces, and than ``bar``.

    Revisions in between, that nobody ever wrote, are as good as ones that were forgotten.
    """
    if replaced is None and _rank(winner) > bar:
        return winner  # only its conflicts are there: it was purged
    parent = replaced or winner
    generation = max(parent.generation, bar[0]) + 1
    names = [
        _hash("winner", parent.revision, winner.revision, str(each))
        for each in range(generation, parent.generation, -1)
    ]
    return Leaf(winner.document, generation, (*names, *parent.history), winner.body)


def _ended(leaf: Leaf) -> Leaf:
    """The tombstone of a leaf."""
    name = _hash("ended", leaf.revision)
    return Leaf(leaf.document, leaf.generation + 1, (name, *leaf.history), TOMBSTONE, deleted=True)


def _rank(leaf: Leaf) -> tuple[int, str]:
    """Of leaves that are not deleted the highest wins.

    https://docs.couchdb.org/en/stable/replication/conflicts.html#working-with-conflicting-documents
    """
    return leaf.generation, leaf.history[0]


def _hash(*parts: str) -> str:
    return hashlib.md5("\n".join(parts).encode(), usedforsecurity=False).hexdigest()
