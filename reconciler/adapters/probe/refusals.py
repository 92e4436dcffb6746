"""Logins that a server has refused: they are not tried again."""

from __future__ import annotations

import threading
from hashlib import sha256


class Refusals:
    """What was refused so far, by digest. It may be shared between threads.

    A gate asks four times a second, and CouchDB locks an account after five wrong passwords: that of the
    application, should it be the same (https://docs.couchdb.org/en/stable/config/auth.html).
    """

    def __init__(self) -> None:
        self._known: set[bytes] = set()
        self._lock = threading.Lock()

    def knows(self, login: str) -> bool:
        """Whether this was refused before."""
        with self._lock:
            return _digest(login) in self._known

    def add(self, login: str) -> None:
        """This was refused."""
        with self._lock:
            self._known.add(_digest(login))


def _digest(login: str) -> bytes:
    return sha256(login.encode("utf-8", "surrogateescape")).digest()
