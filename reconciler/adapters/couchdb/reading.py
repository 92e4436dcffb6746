"""Leaves: which revisions all documents have, and what is in them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from reconciler.adapters.couchdb.conversation import Conversation
from reconciler.adapters.couchdb.leaf_codec import attached_bytes, leaf_of
from reconciler.adapters.couchdb.names import database_path
from reconciler.domain.documents import Leaf, Leaves
from reconciler.errors import DataFailed

PAGE = 10_000
"""How many documents one page of changes has: 1 to 2 MB."""

MOST_DOCUMENTS = 500
MOST_BYTES = 8 * 1024 * 1024
"""How much is asked for at once, about: what is in a document is known when it has come."""


def leaves(talk: Conversation, database: str) -> Leaves:
    """The leaves of all documents. One that is written meanwhile comes again, and the later row counts."""
    doing = f"list the revisions of {database}"
    path = f"{database_path(database)}/_changes"
    found: dict[str, frozenset[str]] = {}
    since = "0"
    while True:
        query = {"style": "all_docs", "limit": str(PAGE), "since": since}
        answer = talk.ask("GET", path, doing, query=query)
        with talk.understanding(doing):
            page = answer.json()
            rows = page["results"]
            found |= {str(row["id"]): frozenset(str(c["rev"]) for c in row["changes"]) for row in rows}
            since = str(page["last_seq"])
        if len(rows) < PAGE:
            return found


def read(
    talk: Conversation, database: str, documents: Collection[str], attachments: bool
) -> Mapping[str, tuple[Leaf, ...]]:
    """All leaves of these documents, the winner first.

    Attachments are asked for in a second round, when it is known how long they are.
    """
    found: dict[str, tuple[Leaf, ...]] = {}
    waiting, many = list(dict.fromkeys(documents)), MOST_DOCUMENTS // 5
    while waiting:
        group, waiting = waiting[:many], waiting[many:]
        size, theirs = _group(talk, database, group, attachments=False)
        found |= theirs
        many = max(1, min(MOST_DOCUMENTS, MOST_BYTES * len(group) // size))
    if attachments:
        for group in _groups_with_attachments(found):
            found |= _group(talk, database, group, attachments=True)[1]
    return found


def _group(
    talk: Conversation, database: str, documents: Sequence[str], *, attachments: bool
) -> tuple[int, dict[str, tuple[Leaf, ...]]]:
    """How many bytes came, and the leaves in them.

    Without a ``rev`` CouchDB gives all leaves (``chttpd_db:bulk_get_open_doc_revs1``), which its manual does
    not say.
    """
    doing = f"read documents of {database}"
    query = {"revs": "true"} | ({"attachments": "true"} if attachments else {})
    content = {"docs": [{"id": document} for document in documents]}
    answer = talk.ask("POST", f"{database_path(database)}/_bulk_get", doing, query=query, content=content)
    found: dict[str, tuple[Leaf, ...]] = {}
    with talk.understanding(doing):
        for result in answer.json()["results"]:
            document = str(result["id"])
            rows = [row["ok"] for row in result["docs"] if "ok" in row]
            wrong = [row["error"]["error"] for row in result["docs"] if "ok" not in row]
            if any(word != "not_found" for word in wrong):
                raise DataFailed(
                    f"{talk.server} did not {doing}: {document!r} cannot be read ({wrong[0]})",
                    hint="Look into the log of CouchDB.",
                )
            if rows:
                found[document] = tuple(sorted(map(leaf_of, rows), key=_rank, reverse=True))
    return max(1, len(answer.content)), found


def _rank(leaf: Leaf) -> tuple[bool, int, str]:
    """Whoever has most wins: https://docs.couchdb.org/en/stable/replication/conflicts.html"""
    return not leaf.deleted, leaf.generation, leaf.history[0]


def _groups_with_attachments(found: Mapping[str, tuple[Leaf, ...]]) -> Iterator[list[str]]:
    """Documents that have some, so many at once as stay below the bounds; one that is more goes alone."""
    group: list[str] = []
    total = 0
    for document, theirs in found.items():
        size = sum(map(attached_bytes, theirs))
        if not size:
            continue
        if group and (total + size > MOST_BYTES or len(group) == MOST_DOCUMENTS):
            yield group
            group, total = [], 0
        group.append(document)
        total += size
    if group:
        yield group
