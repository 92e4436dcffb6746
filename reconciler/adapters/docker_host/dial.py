"""A plain connection to an engine, for requests that are made without the SDK."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from reconciler.adapters.docker_host.endpoint import Endpoint, Tls

if TYPE_CHECKING:
    import ssl

_PORT = 2375
_PORT_WITH_TLS = 2376


def dial(endpoint: Endpoint, timeout_seconds: float) -> socket.socket:
    """A connected socket, with TLS where the endpoint has it; the caller closes it.

    Args:
        endpoint: ``unix://`` or ``tcp://``, already judged safe.
        timeout_seconds: how long connecting may take.

    Raises:
        OSError: nobody listens there, or it is not the engine that the certificates name.
    """
    if endpoint.scheme == "unix":
        return _local("/" + endpoint.url.removeprefix("unix://").lstrip("/"), timeout_seconds)
    parts = urlsplit(endpoint.url)
    host, usual = parts.hostname or "", _PORT_WITH_TLS if endpoint.tls else _PORT
    plain = socket.create_connection((host, parts.port or usual), timeout_seconds)
    if endpoint.tls is None:
        return plain
    try:
        return _context(endpoint.tls).wrap_socket(plain, server_hostname=host)
    except OSError:
        plain.close()
        raise


def _local(path: str, timeout_seconds: float) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(timeout_seconds)
    try:
        connection.connect(path)
    except OSError:
        connection.close()
        raise
    return connection


def _context(tls: Tls) -> ssl.SSLContext:
    import ssl  # a local engine needs none

    context = ssl.create_default_context(cafile=str(tls.ca))
    if not tls.verify:  # on this machine only, see endpoint.safe
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    context.load_cert_chain(tls.certificate, tls.key)
    return context
