"""Connecting to a host by all of its addresses, before a deadline."""

from __future__ import annotations

import socket
from typing import Any

from reconciler.adapters.probe.deadline import Deadline
from reconciler.adapters.probe.unaskable import Unaskable


def dial(host: str, port: int, deadline: Deadline) -> socket.socket:
    """A TCP connection; the caller closes it.

    Each address gets its share of the time. Where none connects, the most telling reason is raised: a host
    with IPv6 switched off still has ``::1`` for localhost, and what that says hides a refusal by 127.0.0.1.

    Raises:
        OSError: none of the addresses can be connected to, or there is none (``gaierror``).
        TimeoutError: not in time.
        Unaskable: the host's name was not resolved in time.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    try:
        deadline.left()
    except TimeoutError:
        raise Unaskable(f"the host's name was not resolved within {deadline.limit_seconds:g} s") from None
    errors: list[OSError] = []
    for tried, (family, kind, protocol, _, address) in enumerate(found):
        try:
            return _connected(family, kind, protocol, address, deadline.left() / (len(found) - tried))
        except OSError as error:
            errors.append(error)
    raise min(errors, key=_vagueness)


def _connected(
    family: int, kind: int, protocol: int, address: tuple[Any, ...], seconds: float
) -> socket.socket:
    connection = socket.socket(family, kind, protocol)
    try:
        connection.settimeout(seconds)
        connection.connect(address)
        # Where nobody listens on a port of the ephemeral range, a socket can connect to itself.
        if connection.getsockname() == connection.getpeername():
            raise ConnectionRefusedError
    except BaseException:
        connection.close()
        raise
    return connection


def _vagueness(error: OSError) -> int:
    match error:
        case ConnectionError():
            return 0
        case TimeoutError():
            return 1
        case _:
            return 2
