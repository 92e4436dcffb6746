"""A connection on which every read and write ends at a deadline."""

from __future__ import annotations

import io
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from ssl import SSLContext
from typing import cast

from reconciler.adapters.probe.address import Address
from reconciler.adapters.probe.deadline import Deadline
from reconciler.adapters.probe.dial import dial


class Wire:
    """What ``http.client`` needs of a socket.

    A socket's own time-out is for a single read: a peer that sends a byte now and then holds it forever.
    It does not close: ``http.client`` closes its socket before it has read the body.
    """

    closed = False

    def __init__(self, connection: socket.socket, deadline: Deadline) -> None:
        self._connection = connection
        self._deadline = deadline

    def sendall(self, data: bytes) -> None:
        """Send all of it."""
        rest = memoryview(data)
        while rest:
            self._connection.settimeout(self._deadline.left())
            rest = rest[self._connection.send(rest) :]

    def makefile(self, mode: str) -> io.BufferedReader:
        """A file to read from; only ``rb`` is asked for."""
        assert mode == "rb"
        return io.BufferedReader(cast("io.RawIOBase", self))

    def readable(self) -> bool:
        """Asked by the buffer."""
        return True

    def readinto(self, buffer: memoryview) -> int:
        """Fill a part of the buffer; 0 at the end."""
        self._connection.settimeout(self._deadline.left())
        return self._connection.recv_into(buffer)

    def flush(self) -> None:
        """Nothing: it is for reading."""

    def close(self) -> None:
        """Nothing; see ``connected``."""


@contextmanager
def connected(address: Address, deadline: Deadline, context: SSLContext | None) -> Iterator[Wire]:
    """A connection to ``address``, with TLS where its scheme asks for it; closed afterwards.

    Raises:
        OSError: there is none; see ``dial``.
        ssl.SSLError: TLS cannot be agreed on.
    """
    with dial(address.host, address.port, deadline) as plain:
        if context is None:
            yield Wire(plain, deadline)
            return
        plain.settimeout(deadline.left())
        with context.wrap_socket(plain, server_hostname=address.host) as secure:
            yield Wire(secure, deadline)
