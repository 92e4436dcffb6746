"""One look at a URL, for the gate: what is there, or why it could not be looked at."""

from __future__ import annotations

import os
import re
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from reconciler.domain.environment import HttpCheck
from reconciler.domain.gate import Evidence

if TYPE_CHECKING:
    import httpx

MOST_BYTES = 64 * 1024
Trace = Callable[[str, dict[str, Any]], None]
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


class HttpProbe:
    """The ``Probe`` port. It may be shared between threads.

    No redirects are followed, no proxies used, and no connection is used twice: a kept one would lead to
    the container that was there before.

    Args:
        environ: where ``${NAME}`` in URLs is looked up, as NAME or as the file that NAME_FILE names;
            the process's own variables by default.
    """

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        self._environ = os.environ if environ is None else environ
        self._client: httpx.Client | None = None
        self._lock = threading.Lock()

    def close(self) -> None:
        """Give back what the client holds."""
        with self._lock:
            if self._client is not None:
                self._client.close()
                self._client = None

    def http(self, check: HttpCheck) -> tuple[Evidence, str]:
        """One sample: the evidence, and what was seen in a few words.

        The whole look takes at most ``check.time_limit_seconds``, but for the resolution of the host's
        name, which the system bounds. What ``${NAME}`` stands for never shows up in the words.
        """
        values: dict[str, str] = {}
        for name in _VARIABLE.findall(check.url):
            value = _value(name, self._environ)
            if value is None:
                return Evidence.NONE, f"{name} is not set, and no {name}_FILE can be read"
            values[name] = value
        url = _VARIABLE.sub(lambda match: values[match[1]], check.url)
        evidence, words = self._look(url, check.time_limit_seconds)
        return evidence, _without(values, words)

    def _look(self, url: str, seconds: float) -> tuple[Evidence, str]:
        import httpx

        with _cut_off(seconds) as (trace, late):
            try:
                # For its ValueError: httpx takes port 99999, and the system then asks another one.
                _ = urlsplit(url).port
                seen = self._ask(url, seconds, trace)
            except (httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.LocalProtocolError, ValueError):
                return Evidence.NONE, "the URL is not valid"
            except httpx.TimeoutException:
                return Evidence.BAD, _late(seconds)
            except httpx.TransportError as error:
                if late.is_set():
                    return Evidence.BAD, _late(seconds)
                return _unreached(error)
            # Without a length, an answer that was cut off looks like a whole one.
            return (Evidence.BAD, _late(seconds)) if late.is_set() else seen

    def _ask(
        self, url: str, seconds: float, trace: Callable[[str, dict[str, Any]], None]
    ) -> tuple[Evidence, str]:
        got = 0
        with self._shared().stream("GET", url, timeout=seconds, extensions={"trace": trace}) as answer:
            if answer.is_redirect:
                return (
                    Evidence.BAD,
                    f"{answer.status_code}, a redirect to {_shown(answer.headers['Location'])}",
                )
            for chunk in answer.iter_raw():
                got += len(chunk)
                if got >= MOST_BYTES:
                    break
            good = answer.is_success
            return (
                Evidence.GOOD if good else Evidence.BAD
            ), f"{answer.status_code} {answer.reason_phrase}".strip()

    def _shared(self) -> httpx.Client:
        import httpx

        with self._lock:
            if self._client is None:
                limits = httpx.Limits(max_keepalive_connections=0)
                self._client = httpx.Client(trust_env=False, follow_redirects=False, limits=limits)
            return self._client


@contextmanager
def _cut_off(seconds: float) -> Iterator[tuple[Trace, threading.Event]]:
    """End the connection after ``seconds``, however busily it drips: httpx limits only single reads.

    Yields the trace function that has to see the connection being made, and an event that is set when
    it was cut off. https://www.encode.io/httpcore/extensions/#trace
    """
    late, lock = threading.Event(), threading.Lock()
    taken: list[socket.socket] = []

    def cut() -> None:
        late.set()
        with lock:
            for one in taken:
                _shut(one)

    def trace(event: str, info: dict[str, Any]) -> None:
        if event == "connection.connect_tcp.complete":
            with lock:
                # A duplicate, because TLS takes the socket away from the object that is seen here.
                taken.append(info["return_value"].get_extra_info("socket").dup())
                if late.is_set():
                    _shut(taken[-1])

    timer = threading.Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        yield trace, late
    finally:
        timer.cancel()
        with lock:
            while taken:
                taken.pop().close()


def _shut(one: socket.socket) -> None:
    try:
        one.shutdown(socket.SHUT_RDWR)
    except OSError:  # the other side was faster
        return


def _late(seconds: float) -> str:
    return f"no whole answer within {seconds:g} s"


def _unreached(error: Exception) -> tuple[Evidence, str]:
    """Why there was no answer: a host without an address says nothing of what should run there."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, socket.gaierror):
            return Evidence.NONE, "the host's name cannot be resolved"
        if isinstance(cause, ConnectionRefusedError):
            return Evidence.BAD, "connection refused"
        cause = cause.__cause__ or cause.__context__
    return Evidence.BAD, " ".join(str(error).split()) or type(error).__name__


def _shown(location: str) -> str:
    """The target of a redirect without what may be secret in it."""
    parts = urlsplit(location)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()


def _value(name: str, environ: Mapping[str, str]) -> str | None:
    if name in environ:
        return environ[name]
    file = environ.get(f"{name}_FILE", "")
    try:
        return Path(file).read_text(encoding="utf-8").strip() if file else None
    except (OSError, UnicodeDecodeError):
        return None


def _without(values: Mapping[str, str], words: str) -> str:
    for name, value in values.items():
        for form in (value, quote(value), quote(value, safe="")):
            if form:
                words = words.replace(form, f"${{{name}}}")
    return words
