"""Paths of databases and documents: one name is one part of a path, whatever characters it has."""

from __future__ import annotations

import re
from urllib.parse import quote

from reconciler.errors import DataFailed

_DATABASE = re.compile(r"[a-z][a-z0-9_$()+/-]*")
_SYSTEM = frozenset({"_users", "_replicator", "_global_changes"})
_SPECIAL = ("_design/", "_local/")


def database_path(database: str) -> str:
    """``/kompass%2Farchive`` for ``kompass/archive``.

    The rule of names is CouchDB's: https://docs.couchdb.org/en/stable/api/database/common.html#put--db. It is
    checked here as well, because a wrong name in a path may be the right one of something else: an empty one
    is the whole server.

    Raises:
        DataFailed: this is no name of a database.
    """
    if _DATABASE.fullmatch(database) is None and database not in _SYSTEM:
        raise DataFailed(
            f"{database!r} is no name of a database",
            hint="CouchDB wants a lower-case letter first, then lower-case letters, digits and _$()+/- only.",
        )
    return "/" + quote(database, safe="")


def document_path(database: str, document: str, *more: str) -> str:
    """The path of a document, and of what is below it. The slash behind ``_design`` and ``_local`` is one."""
    special = next((one for one in _SPECIAL if document.startswith(one)), "")
    parts = [special + _part(document.removeprefix(special)), *map(_part, more)]
    return "/".join([database_path(database), *parts])


def _part(name: str) -> str:
    """One part of a path. Dots alone would be taken for a way up, also where they are encoded.

    Raises:
        DataFailed: it cannot be one.
    """
    if name in ("", ".", ".."):
        raise DataFailed(f"{name!r} cannot be named in a url", hint="Give what has this name another one.")
    return quote(name, safe="")
