"""Connections that end at a deadline, to addresses that were resolved once and looked at.

Time-outs of HTTP libraries are for a single read: a server that sends a byte now and then would hold us as
long as it likes.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from reconciler.adapters.notify.deadline import Deadline

if TYPE_CHECKING:
    import ssl

    import httpcore

Guard = Callable[[str], None]
"""Raises where an address must not be connected to."""

CONNECT_SECONDS = 5.0


class Dialer:
    """What ``httpcore`` asks for connections (its ``NetworkBackend``).

    Args:
        deadline: of the whole exchange.
        guard: sees every address before one of them is connected to; none may be forbidden. The name is not
            resolved again, so that it cannot lead elsewhere the second time.
    """

    def __init__(self, deadline: Deadline, guard: Guard | None) -> None:
        self._deadline = deadline
        self._guard = guard

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002 - the deadline is ours
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> Stream:
        """A connection to the first address that takes one."""
        import httpcore

        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = list(dict.fromkeys(str(address[0]) for *_, address in found))
        if self._guard is not None:
            for address in addresses:
                self._guard(address)
        connecting = Deadline.after(self._deadline.left(CONNECT_SECONDS))
        for tried, address in enumerate(addresses):
            try:
                seconds = connecting.left() / (len(addresses) - tried)
                plain = httpcore.SyncBackend().connect_tcp(
                    address, port, seconds, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if address == addresses[-1]:
                    raise
            else:
                return Stream(plain, self._deadline)
        raise OSError(f"{host} has no address")


class Stream:
    """One connection (``NetworkStream`` of ``httpcore``), on which everything ends at the deadline."""

    def __init__(self, inner: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._inner = inner
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002
        """See ``httpcore``."""
        return self._inner.read(max_bytes, self._deadline.left())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002
        """See ``httpcore``."""
        self._inner.write(buffer, self._deadline.left())

    def close(self) -> None:
        """See ``httpcore``."""
        self._inner.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002
    ) -> Stream:
        """See ``httpcore``. The name is the host's, though an address was connected to."""
        inner = self._inner.start_tls(ssl_context, server_hostname, self._deadline.left(CONNECT_SECONDS))
        return Stream(inner, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        """See ``httpcore``."""
        return self._inner.get_extra_info(info)
