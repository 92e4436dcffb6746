"""Local documents: they stay in their database, whatever is replicated."""

from __future__ import annotations

import json
from typing import Any

from reconciler.adapters.couchdb.conversation import Conversation
from reconciler.adapters.couchdb.leaf_codec import canonical
from reconciler.adapters.couchdb.names import document_path
from reconciler.errors import DataFailed

_TRIES = 5


def note(talk: Conversation, database: str, name: str) -> str:
    """What it says, without the fields of the server; empty for none."""
    found = _found(talk, database, name)
    return canonical({key: value for key, value in found.items() if key[:1] != "_"}) if found else ""


def set_note(talk: Conversation, database: str, name: str, text: str) -> None:
    """Write or remove it, whatever is there: the revision of it is only a formality."""
    path, doing = document_path(database, f"_local/{name}"), f"write note {name} into {database}"
    for _ in range(_TRIES):
        found = _found(talk, database, name)
        revision = {"rev": str(found["_rev"])} if found and "_rev" in found else {}
        if text:
            answer = talk.ask("PUT", path, doing, query=revision, content=json.loads(text), also=(409,))
        elif found:
            answer = talk.ask("DELETE", path, doing, query=revision, also=(404, 409))
        else:
            return
        if answer.status != 409:
            return
    raise DataFailed(
        f"{talk.server} did not {doing}: somebody else writes it, too", hint="Run this again in a moment."
    )


def _found(talk: Conversation, database: str, name: str) -> dict[str, Any] | None:
    """The whole local document; None for none."""
    doing = f"read note {name} of {database}"
    answer = talk.ask("GET", document_path(database, f"_local/{name}"), doing, also=(404,))
    if answer.status == 404:
        # The same status for no document and for no database.
        if answer.said()[1] in ("missing", "deleted"):
            return None
        raise answer.complaint()
    with talk.understanding(doing):
        return dict(answer.json())
