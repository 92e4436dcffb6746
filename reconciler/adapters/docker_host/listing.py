"""The list call of a local engine, without the SDK: importing that would take longer than the pass.

Whatever is not a plain good answer counts as none, and the SDK is asked: it knows what went wrong.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Any
from urllib.parse import quote

from reconciler.adapters.docker_host.endpoint import Endpoint

_CHUNK = 256 * 1024


def listed(endpoint: Endpoint, label: str, timeout_seconds: float) -> list[dict[str, Any]] | None:
    """All containers with ``label`` (``key=value``); None where the engine has to be asked in another way.

    Raises:
        TimeoutError: it does not answer; asking in another way would only take as long again.
    """
    if endpoint.scheme != "unix":
        return None
    filters = quote(json.dumps({"label": [label]}))
    try:
        status, body = _got(endpoint, f"/containers/json?all=1&filters={filters}", timeout_seconds)
        answer = json.loads(body)
    except TimeoutError:
        raise
    except (OSError, ValueError):
        return None
    return answer if status == "200" and _entries(answer) else None


def _entries(answer: object) -> bool:
    return isinstance(answer, Sequence) and all(isinstance(entry, Mapping) for entry in answer)


def _got(endpoint: Endpoint, path: str, timeout_seconds: float) -> tuple[str, bytes]:
    """Status and body; HTTP/1.0, so that the end of the answer is the end of the connection."""
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)) as connection:
        connection.settimeout(timeout_seconds)
        connection.connect("/" + endpoint.url.removeprefix("unix://").lstrip("/"))
        connection.sendall(f"GET {path} HTTP/1.0\r\nHost: docker\r\n\r\n".encode())
        received = bytearray()
        while chunk := connection.recv(_CHUNK):
            received += chunk
    head, _, body = bytes(received).partition(b"\r\n\r\n")
    words = head.split(None, 2)
    return (words[1].decode("ascii", "replace") if len(words) > 1 else ""), body
