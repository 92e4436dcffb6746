"""A server of document databases in memory, obeying its port: revision trees, and what is kept beside them.

>>> server = FakeDocuments(); kompass = server.new("kompass")
>>> kompass.put("a", {"total": 1})
>>> server.fail("replicate", error=DataUnreachable("gone"))
>>> server.meanwhile["replicate"] = lambda: kompass.put("b", {})
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from reconciler.domain.documents import DatabaseState, Leaf, Leaves
from reconciler.errors import DataFailed
from tests.bed.fake_faults import Answer, Fault, Faults
from tests.bed.revision_tree import Tree

NOBODY_ELSE = '{"admins":{"roles":["_admin"]},"members":{"roles":["_admin"]}}'


def canonical(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def attachment(text: str) -> dict[str, str]:
    """An attachment as it is sent."""
    return {"content_type": "text/plain", "data": base64.b64encode(text.encode()).decode()}


@dataclass(slots=True)
class Database:
    """One database, as applications and administrators see it. `like` is how it was made."""

    trees: dict[str, Tree] = field(default_factory=dict)
    security: str = NOBODY_ELSE
    notes: dict[str, str] = field(default_factory=dict)
    sequence: int = 0
    limit: int = 1000
    like: str = ""
    warm: bool = False

    def put(self, document: str, body: Mapping[str, Any], *, over: str = "") -> str:
        """Create a document or update its winner, or the leaf `over`; returns the new revision."""
        tree = self.trees.setdefault(document, Tree(document, limit=self.limit))
        leaves = tree.leaves()
        self._moved()
        return tree.edit(canonical(body), over=over or (leaves[0].revision if leaves else ""))

    def delete(self, document: str) -> None:
        """Delete the winner."""
        self._moved()
        tree = self.trees[document]
        tree.edit("{}", over=tree.leaves()[0].revision, deleted=True)

    def conflict(self, document: str, body: Mapping[str, Any], name: str, generation: int = 1) -> None:
        """A peer wrote the document without knowing of ours."""
        history = tuple(f"{name}{age}" for age in range(generation, 0, -1))
        self.add(Leaf(document, generation, history, canonical(body)))

    def add(self, leaf: Leaf) -> None:
        tree = self.trees.setdefault(leaf.document, Tree(leaf.document, limit=self.limit))
        if tree.add(leaf):
            self._moved()

    def purge(self, document: str) -> None:
        """Forget it, as if it had never been."""
        del self.trees[document]
        self._moved()

    def says(self) -> dict[str, tuple[object, list[str]]]:
        """What is in every document that is not deleted: the winner, and what is in conflict with it."""
        there: dict[str, tuple[object, list[str]]] = {}
        for document, tree in sorted(self.trees.items()):
            bodies = [leaf.body for leaf in tree.leaves() if not leaf.deleted]
            if bodies:
                there[document] = (json.loads(bodies[0]), sorted(bodies[1:]))
        return there

    def state(self) -> DatabaseState:
        gone = sum(1 for tree in self.trees.values() if tree.leaves()[0].deleted)
        return DatabaseState(len(self.trees) - gone, gone, f"{self.sequence}-opaque")

    def _moved(self) -> None:
        self.sequence += 1
        self.warm = False


class FakeDocuments:
    """The `Documents` port. What is not documented here is so in the port.

    `meanwhile` is what others do while a method of this name works; `refused` are documents that every
    database refuses to take.
    """

    def __init__(self) -> None:
        self.there: dict[str, Database] = {}
        self.meanwhile: dict[str, Callable[[], object]] = {}
        self.refused: set[str] = set()
        self.replicated: list[tuple[str, str]] = []
        self._faults = Faults()

    @property
    def name(self) -> str:
        return "http://fake:5984"

    @property
    def calls(self) -> list[tuple[str, ...]]:
        """The calls that asked for a change."""
        return self._faults.calls

    def new(self, database: str) -> Database:
        """Make a database that applications may use."""
        self.there[database] = Database(security='{"members":{"roles":["app"]}}')
        return self.there[database]

    def fail(
        self,
        method: str,
        *,
        error: BaseException,
        times: int = 1,
        after: bool = False,
        matching: Callable[..., bool] = lambda *_: True,
    ) -> None:
        """Let `method` raise `error`, `times` times, where `matching` accepts its arguments."""
        assert hasattr(self, method), method
        self._faults.waiting.setdefault(method, []).append(Fault(error, times, after, matching))

    def forget_faults(self) -> None:
        """From now on nothing goes wrong any more."""
        self._faults.waiting.clear()

    def die_at(self, call: int, *, after: bool = False) -> None:
        """Raise `Killed` around the `call`-th change from now, and at every call from then on."""
        self._faults.death = (len(self.calls) + call, after)

    def die(self) -> None:
        """Whoever calls is dead, from now on."""
        self._faults.dead = True

    def revive(self) -> None:
        """The program is started anew."""
        self._faults.death, self._faults.dead = None, False

    def databases(self) -> tuple[str, ...]:
        self._looked("databases")
        return tuple(sorted(self.there))

    def state(self, database: str) -> DatabaseState | None:
        self._looked("state", database)
        return self.there[database].state() if database in self.there else None

    def create(self, database: str, like: str) -> None:
        self._change("create", partial(self._create, database, like), database, like)

    def delete(self, database: str) -> None:
        self._change("delete", lambda: self.there.pop(database, None), database)

    def replicate(self, source: str, target: str) -> None:
        self._change("replicate", partial(self._replicate, source, target), source, target)

    def leaves(self, database: str) -> Leaves:
        self._looked("leaves", database)
        trees = self._existing(database).trees
        return {
            document: frozenset(one.revision for one in tree.leaves()) for document, tree in trees.items()
        }

    def read(
        self, database: str, documents: Collection[str], *, attachments: bool = False
    ) -> Mapping[str, tuple[Leaf, ...]]:
        self._looked("read", database, documents)
        trees = self._existing(database).trees
        shown = (lambda leaf: leaf) if attachments else _without_content
        return {d: tuple(shown(leaf) for leaf in trees[d].leaves()) for d in documents if d in trees}

    def write(self, database: str, leaves: Sequence[Leaf]) -> None:
        self._change("write", partial(self._write, database, leaves), database, len(leaves))

    def security(self, database: str) -> str:
        self._looked("security", database)
        return self._existing(database).security

    def set_security(self, database: str, security: str) -> None:
        change = partial(setattr, self._existing(database), "security", security)
        self._change("set_security", change, database)

    def note(self, database: str, name: str) -> str:
        self._looked("note", database, name)
        return self._existing(database).notes.get(name, "")

    def set_note(self, database: str, name: str, text: str) -> None:
        self._change("set_note", partial(self._set_note, database, name, text), database, name)

    def warm(self, database: str) -> None:
        self._looked("warm", database)
        self._existing(database).warm = True

    # --- How it does that -------------------------------------------------------------------------

    def _existing(self, database: str) -> Database:
        if database not in self.there:
            raise DataFailed(f"there is no database {database}")
        return self.there[database]

    def _create(self, database: str, like: str) -> None:
        made = Database(limit=self._existing(like).limit, like=like)
        self.there.setdefault(database, made)

    def _replicate(self, source: str, target: str) -> None:
        self.replicated.append((source, target))
        leaves = [leaf for tree in self._existing(source).trees.values() for leaf in tree.leaves()]
        self._existing(target)
        self._write(target, deepcopy(leaves))

    def _write(self, database: str, leaves: Sequence[Leaf]) -> None:
        refused = [leaf.document for leaf in leaves if leaf.document in self.refused]
        for leaf in leaves:
            if leaf.document not in self.refused:
                assert '"digest"' not in leaf.body, "an attachment is written without its content"
                self._existing(database).add(leaf)
        if refused:
            raise DataFailed(f"{len(refused)} documents were refused: {refused[0]}")

    def _set_note(self, database: str, name: str, text: str) -> None:
        notes = self._existing(database).notes
        if text:
            notes[name] = text
        else:
            notes.pop(name, None)

    def _looked(self, method: str, *arguments: object) -> None:
        self._faults.strike(method, *arguments)
        self._meanwhile(method)

    def _change(self, method: str, change: Callable[[], Answer], *arguments: object) -> Answer:
        answer = self._faults.around(method, change, str, *arguments)
        self._meanwhile(method)
        return answer

    def _meanwhile(self, method: str) -> None:
        if method in self.meanwhile:
            self.meanwhile[method]()


def _without_content(leaf: Leaf) -> Leaf:
    body = json.loads(leaf.body)
    for name, one in body.get("_attachments", {}).items():
        content = base64.b64decode(one["data"])
        digest = hashlib.md5(content, usedforsecurity=False).hexdigest()
        body["_attachments"][name] = {
            "content_type": one["content_type"],
            "digest": f"md5-{digest}",
            "length": len(content),
        }
    return replace(leaf, body=canonical(body))
