"""Asking over HTTP: a request, the redirects that it leads to, and the answer."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from http.client import HTTPConnection, HTTPException, HTTPResponse, IncompleteRead
from http.cookiejar import CookieJar, DefaultCookiePolicy
from socket import socket
from ssl import SSLContext
from time import perf_counter
from typing import cast
from urllib.parse import urlsplit
from urllib.request import Request as CookieRequest

from reconciler.adapters.probe.address import Address, located
from reconciler.adapters.probe.answer import Answer
from reconciler.adapters.probe.deadline import Deadline
from reconciler.adapters.probe.outgoing import Outgoing, filled
from reconciler.adapters.probe.secrets import Secrets
from reconciler.adapters.probe.tls import Contexts
from reconciler.adapters.probe.unaskable import Unaskable
from reconciler.adapters.probe.wire import connected
from reconciler.domain.check import Request, Tls

TROUBLE = (Unaskable, OSError, HTTPException)
"""How asking ends where there is no answer; see ``trouble.seen_instead``."""

_LOOPBACK = re.compile(r"localhost|127\.[0-9.]+|::1")
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True)
class Session:
    """What the requests of one look share; nothing of it outlives the look."""

    deadline: Deadline
    secrets: Secrets
    contexts: Contexts
    tls: Tls = field(default_factory=Tls)
    redirects: int = 0
    cookies: CookieJar = field(default_factory=CookieJar)

    def ask(self, request: Request, most_bytes: int, expected: Callable[[int], bool]) -> Answer:
        """The answer to ``request``. Redirects are followed to the same host, port and scheme only.

        Args:
            request: what is asked.
            most_bytes: how much of a body is read.
            expected: whether a status is what was asked for, also that of a redirect.

        Raises:
            Unaskable: it cannot be asked.
            OSError, HTTPException: there is no answer.
        """
        address, outgoing = located(request.url, self.secrets), filled(request, self.secrets)
        context = self.contexts.of(self.tls) if address.scheme == "https" else None
        start, followed = perf_counter(), 0
        while True:
            answer = self._once(address, outgoing, context, most_bytes)
            location = answer.header("Location") if answer.status in _REDIRECTS else None
            if location is None or expected(answer.status):
                return replace(answer, seconds=perf_counter() - start)
            there = address.redirected(location)
            if there is None or followed == self.redirects:
                shown = _shown(location) + (f", after {followed} others" if followed else "")
                return replace(answer, location=shown, seconds=perf_counter() - start)
            address, outgoing, followed = there, outgoing.redirected(answer.status), followed + 1

    def _once(self, address: Address, outgoing: Outgoing, context: SSLContext | None, most: int) -> Answer:
        self.cookies.set_policy(_policy(address))
        asking = CookieRequest(address.url)  # noqa: S310 - never opened: the form in which a cookie jar knows requests
        self.cookies.add_cookie_header(asking)
        with connected(address, self.deadline, context) as wire:
            connection = HTTPConnection(address.host, address.port)
            connection.sock, connection.auto_open = cast(socket, wire), 0
            with suppress(BrokenPipeError, ConnectionResetError):
                # Some answer before they have read all of it, 413 for one.
                _send(connection, address, outgoing, asking.get_header("Cookie"))
            response = connection.getresponse()
            self.cookies.extract_cookies(response, asking)
            body = _read(response, most)
        return Answer(response.status, response.headers, body[:most], whole=len(body) <= most)


def _send(connection: HTTPConnection, address: Address, outgoing: Outgoing, cookies: str | None) -> None:
    connection.putrequest(outgoing.method, address.target, skip_host=True, skip_accept_encoding=True)
    if not outgoing.has("host"):
        connection.putheader("Host", address.authority)
    if address.authorization and not outgoing.has("authorization"):
        connection.putheader("Authorization", address.authorization)
    if cookies and not outgoing.has("cookie"):
        connection.putheader("Cookie", cookies.encode("latin-1", "replace"))
    for name, value in outgoing.headers:
        connection.putheader(name, value)
    connection.endheaders(outgoing.body or None)


def _read(response: HTTPResponse, most: int) -> bytes:
    """One byte more than ``most`` where there is more.

    Raises:
        IncompleteRead: the body ends before its length says so.
    """
    body = response.read(most + 1)
    if response.length and len(body) <= most:
        raise IncompleteRead(b"", response.length)
    return body


def _policy(address: Address) -> DefaultCookiePolicy:
    """Loopback is a safe place, as in browsers: the application may sit behind a proxy that speaks TLS."""
    safe = ("http", "https") if _LOOPBACK.fullmatch(address.host) else ("https",)
    return DefaultCookiePolicy(secure_protocols=safe)


def _shown(location: str) -> str:
    """The target of a redirect without what may be secret in it."""
    try:
        parts = urlsplit(location)
    except ValueError:
        return "what is not a URL"
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()
