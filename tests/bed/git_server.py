"""Git's own smart HTTP on loopback, over real bare repositories, that fails where it is told to.

A push is two requests: `OFFER_PUSH`, in which the server says where its branches are, and `PUSH`, in which it
gets the commits; a fetch is `OFFER_FETCH` and then some `FETCH`. Faults are placed on one of these, so that a
test says between which two of them the world changes, and needs no clock.
"""

import base64
import binascii
import subprocess
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Self


class Part(StrEnum):
    """One kind of request, as `Request METHOD PATH` tells them apart."""

    OFFER_FETCH = "GET git-upload-pack"
    FETCH = "POST git-upload-pack"
    OFFER_PUSH = "GET git-receive-pack"
    PUSH = "POST git-receive-pack"
    OTHER = ""


class GitServer:
    """Serve the repositories below `root`; with `user`, only to who knows the password.

    >>> with GitServer(world.root, world.environ) as server:
    ...     world.git(clone, "remote", "set-url", "origin", server.url("origin.git"))
    ...     server.before(Part.PUSH, lambda: world.push_from_elsewhere(origin, {"a": "b"}, "Faster"))
    """

    def __init__(
        self,
        root: Path,
        environ: Mapping[str, str],
        *,
        user: str = "",
        password: str = "",
        status: int = 0,
    ) -> None:
        self.root = root
        self.environ = environ
        self.status = status
        self.seen: list[Part] = []
        self._expected = f"{user}:{password}" if user else ""
        self._user = user or "anonymous"
        self._actions: dict[Part, deque[Callable[[], object]]] = defaultdict(deque)
        self._cuts: dict[Part, int] = defaultdict(int)
        self._stalled: set[Part] = set()
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,))
        self.port: int = self._http.server_address[1]

    def __enter__(self) -> Self:
        # Threads that are not daemons are waited for at the end: a request never outlives its test.
        self._http.daemon_threads = False
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join(10)

    def url(self, repository: str, login: str = "") -> str:
        """The address of a bare repository, with `user:password` in it where `login` is given."""
        return f"http://{login + '@' if login else ''}127.0.0.1:{self.port}/{repository}"

    def before(self, part: Part, action: Callable[[], object]) -> None:
        """Do `action` once, before the next request of this kind is served."""
        self._actions[part].append(action)

    def lose_answers(self, part: Part, times: int = 1) -> None:
        """Serve requests of this kind, then cut the connection instead of answering."""
        self._cuts[part] = times

    def stall(self, part: Part) -> None:
        """Never answer requests of this kind, nor serve them, until the server ends."""
        self._stalled.add(part)

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        """Serve one request, or fail it as it was asked for."""
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        part = _part(request)
        with self._lock:
            self.seen.append(part)
        if self._expected and _login(request) != self._expected:
            _reply(request, 401, {"WWW-Authenticate": 'Basic realm="git"'}, b"")
        elif self.status:
            _reply(request, self.status, {}, b"")
        elif part in self._stalled:
            self._stopping.wait()
        else:
            with self._lock:
                action = self._actions[part].popleft() if self._actions[part] else None
            if action:
                action()
            self._serve(request, part, body)

    def _serve(self, request: BaseHTTPRequestHandler, part: Part, body: bytes) -> None:
        head, _, content = self._backend(request, body).partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        with self._lock:
            cut = self._cuts[part] > 0
            self._cuts[part] -= cut
        if not cut:
            _reply(request, int(headers.pop("Status", "200").split()[0]), headers, content)

    def _backend(self, request: BaseHTTPRequestHandler, body: bytes) -> bytes:
        """What `git http-backend` answers, as CGI. https://git-scm.com/docs/git-http-backend"""
        path, _, query = request.path.partition("?")
        variables = {
            "GIT_PROJECT_ROOT": str(self.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "REQUEST_METHOD": request.command,
            "CONTENT_TYPE": request.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": request.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": request.headers.get("Git-Protocol", ""),
            "REMOTE_USER": self._user,
            "REMOTE_ADDR": "127.0.0.1",
        }
        command = ["git", "http-backend"]
        environ = {**self.environ, **variables}
        return subprocess.run(command, input=body, env=environ, capture_output=True, check=False).stdout

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                with suppress(ConnectionError):  # the client may have left at its deadline
                    server.answer(self)

            do_GET = do_POST = answer  # noqa: N815 - the names that http.server calls

            def log_message(self, *arguments: object) -> None:
                """Keep test output quiet."""

        return Handler


def _part(request: BaseHTTPRequestHandler) -> Part:
    for part in Part:
        method, _, service = part.partition(" ")
        if method == request.command and service and request.path.endswith(service):
            return part
    return Part.OTHER


def _login(request: BaseHTTPRequestHandler) -> str:
    scheme, _, code = request.headers.get("Authorization", "").partition(" ")
    with suppress(binascii.Error, UnicodeDecodeError):
        return base64.b64decode(code).decode() if scheme == "Basic" else ""
    return ""


def _reply(request: BaseHTTPRequestHandler, status: int, headers: Mapping[str, str], content: bytes) -> None:
    request.send_response(status)
    for name, value in headers.items():
        request.send_header(name, value)
    request.send_header("Content-Length", str(len(content)))
    request.end_headers()
    request.wfile.write(content)
