"""A proxy in front of a registry that fails in the ways registries and networks fail.

It relays bytes, not parsed messages: one request per connection, the head as the client wrote it
except for `Connection`. So repeated `Accept` headers stay as they are (registry 2.8 would otherwise serve
another manifest under another digest), and so do Docker-Content-Digest, chunked uploads and the like.
"""

import contextlib
import socket
import struct
import threading
import time
from dataclasses import dataclass
from enum import StrEnum
from types import TracebackType
from typing import Self

CHUNK = 64 * 1024
LONGEST_HEAD = 256 * 1024
TLS_HANDSHAKE = 0x16


class Mode(StrEnum):
    """What happens to the requests that a fault is for; all others pass."""

    PASS = "pass"
    TOO_MANY = "429"
    UNAUTHORIZED = "401"
    BROKEN = "500"
    BROKEN_BLOB = "500blob"
    RESET = "reset"
    """TCP reset in the middle of the body."""
    TRUNCATE = "truncate"
    """The connection ends in the middle of the body, as if that were all."""
    CORRUPT = "corrupt"
    """One bit of the body is flipped."""
    STALL = "stall"
    """The head, then nothing, for ever (until the mode changes or the proxy stops)."""
    DRIP = "drip"
    """One kilobyte per second."""


class Subject(StrEnum):
    """What a request is about."""

    MANIFEST = "manifest"
    BLOB = "blob"
    OTHER = "other"


USUAL_SUBJECT = {
    Mode.TOO_MANY: Subject.MANIFEST,
    Mode.UNAUTHORIZED: Subject.MANIFEST,
    Mode.BROKEN: Subject.MANIFEST,
}


@dataclass(frozen=True, slots=True)
class Request:
    """The head of one request that arrived, and whether it was made to fail."""

    method: str
    path: str
    head: bytes
    mode: Mode

    @property
    def subject(self) -> Subject:
        if "/manifests/" in self.path:
            return Subject.MANIFEST
        return Subject.BLOB if "/blobs/" in self.path else Subject.OTHER


@dataclass(frozen=True, slots=True)
class _Fault:
    mode: Mode
    subject: Subject | None
    released: threading.Event


class FaultProxy:
    """Listen on a free loopback port (or on `listener`) and relay to `upstream`, "127.0.0.1:PORT".

    >>> with Registry() as registry, FaultProxy(registry.address) as proxy:
    ...     proxy.fail("stall", times=1)
    ...     docker("pull", f"{proxy.address}/web:1")
    """

    def __init__(
        self, upstream: str, *, listener: socket.socket | None = None, retry_after: int | None = 7
    ) -> None:
        host, _, port = upstream.rpartition(":")
        self.upstream = (host, int(port))
        self.retry_after = retry_after
        self._listener = listener or socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._listener.getsockname()[1]
        self.address = f"127.0.0.1:{self.port}"
        self.url = f"http://{self.address}"
        self._lock = threading.Lock()
        self._fault = _Fault(Mode.PASS, None, threading.Event())
        self._left: int | None = None
        self._requests: list[Request] = []
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._stopping = False

    def __enter__(self) -> Self:
        self._spawn(self._accept)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def requests(self) -> tuple[Request, ...]:
        """Every request so far, in order of arrival."""
        with self._lock:
            return tuple(self._requests)

    @property
    def failed(self) -> tuple[Request, ...]:
        """The requests that were made to fail."""
        return tuple(request for request in self.requests if request.mode is not Mode.PASS)

    def fail(self, mode: str, *, subject: str | None = None, times: int | None = None) -> None:
        """From now on fail in `mode`: requests for `subject` (or the usual one), at most `times` of them."""
        chosen = Mode(mode)
        about = Subject(subject) if subject else USUAL_SUBJECT.get(chosen, Subject.BLOB)
        self._set(_Fault(chosen, about, threading.Event()), times)

    def recover(self) -> None:
        """Pass everything again, and let go of what stalls."""
        self._set(_Fault(Mode.PASS, None, threading.Event()), None)

    def stop(self) -> None:
        with self._lock:
            self._stopping = True
            waiting = list(self._open)
        self.recover()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in waiting:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in list(self._threads):
            thread.join(5)

    def _set(self, fault: _Fault, times: int | None) -> None:
        with self._lock:
            before, self._fault, self._left = self._fault, fault, times
        before.released.set()

    def _spawn(self, target: object, *arguments: object) -> None:
        assert callable(target)
        thread = threading.Thread(target=target, args=arguments, name=f"fault-proxy-{self.port}", daemon=True)
        self._threads = [other for other in self._threads if other.is_alive()] + [thread]
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                if self._stopping:
                    client.close()
                    return
                self._open.add(client)
            self._spawn(self._serve, client)

    def _serve(self, client: socket.socket) -> None:
        try:
            # Any socket error ends this one exchange, which is what it means on a real network.
            with client, contextlib.suppress(OSError):
                self._exchange(client)
        finally:
            with self._lock:
                self._open.discard(client)

    def _exchange(self, client: socket.socket) -> None:
        head, rest = _read_head(client)
        if not head:
            return
        request, fault = self._judge(head)
        if (status := self._status(request.mode)) is not None:
            client.sendall(status)
            _drain(client)
            return
        with socket.create_connection(self.upstream, timeout=30) as server:
            server.settimeout(None)
            with self._lock:
                self._open.add(server)
            try:
                server.sendall(_closing(head) + rest)
                # Not for requests without a body: a socket that a thread still reads from cannot be reset.
                if _has_body(head):
                    self._spawn(_pump, client, server)
                _answer(server, client, request, fault.released)
            finally:
                with self._lock:
                    self._open.discard(server)

    def _judge(self, head: bytes) -> tuple[Request, _Fault]:
        method, path, *_ = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
        request = Request(method, path, head, Mode.PASS)
        with self._lock:
            fault = self._fault
            # Uploads pass: what fails is what an engine reads.
            hit = method in ("GET", "HEAD") and request.subject == fault.subject and self._left != 0
            if hit:
                request = Request(method, path, head, fault.mode)
                self._left = None if self._left is None else self._left - 1
            self._requests.append(request)
        return request, fault

    def _status(self, mode: Mode) -> bytes | None:
        match mode:
            case Mode.TOO_MANY:
                later = [] if self.retry_after is None else [f"Retry-After: {self.retry_after}"]
                return _response("429 Too Many Requests", "TOOMANYREQUESTS", later)
            case Mode.UNAUTHORIZED:
                realm = 'WWW-Authenticate: Basic realm="fault proxy"'
                return _response("401 Unauthorized", "UNAUTHORIZED", [realm])
            case Mode.BROKEN | Mode.BROKEN_BLOB:
                return _response("500 Internal Server Error", "UNKNOWN", [])
            case _:
                return None


def _response(status: str, code: str, headers: list[str]) -> bytes:
    body = f'{{"errors":[{{"code":"{code}","message":"fault proxy says {status}"}}]}}\n'
    lines = [
        f"HTTP/1.1 {status}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        "Docker-Distribution-Api-Version: registry/2.0",
        "Connection: close",
        *headers,
    ]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


def _read_head(source: socket.socket) -> tuple[bytes, bytes]:
    """Read up to and including the empty line; the rest is what came after it."""
    received = b""
    while b"\r\n\r\n" not in received:
        chunk = source.recv(CHUNK)
        received += chunk
        # An engine tries TLS first with any registry but falls back to plain HTTP as soon as that is refused.
        if not chunk or received[0] == TLS_HANDSHAKE or len(received) > LONGEST_HEAD:
            return b"", b""
    head, _, rest = received.partition(b"\r\n\r\n")
    return head + b"\r\n\r\n", rest


def _closing(head: bytes) -> bytes:
    """The same head, asking for one exchange per connection."""
    lines = [line for line in head[:-4].split(b"\r\n") if not line.lower().startswith(b"connection:")]
    return b"\r\n".join([*lines, b"Connection: close"]) + b"\r\n\r\n"


def _has_body(head: bytes) -> bool:
    return any(name in head.lower() for name in (b"\r\ncontent-length:", b"\r\ntransfer-encoding:"))


def _pump(source: socket.socket, target: socket.socket) -> None:
    """Relay until either side ends: the body of the request, of whatever length and coding."""
    with contextlib.suppress(OSError):
        while chunk := source.recv(CHUNK):
            target.sendall(chunk)


def _drain(client: socket.socket) -> None:
    """Let the client read the answer: closing with unread bytes would reset the connection."""
    client.shutdown(socket.SHUT_WR)
    client.settimeout(1)
    while client.recv(CHUNK):
        pass


def _answer(
    server: socket.socket, client: socket.socket, request: Request, released: threading.Event
) -> None:
    head, body = _read_head(server)
    client.sendall(head)
    if request.mode is Mode.STALL:
        released.wait()
        _reset(client)
        return
    if request.mode in (Mode.RESET, Mode.TRUNCATE):
        client.sendall((body or server.recv(CHUNK))[: _length(head) // 2])
        if request.mode is Mode.RESET:
            _reset(client)
        return
    if request.mode is Mode.CORRUPT:
        body = body or server.recv(CHUNK)
        body = body[:-1] + bytes([body[-1] ^ 1]) if body else body
    while body or (body := server.recv(CHUNK)):
        if request.mode is Mode.DRIP:
            _drip(client, body, released)
        else:
            client.sendall(body)
        body = b""


def _drip(client: socket.socket, body: bytes, released: threading.Event) -> None:
    for start in range(0, len(body), 1024):
        client.sendall(body[start : start + 1024])
        released.wait(1)


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 2 * CHUNK


def _reset(client: socket.socket) -> None:
    # SO_LINGER with zero seconds turns close() into a TCP reset. The pause lets what was sent arrive first.
    time.sleep(0.05)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()
