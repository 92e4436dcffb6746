"""HTTP servers on loopback that behave as the providers of channels document, and can be made to fail.

Each provider is a function from a request to an answer, in a file of its own.
"""

from __future__ import annotations

import json
import socket
import ssl
import struct
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit


@dataclass(frozen=True, slots=True)
class Asked:
    """One request; names of headers are in small letters."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body or b"null")


@dataclass(frozen=True, slots=True)
class Said:
    """One answer; a body that is not bytes is sent as JSON."""

    status: int
    body: Any = None
    headers: tuple[tuple[str, str], ...] = ()


class Trouble(StrEnum):
    """What happens instead of an answer."""

    CUT = "the request is carried out, and the connection is reset before the answer"
    CUT_BEFORE = "the connection is reset, and nothing was done"
    HALF = "half of the answer, then the end"
    HANG = "the request is carried out, and nothing is answered until the server ends"
    DRIP = "the answer comes a byte at a time, and never ends"


@dataclass
class Provider:
    """A server that answers by ``answer``.

    ``asked`` is every request so far. ``fail`` makes the next requests fail, those that ``of`` is true for.
    """

    answer: Callable[[Asked], Said]
    url: str = ""
    asked: list[Asked] = field(default_factory=list)
    ending: threading.Event = field(default_factory=threading.Event)
    mistakes: list[BaseException | None] = field(default_factory=list)
    _faults: list[tuple[Said | Trouble, Callable[[Asked], bool]]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def fail(
        self, how: Said | Trouble, *, times: int = 1, of: Callable[[Asked], bool] = lambda _: True
    ) -> None:
        self._faults += [(how, of)] * times

    def recover(self) -> None:
        self._faults.clear()

    def respond(self, asked: Asked) -> tuple[Said | None, Trouble | None]:
        with self._lock:
            self.asked.append(asked)
            found = next((fault for fault in self._faults if fault[1](asked)), None)
            if found is not None:
                self._faults.remove(found)
            how = found[0] if found is not None else None
            if isinstance(how, Said):
                return how, None
            if how is Trouble.CUT_BEFORE:
                return None, how
            return self.answer(asked), how


def posts(path: str = "") -> Callable[[Asked], bool]:
    """Requests that change something, at a path that ends so."""
    return lambda asked: asked.method in ("POST", "PATCH") and asked.path.endswith(path)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30
    server: _Server

    def _serve(self) -> None:
        parts = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        asked = Asked(self.command, unquote(parts.path), dict(parse_qsl(parts.query)), headers, body)
        said, trouble = self.server.provider.respond(asked)
        self.close_connection = True
        if trouble is Trouble.HANG:
            self.server.provider.ending.wait(30)
        if said is None or trouble in (Trouble.CUT, Trouble.HANG):
            # SO_LINGER with zero seconds turns close() into a TCP reset.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
            return
        with suppress(OSError):
            self._send(said, trouble)

    do_GET = do_POST = do_PATCH = do_PUT = _serve  # noqa: N815

    def _send(self, said: Said, trouble: Trouble | None) -> None:
        if isinstance(said.body, bytes):
            body = said.body
        else:
            body = b"" if said.body is None else json.dumps(said.body).encode()
        lines = [f"HTTP/1.1 {said.status} Some words", f"Content-Length: {len(body)}", "Connection: close"]
        lines += [f"{name}: {value}" for name, value in said.headers]
        head = ("\r\n".join(lines) + "\r\n").encode("latin-1")
        if trouble is Trouble.DRIP:
            self.wfile.write(head)
            while not self.server.provider.ending.wait(0.02):
                self.wfile.write(b"X")
        self.wfile.write(head + b"\r\n" + (body[: len(body) // 2] if trouble is Trouble.HALF else body))

    def finish(self) -> None:
        with suppress(OSError, ValueError):
            super().finish()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    provider: Provider

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away in the middle is part of the tests; a mistake of the server's is not."""
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            self.provider.mistakes.append(error)


@contextmanager
def serving(provider: Provider, tls: ssl.SSLContext | None = None) -> Iterator[Provider]:
    """Serve it on a free port of loopback; ``tls`` is a server's context."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.provider = provider
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    provider.url = f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}"
    try:
        yield provider
    finally:
        provider.ending.set()
        server.shutdown()
        server.server_close()
        thread.join(10)
    assert not provider.mistakes, provider.mistakes
