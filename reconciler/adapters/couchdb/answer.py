"""What CouchDB answered, and what we make of an answer that is not the one that was asked for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from reconciler.errors import (
    DataFailed,
    DataUnreachable,
    PermissionRefused,
    ReconcileError,
)

DISK = "Free some space on the disk of CouchDB, then run this again."
_FULL = ("enospc", "no space left", "insufficient_storage")
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Answer:
    """One complete answer.

    Args:
        server: who answered, as errors name it.
        doing: what was asked for, as a verb with its object: ``read database kompass``.
        status: of HTTP.
        content: the body as it came.
        secrets: what is never repeated, should the server repeat it.
    """

    server: str
    doing: str
    status: int
    content: bytes
    secrets: tuple[str, ...] = field(default=(), repr=False)

    def json(self) -> Any:
        """The body.

        Raises:
            DataUnreachable: it is no JSON, so whoever answered is not CouchDB.
        """
        with understood(self.server, self.doing):
            return json.loads(self.content)

    def said(self) -> tuple[str, str]:
        """The two words of an error, ``error`` and ``reason``; empty where it has none."""
        try:
            found = json.loads(self.content)
        except ValueError:
            return "", ""
        if not isinstance(found, dict):
            return "", ""
        return self._shown(found.get("error")), self._shown(found.get("reason"))

    def _shown(self, value: object) -> str:
        """One line of what the server says, without the password: it may repeat a request."""
        text = value if isinstance(value, str) else ""
        for secret in self.secrets:
            text = text.replace(secret, "*****")
        return "".join(c if c.isprintable() else " " for c in text)[:_LONGEST]

    def complaint(self) -> ReconcileError:
        """The error of ours that this answer is, for a status that was not wanted."""
        error, reason = self.said()
        words = ": ".join(filter(None, (error, reason)))
        what = f"{self.server} did not {self.doing}"
        because = f" ({self.status}{': ' + words if words else ''})"
        if self.status in (401, 403):
            return refused(what + because, reason)
        if 300 <= self.status < 400:
            return DataUnreachable(
                f"{self.server} sends us to another address ({self.status})",
                hint="Write the address that CouchDB itself has into reconcile.yaml; none is followed.",
            )
        if full(words) or self.status == 507:
            return DataFailed(what + because, hint=DISK)
        if error == "db_not_found" or self.status == 404:
            return DataFailed(what + because, hint="Check the name of the database, and that it is there.")
        if self.status >= 500 or self.status == 429:
            return DataUnreachable(what + because, hint="Look into the log of CouchDB.")
        if self.status == 413:
            return DataFailed(
                what + because, hint="Raise max_document_size or max_http_request_size of CouchDB."
            )
        return DataFailed(what + because, hint="Look into the log of CouchDB.")


def full(words: str) -> bool:
    """Whether these words of the server are about a full disk."""
    return any(sign in words.lower() for sign in _FULL)


def refused(problem: str, reason: str) -> PermissionRefused:
    """Told apart by what the server says: a wrong password, one that is locked, or too few rights."""
    lowered = reason.lower()
    if "locked" in lowered:
        return PermissionRefused(
            problem,
            hint="Too many wrong passwords: CouchDB has locked the account, by itself for some minutes.",
        )
    if "incorrect" in lowered:
        return PermissionRefused(problem, hint="Check username and password of data.couchdb.")
    return PermissionRefused(
        problem, hint="data.couchdb needs the username and the password of an admin of the server."
    )


@contextmanager
def understood(server: str, doing: str) -> Iterator[None]:
    """Inside of this, an answer is taken apart; one that is not built as CouchDB's is no usable answer.

    Raises:
        DataUnreachable: it lacks what was looked for.
    """
    try:
        yield
    except (ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
        raise DataUnreachable(
            f"{server} did not {doing}: what answered is not built as an answer of CouchDB",
            hint="Check that the url of data.couchdb is that of CouchDB itself.",
        ) from error
