"""Leaves as lines of JSON that CouchDB takes again."""

from __future__ import annotations

import json
from typing import Any

from reconciler.domain.documents import Leaf


def replay_line(leaf: Leaf) -> str:
    """A leaf as one document of ``_bulk_docs`` with ``new_edits: false``, in one line, without its end.

    https://docs.couchdb.org/en/stable/api/database/bulk-api.html#posting-existing-revisions
    """
    document: dict[str, Any] = {
        **json.loads(leaf.body),
        "_id": leaf.document,
        "_rev": leaf.revision,
        "_revisions": {"start": leaf.generation, "ids": list(leaf.history)},
    }
    if leaf.deleted:
        document["_deleted"] = True
    return json.dumps(document, sort_keys=True)
