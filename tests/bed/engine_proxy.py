"""A socket in front of an engine that writes down what is asked, and can lose answers.

One request per connection, relayed as bytes. An answer that is lost was given: the engine did what it was
asked for, and nobody hears of it.
"""

from __future__ import annotations

import contextlib
import re
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.bed.fault_proxy import CHUNK, _closing, _has_body, _pump, _read_head

_ID = re.compile(r"/[^/]+(?=/(json|start|stop|rename|update|wait|logs|unpause|connect|tag|stats|exec)$)")


class EngineProxy:
    """Listen on the socket `path`, or on a port of the loopback, and relay to the engine at `upstream`.

    >>> with EngineProxy(tmp_path / "proxy.sock", upstream) as proxy:
    ...     proxy.lose("POST", "/stop")
    """

    def __init__(self, path: Path | None, upstream: Path) -> None:
        self.path = path
        self.upstream = upstream
        self.host = f"unix://{path}"
        self.requests: list[str] = []
        self._losing: list[tuple[str, str]] = []
        self._refusing: set[str] = set()
        self._open: dict[socket.socket, str] = {}
        self._silent = threading.Event()
        self._released = threading.Event()
        self._listener = socket.socket(socket.AF_UNIX if path else socket.AF_INET, socket.SOCK_STREAM)
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Self:
        self._listener.bind(str(self.path) if self.path else ("127.0.0.1", 0))
        self._listener.listen(64)
        if self.path is None:
            self.host = f"tcp://127.0.0.1:{self._listener.getsockname()[1]}"
        self._spawn(self._accept)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._released.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(10)

    @property
    def endpoints(self) -> set[str]:
        """What was asked, without ids: `POST /containers/{}/stop`."""
        return {self._endpoint(request) for request in self.requests}

    def lose(self, method: str, ending: str) -> None:
        """The next answer to `method` on a path with this `ending` does not arrive: the connection ends."""
        self._losing.append((method, ending))

    @contextlib.contextmanager
    def without(self, ending: str) -> Iterator[None]:
        """For a while nobody gets an answer from a path with this `ending`; who is getting one loses it."""
        self._refusing.add(ending)
        for connection, path in tuple(self._open.items()):
            if path.endswith(ending):
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        try:
            yield
        finally:
            self._refusing.remove(ending)

    @contextlib.contextmanager
    def silent(self) -> Iterator[None]:
        """For a while nothing is answered, and nothing reaches the engine; then who waits is cut off."""
        self.fall_silent()
        try:
            yield
        finally:
            self._silent.clear()
            self._released.set()

    def fall_silent(self) -> None:
        """From now on nothing is answered, and nothing reaches the engine."""
        self._released.clear()
        self._silent.set()

    def _spawn(self, target: object, *arguments: object) -> None:
        assert callable(target)
        self._threads.append(threading.Thread(target=target, args=arguments, daemon=True))
        self._threads[-1].start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self._spawn(self._serve, client)

    def _serve(self, client: socket.socket) -> None:
        with client, self._forgotten(client), contextlib.suppress(OSError):
            head, rest = _read_head(client)
            if not head:
                return
            method, target, _ = head.split(b"\r\n", 1)[0].decode().split(" ")
            path = re.sub(r"^/v[0-9.]+", "", target.partition("?")[0])
            self.requests.append(f"{method} {path}")
            if self._silent.is_set():
                self._released.wait()
                return
            self._open[client] = path
            if any(path.endswith(ending) for ending in self._refusing):
                return
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as engine:
                engine.connect(str(self.upstream))
                engine.sendall(_closing(head) + rest)
                if _has_body(head):
                    self._spawn(_pump, client, engine)
                self._answer(engine, client, self._loses(method, path))

    @contextlib.contextmanager
    def _forgotten(self, client: socket.socket) -> Iterator[None]:
        """Afterwards it is open no more."""
        try:
            yield
        finally:
            self._open.pop(client, None)

    def _answer(self, engine: socket.socket, client: socket.socket, lost: bool) -> None:
        while chunk := engine.recv(CHUNK):
            if not lost:
                client.sendall(chunk)
        client.shutdown(socket.SHUT_RDWR)

    def _loses(self, method: str, path: str) -> bool:
        for rule in self._losing:
            if rule[0] == method and path.endswith(rule[1]):
                self._losing.remove(rule)
                return True
        return False

    @staticmethod
    def _endpoint(request: str) -> str:
        method, path = request.split(" ")
        kind = path.split("/")[1]
        if method == "DELETE" and kind == "containers":
            return "DELETE /containers/{}"
        if kind == "images" and path.endswith(("/json", "/tag")) and path.count("/") > 2:
            return f"{method} /images/{{}}/{path.rpartition('/')[2]}"
        if method == "DELETE" and kind in ("images", "volumes"):
            return f"DELETE /{kind}/{{}}"
        if kind in ("containers", "networks", "exec") and path not in (
            "/containers/json",
            "/containers/create",
        ):
            return f"{method} {_ID.sub('/{}', path)}"
        return request
