"""A request as it is sent, with every ``${NAME}`` filled in."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from reconciler.adapters.probe.secrets import Secrets
from reconciler.adapters.probe.unaskable import Unaskable
from reconciler.domain.check import Request

_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_USUAL = {
    "User-Agent": "reconcile",
    "Accept": "*/*",
    "Accept-Encoding": "identity",
    "Connection": "close",
}
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})


@dataclass(frozen=True, slots=True)
class Outgoing:
    """What goes out after the address; header names are as they were written."""

    method: str
    headers: tuple[tuple[str, bytes], ...]
    body: bytes = b""

    def redirected(self, status: int) -> Outgoing:
        """What is sent to where a redirect leads: what browsers send."""
        if self.method == "HEAD" or status in (307, 308) or (status != 303 and self.method != "POST"):
            return self
        kept = tuple((name, value) for name, value in self.headers if not name.lower().startswith("content-"))
        return replace(self, method="GET", headers=kept, body=b"")

    def has(self, name: str) -> bool:
        """Whether there is such a header; ``name`` is in small letters."""
        return any(own.lower() == name for own, _ in self.headers)


def filled(request: Request, secrets: Secrets) -> Outgoing:
    """What ``request`` comes to.

    Raises:
        Unaskable: a value is missing, or something cannot be sent.
    """
    method = request.method.upper()
    if not _TOKEN.fullmatch(method):
        raise Unaskable(f"{request.method!r} is not an HTTP method")
    body, kind = _content(request, secrets)
    usual = dict(_USUAL)
    if body or method in _WITH_BODY:
        usual |= {"Content-Length": str(len(body))}
    if kind:
        usual |= {"Content-Type": kind}
    given = [(name, secrets.fill(value)) for name, value in request.headers]
    own = {name.lower() for name, _ in given}
    headers = [(name, value) for name, value in usual.items() if name.lower() not in own] + given
    return Outgoing(method, tuple((name, _sendable(name, value)) for name, value in headers), body)


def _content(request: Request, secrets: Secrets) -> tuple[bytes, str]:
    """The body and its type."""
    if request.json:
        return _bytes(secrets.fill_json(request.json)), "application/json"
    if request.form:
        fields = [(name, _bytes(secrets.fill(value))) for name, value in request.form]
        return urlencode(fields).encode("ascii"), "application/x-www-form-urlencoded"
    if request.body:
        return _bytes(secrets.fill(request.body)), "text/plain; charset=utf-8"
    return b"", ""


def _sendable(name: str, value: str) -> bytes:
    if not _TOKEN.fullmatch(name):
        raise Unaskable(f"{name!r} is not the name of a header")
    if _CONTROL.search(value):
        raise Unaskable(f"the value of the header {name} has line breaks or control characters in it")
    return _bytes(value)


def _bytes(text: str) -> bytes:
    # Variables of the process may hold bytes that are not UTF-8; they go out as they came in.
    return text.encode("utf-8", "surrogateescape")
