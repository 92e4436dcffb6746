"""Replication inside of the server: https://docs.couchdb.org/en/stable/api/server/common.html#replicate

It only adds revisions that the target lacks. It reverts nothing: newer revisions of the target win.
"""

from __future__ import annotations

from typing import Any

from reconciler.adapters.couchdb.answer import DISK, Answer, full, refused
from reconciler.adapters.couchdb.conversation import Conversation
from reconciler.adapters.couchdb.databases import state
from reconciler.adapters.couchdb.names import database_path
from reconciler.adapters.couchdb.patience import patiently
from reconciler.adapters.couchdb.tasks import tasks
from reconciler.errors import DataFailed, DataUnreachable, ReconcileError

_UNREACHED = ("conn_failed", "econnrefused", "nxdomain", "http_request_failed", "timeout", "session_request")
"""What CouchDB says when it does not reach the address that a replication names."""


def replicate(talk: Conversation, inside: str, source: str, target: str, limit_seconds: float) -> None:
    """Replicate and wait; ``inside`` is the address of the server as it reaches itself.

    A client that gives up waiting does not stop a replication, and the same request joins the one that runs.
    """
    doing = f"replicate {source} into {target}"
    content = {
        "source": _end(talk, inside, source),
        "target": _end(talk, inside, target),
        "create_target": False,
    }
    answer = patiently(
        lambda: talk.try_to_ask("POST", "/_replicate", doing, content=content, also=(404, 500)),
        lambda: _progress(talk, source, target),
        limit_seconds,
        f"{talk.server} did not {doing}",
    )
    if answer.status != 200:
        raise _failure(talk, answer, source, target)
    with talk.understanding(doing):
        _complete(talk, answer.json(), source, target)


def _end(talk: Conversation, inside: str, database: str) -> dict[str, Any]:
    """One end. Credentials go beside the url: percent-encoded ones in it are not decoded."""
    url = inside.rstrip("/") + database_path(database)
    if not talk.place.username:
        return {"url": url}
    basic = {"username": talk.place.username, "password": talk.place.password}
    return {"url": url, "auth": {"basic": basic}}


def _progress(talk: Conversation, source: str, target: str) -> object:
    """What changes while a replication gets on: what is in the target, and what the server tells of it.

    The end of an update sequence differs between two looks at a cluster; its number in front does not.
    """
    doing = f"tell how far {target} is"
    written = talk.try_to_ask("GET", database_path(target), doing, also=(404,))
    told = tasks(talk, "replication", f"{database_path(source)}/", f"{database_path(target)}/")
    if written is None or told is None:
        return None
    with talk.understanding(doing):
        found = written.json()
        sequence = str(found.get("update_seq")).partition("-")[0]
        return sequence, found.get("doc_count"), found.get("doc_del_count"), told


def _complete(talk: Conversation, found: Any, source: str, target: str) -> None:
    """Refuse a replication that left documents out: its answer is a success all the same.

    Each of its sessions counts. The next one does not try again what an earlier one could not write, and
    shows only the figures of that.
    """
    if found["ok"] is not True:
        raise ValueError("no success, and no error")
    failed = sum(int(session["doc_write_failures"]) for session in found["history"])
    if failed:
        raise DataFailed(
            f"{failed} documents of {source} could not be written into {target} by {talk.server}",
            hint=f"A validate_doc_update refuses them. {target} stays incomplete, also after another "
            "replication: delete it.",
        )


def _failure(talk: Conversation, answer: Answer, source: str, target: str) -> ReconcileError:
    """What an answer of 500 is about: CouchDB gives it for everything that goes wrong inside."""
    error, reason = answer.said()
    words = f"{error} {reason}"
    what = f"{talk.server} did not {answer.doing} ({answer.status}: {error}: {reason})"
    if error == "db_not_found" or answer.status == 404:
        for database in (source, target):
            if state(talk, database) is None:
                return DataFailed(f"{what}: there is no database {database}", hint="Check its name.")
        return DataFailed(
            what,
            hint="Check replication_url of data.couchdb: there the server finds other databases than we.",
        )
    if full(words):
        return DataFailed(what, hint=DISK)
    if error in ("unauthorized", "forbidden"):
        return refused(what, reason)
    if any(sign in words for sign in _UNREACHED):
        return DataUnreachable(
            what, hint="Check replication_url of data.couchdb: it is how the server reaches itself."
        )
    return DataFailed(what, hint="Look into the log of CouchDB.")
