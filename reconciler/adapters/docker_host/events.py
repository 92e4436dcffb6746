"""The events of one engine, without the SDK: its stream has no time-out, and cannot be left.

A stream is a hint, not a record: the engine keeps 256 events, and a connection that died half-open says
nothing for ever. Both are no problem, because a pass looks at everything, and the interval starts one anyway.
"""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Final
from urllib.parse import quote

from reconciler.adapters.docker_host.connection import Connection
from reconciler.adapters.docker_host.dial import dial
from reconciler.adapters.docker_host.observe import PROJECT
from reconciler.adapters.docker_host.occurrence import ACTIONS, occurrence
from reconciler.adapters.docker_host.translate import NO_PERMISSION
from reconciler.domain.triggers import Occurrence
from reconciler.errors import EngineFailed, PermissionRefused

_DOING: Final = "follow the engine's events"
_FILTERS: Final = {"type": ["container"], "event": ACTIONS, "label": [PROJECT]}
_PATH: Final = f"/events?filters={quote(json.dumps(_FILTERS))}"
_PATIENCE_SECONDS: Final = 0.3
"""How long a silent stream is listened to before it is asked whether we are stopping."""

_CONNECT_SECONDS: Final = 5.0
_CHUNK: Final = 64 * 1024
_LONGEST_LINE: Final = 1024 * 1024


class DockerEvents:
    """Events about containers of Compose projects (``ports.Events``)."""

    def __init__(self, engine: Connection) -> None:
        self._engine = engine

    def follow(
        self, opened: Callable[[], None], heard: Callable[[Occurrence], None], stopping: threading.Event
    ) -> None:
        """See ``ports.Events.follow``. A line that is no event is passed over."""
        with self._engine.dialled(_DOING) as endpoint:
            stream = _Stream(dial(endpoint, _CONNECT_SECONDS), stopping)
        with closing(stream):
            with self._engine.dialled(_DOING):
                answered = stream.ask(self._engine.timeout_seconds)
            if not answered:
                return
            opened()
            for line in stream.lines():
                if (found := occurrence(line)) is not None:
                    heard(found)


class _Stream:
    """One request whose answer does not end; HTTP/1.0, so that its lines come as they are."""

    def __init__(self, connection: socket.socket, stopping: threading.Event) -> None:
        self._connection = connection
        self._stopping = stopping
        self._received = bytearray()

    def close(self) -> None:
        self._connection.close()

    def ask(self, timeout_seconds: float) -> bool:
        """Send the request and read the head of the answer; False where we are stopping before it came.

        Raises:
            OSError: the connection was lost, or the engine does not answer in time.
            PermissionRefused, EngineFailed: it does not want to.
        """
        self._connection.settimeout(_PATIENCE_SECONDS)
        self._connection.sendall(f"GET {_PATH} HTTP/1.0\r\nHost: docker\r\n\r\n".encode())
        ends = time.monotonic() + timeout_seconds
        while b"\r\n\r\n" not in self._received:
            if self._stopping.is_set():
                return False
            if time.monotonic() > ends or len(self._received) > _LONGEST_LINE:
                raise TimeoutError
            if not self._receive():
                raise ConnectionError("the connection ended before the answer did")
        self._judge(self._take(b"\r\n\r\n"))
        return True

    def lines(self) -> Iterator[bytes]:
        """The lines of the answer, until it ends or we are stopping."""
        while len(self._received) < _LONGEST_LINE:
            while b"\n" in self._received:
                if self._stopping.is_set():
                    return
                yield self._take(b"\n")
            try:
                if self._stopping.is_set() or not self._receive():
                    return
            except OSError:  # the engine went away: the quiet end of every stream
                return

    def _receive(self) -> bool:
        """Wait a little for more; False where nothing will come any more."""
        try:
            chunk = self._connection.recv(_CHUNK)
        except TimeoutError:
            return True
        self._received += chunk
        return bool(chunk)

    def _take(self, end: bytes) -> bytes:
        taken, _, self._received = self._received.partition(end)
        return bytes(taken)

    def _judge(self, head: bytes) -> None:
        status = head.split(None, 2)[1:2]
        if status == [b"200"]:
            return
        self._receive()
        why = bytes(self._received or head)[:500].decode(errors="replace").strip()
        if status in ([b"401"], [b"403"]):
            raise PermissionRefused(f"the Docker Engine refused to {_DOING}: {why}", hint=NO_PERMISSION)
        raise EngineFailed(f"could not {_DOING}: {why}")
