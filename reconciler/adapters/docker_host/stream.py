"""Answers of the engine that come bit by bit, each bit under a deadline.

The SDK's own streams switch every time-out off.
https://github.com/docker/docker-py/blob/7.1.0/docker/api/client.py#L403
"""

from __future__ import annotations

from typing import Any

from reconciler.adapters.docker_host.sdk import Client


def opened(client: Client, path: str, seconds: float, **request: object) -> Any:
    """The answer to a POST, whose body is still to be read; the caller closes it.

    Args:
        client: who asks.
        path: the endpoint, without the API version.
        seconds: how long the first byte of the answer may take, and every read until ``limit_read``.
        request: what else ``requests.Session.post`` takes.
    """
    import requests
    from docker.errors import create_api_error_from_http_exception

    url = f"{client.base_url}/v{client.api_version}{path}"
    response = client.post(url, stream=True, timeout=seconds, **request)
    try:
        response.raise_for_status()
    except requests.HTTPError as error:
        create_api_error_from_http_exception(error)
    return response


def limit_read(response: Any, seconds: float) -> None:
    """Let the next read wait this long: requests knows only one time-out for all reads of an answer."""
    socket = getattr(getattr(response.raw, "connection", None), "sock", None) or _passed_on(response.raw)
    if socket is not None:
        socket.settimeout(max(seconds, 0.001))


def _passed_on(raw: Any) -> Any:
    """The socket of an answer without a length: its connection has given it away.

    https://github.com/python/cpython/blob/v3.11.0/Lib/http/client.py#L1391
    """
    for name in ("_fp", "fp", "raw", "_sock"):
        raw = getattr(raw, name, None)
    return raw
