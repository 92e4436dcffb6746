"""The revisions of one document as CouchDB keeps them: a tree that grows, but for stemming and purges."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from reconciler.domain.documents import Leaf

MOST = 1000
"""How many revisions of a branch are kept, as CouchDB does by itself."""


@dataclass(frozen=True, slots=True)
class Node:
    """One revision; `body` is None where only its name is known."""

    parent: str
    body: str | None
    deleted: bool = False


@dataclass(slots=True)
class Tree:
    """One document. A revision is written as `2-abc`."""

    document: str
    nodes: dict[str, Node] = field(default_factory=dict)
    limit: int = MOST

    def leaves(self) -> tuple[Leaf, ...]:
        """All leaves, the winner first."""
        inner = {node.parent for node in self.nodes.values()}
        found = [self._leaf(name) for name in self.nodes if name not in inner]
        return tuple(sorted(found, key=lambda leaf: (not leaf.deleted, *rank(leaf)), reverse=True))

    def add(self, leaf: Leaf) -> bool:
        """Put a leaf into the tree, as `new_edits: false` does; False where it was there."""
        names = list(_revisions(leaf))
        if names[0] in self.nodes:
            return False
        for index, name in enumerate(names):
            known = name in self.nodes
            parent = names[index + 1] if index + 1 < len(names) else ""
            if not known:
                body = leaf.body if index == 0 else None
                self.nodes[name] = Node(parent, body, leaf.deleted and index == 0)
            elif parent and self.nodes[name].parent not in self.nodes:
                self.nodes[name] = Node(parent, self.nodes[name].body, self.nodes[name].deleted)
        self._stem()
        return True

    def edit(self, body: str, *, over: str = "", deleted: bool = False) -> str:
        """What an application does: a new revision over a leaf, or a first one; returns its name."""
        generation = generation_of(over) + 1 if over else 1
        said = f"{over}\n{body}\n{deleted}\n{self.document}"
        name = f"{generation}-{hashlib.md5(said.encode(), usedforsecurity=False).hexdigest()}"
        self.nodes.setdefault(name, Node(over, body, deleted))
        self._stem()
        return name

    def purge(self, revision: str) -> None:
        """Forget a leaf and what nothing else descends from, as if it had never been."""
        while revision in self.nodes and revision not in {node.parent for node in self.nodes.values()}:
            revision = self.nodes.pop(revision).parent

    def _leaf(self, name: str) -> Leaf:
        node = self.nodes[name]
        history = tuple(one.partition("-")[2] for one in self._line(name))
        return Leaf(self.document, generation_of(name), history, node.body or "{}", node.deleted)

    def _line(self, name: str) -> Iterator[str]:
        while name in self.nodes:
            yield name
            name = self.nodes[name].parent

    def _stem(self) -> None:
        inner = {node.parent for node in self.nodes.values()}
        kept: set[str] = set()
        for name in [name for name in self.nodes if name not in inner]:
            kept |= set(list(self._line(name))[: self.limit])
        self.nodes = {name: node for name, node in self.nodes.items() if name in kept}


def rank(leaf: Leaf) -> tuple[int, str]:
    """The order in which leaves win."""
    return leaf.generation, leaf.history[0]


def generation_of(revision: str) -> int:
    return int(revision.partition("-")[0])


def _revisions(leaf: Leaf) -> Iterator[str]:
    return (f"{leaf.generation - age}-{name}" for age, name in enumerate(leaf.history))
