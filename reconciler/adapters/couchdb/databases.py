"""Databases: which there are, how much is in them, made and deleted."""

from __future__ import annotations

from dataclasses import dataclass
from time import monotonic, sleep

from reconciler.adapters.couchdb.conversation import Conversation
from reconciler.adapters.couchdb.names import database_path
from reconciler.domain.documents import DatabaseState
from reconciler.errors import DataFailed

_AGAIN_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Shape:
    """What a database is made with. A replication takes none of it along."""

    shards: int
    partitioned: bool
    revisions: int


def databases(talk: Conversation) -> tuple[str, ...]:
    """All names, sorted here: code points, whatever the collation of the server is."""
    doing = "list its databases"
    answer = talk.ask("GET", "/_all_dbs", doing)
    with talk.understanding(doing):
        names = answer.json()
        if not isinstance(names, list):
            raise TypeError("no list")
        return tuple(sorted("" + name for name in names))


def state(talk: Conversation, database: str) -> DatabaseState | None:
    """How much is in it; None for no database."""
    doing = f"read the state of database {database}"
    answer = talk.ask("GET", database_path(database), doing, also=(404,))
    if answer.status == 404:
        return None
    with talk.understanding(doing):
        found = answer.json()
        return DatabaseState(int(found["doc_count"]), int(found["doc_del_count"]), str(found["update_seq"]))


def create(talk: Conversation, database: str, like: str) -> None:
    """Create it as ``like`` is; what is there keeps its shards, and gets the revision limit.

    Directly after its deletion a name is refused with 412 for a while, although it is gone: with readers, 34
    of 40 times. So a refusal only counts once the database can be seen.
    """
    shape = _shape(talk, like)
    query = {"q": str(shape.shards)} | ({"partitioned": "true"} if shape.partitioned else {})
    path, doing = database_path(database), f"create database {database}"
    ends = monotonic() + talk.place.deadline_seconds
    while talk.ask("PUT", path, doing, query=query, also=(412,)).status == 412:
        if state(talk, database) is not None:
            break
        if monotonic() > ends:
            raise DataFailed(
                f"{talk.server} did not {doing}: it says that it is there, and that it is not",
                hint="Its deletion is not over yet; run this again in a moment.",
            )
        sleep(_AGAIN_SECONDS)
    if _revisions(talk, database) != shape.revisions:
        talk.ask("PUT", f"{path}/_revs_limit", f"limit the revisions of {database}", content=shape.revisions)


def delete(talk: Conversation, database: str) -> None:
    """Delete it. Its answer comes before it is gone for everybody, so we look until it is."""
    path, doing = database_path(database), f"delete database {database}"
    talk.ask("DELETE", path, doing, also=(404,))
    ends = monotonic() + talk.place.deadline_seconds
    while state(talk, database) is not None:
        if monotonic() > ends:
            raise DataFailed(
                f"{talk.server} did not {doing}: it is still there", hint="Look into the log of CouchDB."
            )
        sleep(_AGAIN_SECONDS)


def _shape(talk: Conversation, database: str) -> Shape:
    doing = f"read how database {database} is made"
    answer = talk.ask("GET", database_path(database), doing)
    with talk.understanding(doing):
        found = answer.json()
        shards = int(found["cluster"]["q"])
        partitioned = bool(found.get("props", {}).get("partitioned", False))
    return Shape(shards, partitioned, _revisions(talk, database))


def _revisions(talk: Conversation, database: str) -> int:
    doing = f"read the revision limit of {database}"
    answer = talk.ask("GET", f"{database_path(database)}/_revs_limit", doing)
    with talk.understanding(doing):
        return int(answer.json())
