"""Whether something accepts connections, on loopback."""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from reconciler.adapters.probe import OutsideProbe
from reconciler.domain.check import Tcp
from reconciler.domain.gate import Evidence
from tests.adapters.probe.server import raw
from tests.bed.registry import free_port


def waits(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.recv(1)


def greets(connection: socket.socket) -> None:
    connection.sendall(b"220 ready\r\n")
    waits(connection)


@pytest.mark.parametrize("script", [waits, greets])
def test_a_listener_is_good(script: Callable[[socket.socket], None]) -> None:
    with raw(script) as address:
        host, port = address.split(":")
        seen = OutsideProbe({}).ask(Tcp(host, int(port)), 5)
    assert (seen.evidence, seen.detail) == (Evidence.GOOD, "accepts connections")
    assert seen.seconds > 0


def test_one_that_hangs_up_at_once_is_unready() -> None:
    """So Docker's proxy of a published port does, while nothing listens in the container."""
    with raw(lambda _connection: None) as address:
        host, port = address.split(":")
        seen = OutsideProbe({}).ask(Tcp(host, int(port)), 5)
    assert (seen.evidence, seen.detail) == (Evidence.UNREADY, "the connection was closed at once")


def test_nobody_there_is_unready() -> None:
    seen = OutsideProbe({}).ask(Tcp("127.0.0.1", free_port()), 5)
    assert (seen.evidence, seen.detail) == (Evidence.UNREADY, "connection refused")


def test_a_socket_that_met_itself_is_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a port of the ephemeral range the kernel can give a connection that same port, and it succeeds."""

    class Unlucky(socket.socket):
        def connect(self, address: Any) -> None:
            self.bind(address)
            super().connect(address)

    port = free_port()
    monkeypatch.setattr(socket, "socket", Unlucky)
    seen = OutsideProbe({}).ask(Tcp("127.0.0.1", port), 5)
    assert (seen.evidence, seen.detail) == (Evidence.UNREADY, "connection refused")


@pytest.mark.parametrize(
    ("host", "port", "words"),
    [
        ("nowhere.invalid", 80, "the host's name cannot be resolved"),
        ("255.255.255.255", 80, "there is no route to the host"),
        ("127.0.0.1", 0, "the address is not valid"),
        ("127.0.0.1", 65536, "the address is not valid"),
        ("", 80, "the address is not valid"),
        ("a..b", 80, "the address is not valid"),
        ("${NOWHERE}", 80, "NOWHERE is not set, and no NOWHERE_FILE can be read"),
    ],
)
def test_what_cannot_be_asked_is_no_evidence(host: str, port: int, words: str) -> None:
    seen = OutsideProbe({}).ask(Tcp(host, port), 5)
    assert (seen.evidence, seen.detail) == (Evidence.NONE, words)
