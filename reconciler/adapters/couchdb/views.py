"""Views: built when they are asked for, which may take as long as all documents do."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from reconciler.adapters.couchdb.conversation import Conversation
from reconciler.adapters.couchdb.names import database_path, document_path
from reconciler.adapters.couchdb.patience import patiently
from reconciler.adapters.couchdb.tasks import tasks

_MANGO = "query"
"""The language of indexes for ``_find``. CouchDB builds them itself, and no view can be asked for there."""


def warm(talk: Conversation, database: str, limit_seconds: float) -> None:
    """Ask each design document for nothing of one view: that builds all views of it."""
    for design, view in _views(talk, database):
        path = document_path(database, design, "_view", view)
        doing = f"build the views of {design} in {database}"
        query = {"limit": "0", "reduce": "false"}
        patiently(
            partial(talk.try_to_ask, "GET", path, doing, query=query),
            partial(tasks, talk, "indexer", database, design),
            limit_seconds,
            f"{talk.server} did not {doing}",
        )


def _views(talk: Conversation, database: str) -> Iterator[tuple[str, str]]:
    """Each design document that has views, and one of those."""
    doing = f"list the design documents of {database}"
    query = {"startkey": '"_design/"', "endkey": '"_design0"', "include_docs": "true"}
    answer = talk.ask("GET", f"{database_path(database)}/_all_docs", doing, query=query)
    with talk.understanding(doing):
        documents = [row["doc"] for row in answer.json()["rows"]]
        for document in documents:
            views = sorted(document.get("views") or {})
            if views and document.get("language") != _MANGO:
                yield str(document["_id"]), str(views[0])
