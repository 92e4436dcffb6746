"""A question to a local engine, without the SDK: importing that would take longer than the pass.

Whatever is not a plain answer counts as none, and the SDK is asked: it knows what went wrong.
"""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from reconciler.adapters.docker_host.dial import dial
from reconciler.adapters.docker_host.endpoint import Endpoint

GOOD, MISSING = "200", "404"
_CHUNK = 256 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """The status and the JSON of an answer."""

    status: str
    content: Any


def local_get(endpoint: Endpoint, path: str, timeout_seconds: float) -> Answer | None:
    """What the engine answers to GET ``path``; None where it has to be asked in another way.

    Raises:
        TimeoutError: it does not answer; asking in another way would only take as long again.
    """
    if endpoint.scheme != "unix":
        return None
    try:
        status, body = _got(endpoint, path, timeout_seconds)
        return Answer(status, json.loads(body))
    except TimeoutError:
        raise
    except (OSError, ValueError):
        return None


def _got(endpoint: Endpoint, path: str, timeout_seconds: float) -> tuple[str, bytes]:
    """Status and body; HTTP/1.0, so that the end of the answer is the end of the connection."""
    with closing(dial(endpoint, timeout_seconds)) as connection:
        connection.sendall(f"GET {path} HTTP/1.0\r\nHost: docker\r\n\r\n".encode())
        received = bytearray()
        while chunk := connection.recv(_CHUNK):
            received += chunk
    head, _, body = bytes(received).partition(b"\r\n\r\n")
    words = head.split(None, 2)
    return (words[1].decode("ascii", "replace") if len(words) > 1 else ""), body
