"""What it says that there was no usable answer: one row per kind."""

from __future__ import annotations

import errno
import os
import socket
import ssl
import struct
from collections.abc import Callable
from typing import Any

import pytest

from reconciler.adapters.probe import OutsideProbe
from reconciler.adapters.probe.deadline import Deadline
from reconciler.adapters.probe.secrets import Secrets
from reconciler.adapters.probe.trouble import seen_instead
from reconciler.domain.check import Expectation, Flow, Http, Request
from reconciler.domain.gate import Evidence
from tests.adapters.probe.server import raw
from tests.bed.registry import free_port


def ask(url: str, **request: Any) -> tuple[Evidence, str]:
    seen = OutsideProbe({}).ask(Http(Request(url, **request)), 5)
    assert (seen.seconds, seen.status) == (0, 0)
    return seen.evidence, seen.detail


def test_nobody_there_is_unready() -> None:
    assert ask(f"http://127.0.0.1:{free_port()}/") == (Evidence.UNREADY, "connection refused")


def says(*parts: bytes) -> Callable[[socket.socket], None]:
    def script(connection: socket.socket) -> None:
        connection.recv(65536)
        for part in parts:
            connection.sendall(part)

    return script


def resets(connection: socket.socket) -> None:
    connection.recv(65536)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@pytest.mark.parametrize("script", [resets, lambda _connection: None, says()])
def test_a_connection_that_is_closed_without_an_answer_is_unready(
    script: Callable[[socket.socket], None],
) -> None:
    """So Docker's proxy of a published port does, while nothing listens in the container."""
    with raw(script) as address:
        assert ask(f"http://{address}/") == (Evidence.UNREADY, "the connection was closed without an answer")


@pytest.mark.parametrize(
    "content",
    [
        b"\x00\xff garbage\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 2000 OK\r\n\r\n",
        b"HTTP/1.1 two OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: x\r\n" * 200 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
    ],
)
def test_what_is_not_an_http_answer_is_bad(content: bytes) -> None:
    with raw(says(content)) as address:
        assert ask(f"http://{address}/") == (
            Evidence.BAD,
            "what answers does not speak HTTP, or broke off",
        )


@pytest.mark.parametrize(
    "url",
    [
        "",
        "nonsense",
        "http://",
        "http://127.0.0.1:99999/",
        "http://127.0.0.1:0/",
        "http://127.0.0.1:x/",
        "ftp://127.0.0.1/",
        "http://[::1/",
        "http://a..b/",
        f"http://{'a' * 64}.test/",
        "http://127.0.0.1/a\nb",
        "http://:80/",
    ],
)
def test_an_invalid_url_is_no_evidence(url: str) -> None:
    assert ask(url) == (Evidence.NONE, "the URL is not valid")


def test_a_name_that_does_not_resolve_is_no_evidence() -> None:
    assert ask("http://nowhere.invalid/") == (Evidence.NONE, "the host's name cannot be resolved")


def test_a_host_without_a_route_is_no_evidence() -> None:
    """No packet leaves: the kernel refuses to connect to everybody."""
    assert ask("http://255.255.255.255/") == (Evidence.NONE, "there is no route to the host")


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ({"method": "G E T"}, "'G E T' is not an HTTP method"),
        ({"headers": (("A b", "c"),)}, "'A b' is not the name of a header"),
        (
            {"headers": (("A", "b\r\nc"),)},
            "the value of the header A has line breaks or control characters in it",
        ),
        ({"json": "{"}, "the JSON to send is not valid"),
        ({"expect": Expectation(body="(")}, "'(' is not a regular expression"),
        ({"expect": Expectation(headers=(("A", "["),))}, "'[' is not a regular expression"),
        ({"expect": Expectation(json=(("a..b", ""),))}, "'a..b' is not a path into JSON"),
        ({"expect": Expectation(json=(("a", "{"),))}, "what is expected at a is not JSON"),
    ],
)
def test_a_request_that_makes_no_sense_is_no_evidence(request_: dict[str, Any], words: str) -> None:
    """And is found before anything is sent."""
    assert ask(f"http://127.0.0.1:{free_port()}/", **request_) == (Evidence.NONE, words)


def test_a_flow_without_steps_is_no_evidence() -> None:
    assert OutsideProbe({}).ask(Flow(()), 5).evidence is Evidence.NONE


@pytest.mark.parametrize(
    ("number", "evidence"),
    [
        (errno.EHOSTUNREACH, Evidence.NONE),
        (errno.ENETUNREACH, Evidence.NONE),
        (errno.EADDRNOTAVAIL, Evidence.NONE),
        (errno.EMFILE, Evidence.NONE),
        (errno.EACCES, Evidence.NONE),
        (errno.ECONNREFUSED, Evidence.UNREADY),
        (errno.ECONNRESET, Evidence.UNREADY),
        (errno.ECONNABORTED, Evidence.UNREADY),
        (errno.EPIPE, Evidence.UNREADY),
        (errno.ETIMEDOUT, Evidence.UNREADY),
        (errno.EIO, Evidence.BAD),
    ],
)
def test_what_the_system_says(number: int, evidence: Evidence) -> None:
    error = OSError(number, os.strerror(number))
    assert seen_instead(error, Deadline.after(5), Secrets({})).evidence is evidence


def test_what_tls_says() -> None:
    for error, evidence in ((ssl.SSLEOFError(), Evidence.UNREADY), (ssl.SSLError(), Evidence.BAD)):
        assert seen_instead(error, Deadline.after(5), Secrets({})).evidence is evidence


def test_the_most_telling_of_all_addresses_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """`::1` is in every hosts file, also where IPv6 is switched off; 127.0.0.1 is who refuses."""
    port = free_port()
    everywhere = [
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, port)) for host in ("127.0.0.1", "255.255.255.255")
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: everywhere)
    assert ask(f"http://localhost:{port}/") == (Evidence.UNREADY, "connection refused")


def test_the_second_address_is_tried_too(monkeypatch: pytest.MonkeyPatch) -> None:
    with raw(says(b"HTTP/1.1 204 No Content\r\n\r\n")) as address:
        host, port = address.split(":")
        both = [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, int(port))) for one in ("255.255.255.255", host)
        ]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: both)
        seen = OutsideProbe({}).ask(Http(Request(f"http://localhost:{port}/")), 5)
    assert seen.evidence is Evidence.GOOD
