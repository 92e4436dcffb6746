"""A URL taken apart, with ``${NAME}`` filled in."""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import dataclass, replace
from urllib.parse import quote, unquote, urljoin, urlsplit

from reconciler.adapters.probe.secrets import Secrets
from reconciler.adapters.probe.unaskable import Unaskable

_PORTS = {"http": 80, "https": 443}
_LOGIN = re.compile(r"(https?://)([^/?#]*)@(.*)", re.DOTALL | re.IGNORECASE)
_ORIGIN = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_KEPT = "/%:@!$&'()*+,;=~?"


@dataclass(frozen=True, slots=True)
class Address:
    """Where a request goes: to ``host`` and ``port``, for ``target`` (path and query).

    ``authorization`` is the header that the URL's name and password come to, or empty.
    """

    scheme: str
    host: str
    port: int
    target: str
    authorization: str = ""

    @property
    def authority(self) -> str:
        """The ``Host`` header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """The same as a URL, without name and password."""
        return f"{self.scheme}://{self.authority}{self.target}"

    def redirected(self, location: str) -> Address | None:
        """Where a redirect leads, or None where that is not the same host, port and scheme."""
        try:
            there = _parsed(urljoin(self.url, location))
        except ValueError:
            return None
        if (there.scheme, there.host, there.port) != (self.scheme, self.host, self.port):
            return None
        return replace(there, authorization=self.authorization)


def located(template: str, secrets: Secrets) -> Address:
    """The address of a URL with ``${NAME}`` in it.

    Raises:
        Unaskable: a value is missing, or it is not a URL.
    """
    login, split = "", _LOGIN.match(template)
    if split:
        # Apart from the rest, so that a password may contain what ends a host in a URL.
        user, _, password = split[2].partition(":")
        login = f"{secrets.fill(unquote(user))}:{secrets.fill(unquote(password))}"
        template = split[1] + split[3]
    url = secrets.fill(template)
    try:
        address = _parsed(url)
    except ValueError:
        raise Unaskable("the URL is not valid") from None
    return replace(address, authorization=_basic(login)) if login else address


def shown_path(template: str) -> str:
    """The path of a URL as it was written, with its ``${NAME}``: nothing in it is secret."""
    return _ORIGIN.sub("", template).partition("?")[0].partition("#")[0] or "/"


def _parsed(url: str) -> Address:
    """Raises ValueError where it is not an HTTP URL."""
    if _CONTROL.search(url):  # urlsplit drops some of them without a word
        raise ValueError
    parts = urlsplit(url)
    port = parts.port if parts.port is not None else _PORTS.get(parts.scheme, 0)
    if parts.scheme not in _PORTS or not parts.hostname or not port:
        raise ValueError
    host = parts.hostname.encode("idna").decode("ascii")
    target = quote(parts.path or "/", safe=_KEPT)
    if parts.query:
        target += f"?{quote(parts.query, safe=_KEPT)}"
    login = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
    return Address(parts.scheme, host, port, target, _basic(login) if login != ":" else "")


def _basic(login: str) -> str:
    return f"Basic {b64encode(login.encode('utf-8', 'surrogateescape')).decode('ascii')}"
