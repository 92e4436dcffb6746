"""Who may use a database. No replication takes it along, and a new database admits admins only."""

from __future__ import annotations

import json

from reconciler.adapters.couchdb.conversation import Conversation
from reconciler.adapters.couchdb.leaf_codec import canonical
from reconciler.adapters.couchdb.names import database_path


def security(talk: Conversation, database: str) -> str:
    """As canonical JSON."""
    doing = f"read who may use {database}"
    answer = talk.ask("GET", f"{database_path(database)}/_security", doing)
    return canonical(answer.json())


def set_security(talk: Conversation, database: str, text: str) -> None:
    """Written whole: what it does not say is no more."""
    path, doing = f"{database_path(database)}/_security", f"say who may use {database}"
    talk.ask("PUT", path, doing, content=json.loads(text))
