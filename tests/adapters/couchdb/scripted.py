"""A server on loopback that answers as a test says, and tells what it was asked."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event
from typing import Any
from urllib.parse import urlsplit

from reconciler.adapters.couchdb import CouchServer
from tests.adapters.probe.server import Handler, listening

PASSWORD = "s3cret-pässword"


@dataclass(frozen=True, slots=True)
class Asked:
    """One request: the path is without its query."""

    method: str
    path: str
    query: str
    content: Any


Script = Callable[[Asked], "tuple[int, object] | bytes | None"]
"""Status and JSON; or the bytes of a 200; or None: no answer at all, until the test is over."""


@dataclass(frozen=True, slots=True)
class Scripted:
    """The server and what came."""

    url: str
    asked: list[Asked] = field(default_factory=list)

    def adapter(self, **others: Any) -> CouchServer:
        usual: dict[str, Any] = {"username": "ada", "password": PASSWORD, "deadline_seconds": 5.0}
        return CouchServer(self.url, **(usual | others))

    def paths(self) -> list[str]:
        return [f"{one.method} {one.path}" for one in self.asked]


@contextmanager
def scripted(script: Script) -> Iterator[Scripted]:
    """Serve until the ``with`` is over."""
    asked: list[Asked] = []
    over = Event()

    class Own(Handler):
        def respond(self) -> None:
            parts = urlsplit(self.path)
            content = self.content()
            one = Asked(self.command, parts.path, parts.query, json.loads(content) if content else None)
            asked.append(one)
            found = script(one)
            if found is None:
                over.wait(30)
                self.close_connection = True
            elif isinstance(found, bytes):
                self.answer(200, found)
            else:
                self.answer(found[0], json.dumps(found[1]).encode())

    with listening(Own) as address:
        yield Scripted(f"http://{address}", asked)
        over.set()


def in_turn(*answers: tuple[int, object] | None) -> Script:
    """One answer after the other; the last one again and again."""
    left = list(answers)
    return lambda asked: left.pop(0) if len(left) > 1 else left[0]
