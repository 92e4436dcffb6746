"""Where the contract of document databases is tried: the fake, and a server that speaks HTTP.

A bench lets a test do what applications and administrators do, past the port.
"""

from __future__ import annotations

import secrets
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from reconciler.domain.documents import Leaf
from reconciler.ports.data import Documents
from tests.bed.couchdb import CouchDb
from tests.bed.fake_documents import FakeDocuments, canonical
from tests.bed.revision_tree import Tree

VIEW = {"by_n": {"map": "function (doc) { emit(doc.n, null); }"}}
PICTURE = {"content_type": "image/png", "data": b64encode(bytes(range(256))).decode()}


class DocumentsBench(Protocol):
    """One server, through the port and past it. Documents are as CouchDB has them, with ``_id`` and so on."""

    @property
    def documents(self) -> Documents: ...

    def fresh(self, name: str = "kompass") -> str:
        """A name that no database has."""

    def database(self, name: str = "kompass") -> str:
        """A new, empty database."""

    def put(self, database: str, *documents: dict[str, Any]) -> list[str]:
        """Write documents as an application does; their new revisions."""

    def add(self, database: str, document: str, history: tuple[str, ...], body: Mapping[str, Any]) -> None:
        """Write a leaf as a peer does that replicates into the database."""

    def refuse(self, database: str, document: str) -> None:
        """From now on, this database does not take that document."""

    def purge(self, database: str, document: str) -> None:
        """Have the server forget a document of one leaf, as if it had never been."""

    def limit(self, database: str, revisions: int) -> None:
        """How many revisions of a branch are kept from now on."""


@dataclass(frozen=True, slots=True)
class ServerBench:
    """The server of the tests, or a real one."""

    server: CouchDb

    @property
    def documents(self) -> Documents:
        return self.server.adapter()

    def fresh(self, name: str = "kompass") -> str:
        return self.server.fresh(name)

    def database(self, name: str = "kompass") -> str:
        return self.server.database(name)

    def put(self, database: str, *documents: dict[str, Any]) -> list[str]:
        return self.server.put(database, *documents)

    def add(self, database: str, document: str, history: tuple[str, ...], body: Mapping[str, Any]) -> None:
        revisions = {"start": len(history), "ids": list(history)}
        own = {"_id": document, "_rev": f"{len(history)}-{history[0]}", "_revisions": revisions}
        self.server.put(database, {**body, **own}, new_edits=False)

    def refuse(self, database: str, document: str) -> None:
        rule = f"function (doc) {{ if (doc._id === '{document}') throw({{forbidden: 'no such thing'}}); }}"
        self.server.put(database, {"_id": "_design/rule", "validate_doc_update": rule})

    def purge(self, database: str, document: str) -> None:
        revision = self.server.ask("GET", f"/{database}/{document}")["_rev"]
        self.server.ask("POST", f"/{database}/_purge", {document: [revision]})

    def limit(self, database: str, revisions: int) -> None:
        self.server.ask("PUT", f"/{database}/_revs_limit", revisions)


@dataclass(frozen=True, slots=True)
class FakeDocumentsBench:
    """The fake that tests of use cases work on."""

    documents: FakeDocuments = field(default_factory=FakeDocuments)

    def fresh(self, name: str = "kompass") -> str:
        return f"{name}_{secrets.token_hex(4)}"

    def database(self, name: str = "kompass") -> str:
        found, like = self.fresh(name), self.fresh("like")
        self.documents.new(like)
        self.documents.create(found, like)
        self.documents.delete(like)
        return found

    def put(self, database: str, *documents: dict[str, Any]) -> list[str]:
        there = self.documents.there[database]
        revisions = []
        for document in documents:
            body = {name: value for name, value in document.items() if name[:1] != "_"}
            body |= {name: document[name] for name in document.keys() & {"_attachments"}}
            tree = there.trees.setdefault(document["_id"], Tree(document["_id"], limit=there.limit))
            deleted, over = document.get("_deleted", False), document.get("_rev", "")
            revisions.append(tree.edit(canonical(body), over=over, deleted=deleted))
            there.sequence += 1
        return revisions

    def add(self, database: str, document: str, history: tuple[str, ...], body: Mapping[str, Any]) -> None:
        self.documents.there[database].add(Leaf(document, len(history), history, canonical(body)))

    def refuse(self, database: str, document: str) -> None:
        self.documents.refused.add(document)

    def purge(self, database: str, document: str) -> None:
        self.documents.there[database].purge(document)

    def limit(self, database: str, revisions: int) -> None:
        there = self.documents.there[database]
        there.limit = revisions
        for tree in there.trees.values():
            tree.limit = revisions


def fork(bench: DocumentsBench, database: str, document: str = "forked") -> None:
    """A document with two leaves in conflict: the one of ``b`` wins."""
    bench.add(database, document, ("a" * 32, "0" * 32), {"n": 1})
    bench.add(database, document, ("b" * 32, "0" * 32), {"n": 2})


def mix(bench: DocumentsBench, database: str) -> None:
    """Of everything one: plain, updated, deleted, in conflict, with an attachment, a design document."""
    _, old, gone, *_ = bench.put(
        database,
        {"_id": "plain", "n": 1, "deep": {"list": [1, 2.5, None, True, "é"]}},
        {"_id": "updated", "n": 1},
        {"_id": "deleted", "n": 1},
        {"_id": "pictured", "n": 1, "_attachments": {"a b/c.png": PICTURE}},
        {"_id": "_design/app", "language": "javascript", "views": VIEW},
    )
    bench.put(
        database, {"_id": "updated", "_rev": old, "n": 2}, {"_id": "deleted", "_rev": gone, "_deleted": True}
    )
    fork(bench, database)


def everything(documents: Documents, database: str) -> dict[str, tuple[Leaf, ...]]:
    """All that a database has, attachments and all."""
    return dict(documents.read(database, documents.leaves(database), attachments=True))
