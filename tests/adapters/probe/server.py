"""Servers on loopback that answer as a test asks them to."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Semaphore, Thread
from urllib.parse import parse_qs, unquote, urlsplit


class Handler(BaseHTTPRequestHandler):
    """Every method comes to `respond`; nothing is said on the terminal."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.respond()

    def do_POST(self) -> None:
        self.respond()

    def do_PUT(self) -> None:
        self.respond()

    def do_DELETE(self) -> None:
        self.respond()

    def do_HEAD(self) -> None:
        self.respond()

    def respond(self) -> None:
        """What a test's own handler does instead."""
        self.answer(200)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Nothing."""

    def content(self) -> bytes:
        """The body of the request."""
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def answer(self, status: int, body: bytes = b"ok", *headers: tuple[str, str]) -> None:
        """One whole answer."""
        self.send_response(status)
        for name, value in (("Content-Length", str(len(body))), *headers):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


class Odd(Handler):
    """Answers as its path says. `asked` is what came: method, path, headers, body."""

    asked: list[tuple[str, str, dict[str, str], bytes]]
    over: Event
    silent: Semaphore
    sent: list[int]

    def respond(self) -> None:
        self.asked.append((self.command, self.path, dict(self.headers), self.content()))
        match self.path.partition("?")[0].split("/"):
            case ["", "status", number]:
                self.answer(int(number))
            case ["", "to", *_]:
                self.answer(302, b"", ("Location", f"https://ada:pw@elsewhere.test{self.path}?token=1"))
            case ["", "hops", count] if int(count):
                self.answer(302, b"", ("Location", f"/hops/{int(count) - 1}"), ("Set-Cookie", f"hop={count}"))
            case ["", "answer"]:
                self._asked_for()
            case ["", "big"]:
                self._endless()
            case ["", "drip"]:
                self._drip(b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 100_000)
            case ["", "drip-body"]:
                self._drip(b"HTTP/1.0 200 OK\r\n\r\n" + b"x" * 100_000)
            case ["", "silent"]:
                self.silent.release()
                self.over.wait(30)
            case _:
                self.answer(200)

    def _asked_for(self) -> None:
        """/answer?status=…&body=…&Name=value answers exactly so."""
        fields = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        body = unquote(fields.pop("body", ""), "latin-1").encode("latin-1")
        self.answer(int(fields.pop("status", "200")), body, *fields.items())

    def _endless(self) -> None:
        self.send_response(200)
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        try:
            while not self.over.is_set():
                self.sent[0] += self.wfile.write(b"x" * 65536)
        except OSError:
            self.over.set()

    def _drip(self, content: bytes) -> None:
        self.close_connection = True
        try:
            for byte in content:
                self.wfile.write(bytes([byte]))
                if self.over.wait(0.02):
                    return
        except OSError:
            self.over.set()


class Quiet(ThreadingHTTPServer):
    """A client that hangs up is what is tested."""

    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: object, client_address: object) -> None:
        """Nothing."""


@contextmanager
def listening(handler: type[Handler], tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """A server; `host:port`."""
    with Quiet(("127.0.0.1", 0), handler) as server:
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@contextmanager
def odd(tls: ssl.SSLContext | None = None) -> Iterator[tuple[type[Odd], str]]:
    """An `Odd` server of its own, and `host:port`."""

    class Own(Odd):
        asked: list[tuple[str, str, dict[str, str], bytes]] = []  # noqa: RUF012 - one class per server
        over = Event()
        silent = Semaphore(0)
        sent = [0]  # noqa: RUF012

    with listening(Own, tls) as address:
        yield Own, address
        Own.over.set()


@contextmanager
def raw(script: Callable[[socket.socket], None]) -> Iterator[str]:
    """Hand every connection to `script`, then close it; `host:port`."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    with connection, suppress(OSError):
                        script(connection)

        thread = Thread(target=serve, daemon=True)
        thread.start()
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        thread.join()
