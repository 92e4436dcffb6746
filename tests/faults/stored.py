"""An environment on the fake engine whose data are in the CouchDB of the tests."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

from reconciler.adapters.couchdb import CouchServer
from reconciler.adapters.host_state import ExportFiles, Place
from reconciler.app.backup import BackedUp, Backups
from reconciler.app.fenced import fenced_documents
from reconciler.app.leaf_memory import remembering
from reconciler.app.restore import Restore, restore_alone
from reconciler.domain.data import CouchDb as Databases
from reconciler.domain.data import Data, Uses
from reconciler.domain.documents import Leaf
from reconciler.domain.restoring import Restored
from tests.app.passes import Passes
from tests.app.scene import Scene
from tests.bed.couchdb import CouchDb
from tests.domain.values import environment, svc


@dataclass(slots=True)
class Stored:
    """One environment: `web` writes to its databases. A minute passes before each backup and restore."""

    server: CouchDb
    documents: CouchServer
    passes: Passes
    exports: ExportFiles
    databases: tuple[str, ...]

    @classmethod
    def stage(cls, server: CouchDb, folder: Path, *databases: str, **adapter: Any) -> Stored:
        couch = Databases(server.url, databases)
        env = replace(environment(), data=Data(couch, uses=(Uses("web", ("couchdb",)),)))
        passes = Passes(Scene((svc("proxy"), svc("web")), env=env)).up()
        place = Place(folder, "fake://world")
        return cls(server, server.adapter(**adapter), passes, ExportFiles(place), databases)

    def back_up(self) -> BackedUp:
        host, couch = self.passes.scene.host, self.passes.scene.env.data.couchdb
        assert couch is not None
        self.passes.scene.clock.passed += 60
        return Backups(host, fenced_documents(self.documents, host), couch).back_up()

    def go_back(self, wanted: str = "") -> Restored:
        self.passes.scene.clock.passed += 60
        passes = self.passes
        documents = remembering(self.documents)
        restore = Restore(passes.scene.env, passes.journal, passes.pauses, documents, self.exports, "ada")
        return restore_alone(passes.reconciler, restore, wanted)

    def says(self, database: str) -> dict[str, Any]:
        """Every document that is not deleted, with its attachments: the winner, and what is in conflict."""
        read = self.documents.read(database, self.documents.leaves(database), attachments=True)
        return {document: said for document, leaves in read.items() if (said := bodies(leaves))}

    def path(self, database: str, rest: str = "") -> str:
        return f"/{quote(database, safe='')}{rest}"

    def delete(self, database: str, *documents: str) -> None:
        read = self.documents.read(database, documents)
        gone = [{"_id": d, "_rev": leaves[0].revision, "_deleted": True} for d, leaves in read.items()]
        self.server.put(database, *gone)

    def update(self, database: str, document: str, **fields: Any) -> None:
        """A new revision over the winner."""
        read = self.documents.read(database, [document])
        over = {"_rev": read[document][0].revision} if document in read else {}
        self.server.put(database, {"_id": document, **over, **fields})


def bodies(leaves: tuple[Leaf, ...]) -> tuple[Any, ...]:
    there = [json.loads(leaf.body) for leaf in leaves if not leaf.deleted]
    return (there[0], sorted(map(str, there[1:]))) if there else ()
