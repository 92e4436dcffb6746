"""Add leaves to the trees of a database."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from reconciler.adapters.couchdb.conversation import Conversation
from reconciler.adapters.couchdb.leaf_codec import document_of
from reconciler.adapters.couchdb.names import database_path
from reconciler.domain.documents import Leaf
from reconciler.errors import DataFailed

MOST_DOCUMENTS = 500
MOST_BYTES = 4 * 1024 * 1024
"""How much is sent at once; one document may be more, and then it goes alone."""

_NAMED = 5


def write(talk: Conversation, database: str, leaves: Sequence[Leaf]) -> None:
    """Write all, then say which were refused. The answer of CouchDB is a success all the same."""
    path, doing = f"{database_path(database)}/_bulk_docs", f"write documents into {database}"
    refused: list[tuple[str, str]] = []
    for group in _groups(leaves):
        content = b'{"new_edits":false,"docs":[' + b",".join(group) + b"]}"
        answer = talk.ask("POST", path, doing, content=content)
        with talk.understanding(doing):
            refused += [
                (str(row["id"]), str(row.get("reason") or row["error"]))
                for row in answer.json()
                if "error" in row
            ]
    if refused:
        named = ", ".join(f"{document!r} ({why})" for document, why in refused[:_NAMED])
        more = f" and {len(refused) - _NAMED} more" if len(refused) > _NAMED else ""
        raise DataFailed(
            f"{talk.server} refused {len(refused)} of {len(leaves)} documents for {database}: {named}{more}",
            hint="A validate_doc_update of a design document refuses them, or they are too large.",
        )


def _groups(leaves: Sequence[Leaf]) -> Iterator[list[bytes]]:
    """The documents as JSON, so many at once as stay below the bounds."""
    group: list[bytes] = []
    total = 0
    for leaf in leaves:
        text = _json(leaf)
        if group and (total + len(text) > MOST_BYTES or len(group) == MOST_DOCUMENTS):
            yield group
            group, total = [], 0
        group.append(text)
        total += len(text)
    if group:
        yield group


def _json(leaf: Leaf) -> bytes:
    try:
        return json.dumps(document_of(leaf), separators=(",", ":")).encode()
    except ValueError as error:
        raise DataFailed(
            f"a leaf cannot be written: {error}", hint="Read it with its attachments."
        ) from error
