"""The one place where channels speak HTTP: bounded in time and size, without redirects and proxies."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any, cast
from urllib.parse import urlsplit

from reconciler import __version__
from reconciler.adapters.notify.deadline import Deadline
from reconciler.adapters.notify.dial import Dialer, Guard
from reconciler.adapters.notify.hidden import Hidden
from reconciler.errors import NoticeRefused, NoticeUnreachable

TOTAL_SECONDS = 15.0
MOST_BYTES = 8 * 2**20
LONGEST_WAIT_SECONDS = 86400.0
Object = dict[str, Any]
Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; names of headers are in small letters."""

    status: int
    headers: Headers
    body: bytes = field(repr=False)

    @property
    def good(self) -> bool:
        """Whether it says yes."""
        return 200 <= self.status < 300

    def header(self, name: str) -> str:
        """The first one of that name; empty where there is none."""
        return next((value for own, value in self.headers if own == name), "")

    def as_object(self) -> Object:
        """The JSON object of the body; empty where it is none."""
        found = self._json()
        return found if isinstance(found, dict) else {}

    def as_objects(self) -> list[Object]:
        """The objects in the JSON array of the body; empty where it is none."""
        found = self._json()
        return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []

    def text(self) -> str:
        """The body, as people would read it."""
        return self.body[:4096].decode("utf-8", "replace")

    def _json(self) -> object:
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None


@dataclass(frozen=True, slots=True)
class Outgoing:
    """The way to one provider.

    Args:
        name: of the provider, for people.
        hidden: what must not be in any error.
        total_seconds: how long one exchange may take, but for the resolution of a host's name, which the
            system bounds.
        guard: which addresses may be connected to; all where it is None.
    """

    name: str
    hidden: Hidden
    total_seconds: float = TOTAL_SECONDS
    guard: Guard | None = None

    def exchange(self, method: str, url: str, headers: Headers, body: bytes | None, doing: str) -> Answer:
        """One request and its answer, whatever its status.

        Args:
            method: of HTTP.
            url: where to; it may be a secret.
            headers: besides the usual ones.
            body: what is sent; None for nothing.
            doing: what for, in words: ``open an issue``.

        Raises:
            NoticeUnreachable: it did not answer in time, or the connection was cut.
            NoticeRefused: this can never be sent.
        """
        import httpcore

        sent = [("User-Agent", f"reconcile/{__version__}"), ("Accept-Encoding", "identity"), *headers]
        self._check(url, sent, doing)
        deadline = Deadline.after(self.total_seconds)
        backend = cast("httpcore.NetworkBackend", Dialer(deadline, self.guard))
        tls = _context() if url.lower().startswith("https:") else None
        try:
            with (
                httpcore.ConnectionPool(ssl_context=tls, network_backend=backend) as pool,
                pool.stream(method, url, headers=sent, content=body) as response,
            ):
                return Answer(response.status, _headers(response), self._read(response, doing))
        except (httpcore.TimeoutException, TimeoutError):
            raise NoticeUnreachable(
                f"{self.name} did not {doing} within {self.total_seconds:g} s: it may have, or not"
            ) from None
        except (
            httpcore.NetworkError,
            httpcore.ProtocolError,
            httpcore.UnsupportedProtocol,
            OSError,
            UnicodeError,
        ) as error:
            # Not chained: what libraries say may repeat headers and addresses, which are secrets.
            words = self.hidden.words(str(error)) or type(error).__name__
            raise NoticeUnreachable(f"{self.name} cannot be asked to {doing}: {words}") from None

    def error(
        self, answer: Answer, doing: str, words: str, *, hint: str = "", later: bool = False
    ) -> NoticeRefused | NoticeUnreachable:
        """What an answer that is no yes comes to.

        Args:
            answer: that one.
            doing: what was asked for, in words.
            words: what the provider says about it.
            hint: what can be done about a refusal.
            later: whether it may say yes another time, although its status does not say so.
        """
        said = f"{answer.status} {self.hidden.words(words)}".strip()
        if later or answer.status in (408, 420, 425, 429) or answer.status >= 500:
            return NoticeUnreachable(f"{self.name} did not {doing}: {said}", after_seconds=asked_wait(answer))
        if 300 <= answer.status < 400:
            hint = hint or "Redirects are not followed: set the address to where it leads."
        return NoticeRefused(f"{self.name} refuses to {doing}: {said}", hint=hint)

    def _read(self, response: Any, doing: str) -> bytes:
        body = bytearray()
        for chunk in response.iter_stream():
            body += chunk
            if len(body) > MOST_BYTES:
                raise NoticeUnreachable(f"{self.name} was asked to {doing}, and answers with far too much")
        return bytes(body)

    def _check(self, url: str, headers: list[tuple[str, str]], doing: str) -> None:
        """Of what cannot be sent the library would say what it is: a secret."""
        try:
            parts = urlsplit(url)
            usable = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
        except ValueError:
            usable = False
        if not (usable and url.isascii() and url.isprintable() and " " not in url):
            raise NoticeRefused(f"{self.name} cannot be asked to {doing}: its address is not a URL")
        for name, value in headers:
            if not (value.isascii() and value.isprintable()) or value != value.strip():
                raise NoticeRefused(
                    f"{self.name} cannot be asked to {doing}: {name} has characters that none has",
                    hint="Is there a line break or a space at the end of the secret?",
                )


def asked_wait(answer: Answer) -> float:
    """For how many seconds an answer asks us to wait; 0 where it does not.

    ``Retry-After`` may be a date, too. GitHub may say instead when its limit ends:
    https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
    """
    seconds = 0.0
    if said := answer.header("retry-after").strip():
        seconds = float(said) if said.isdecimal() else _until(said)
    elif answer.header("x-ratelimit-remaining") == "0" and answer.header("x-ratelimit-reset").isdecimal():
        seconds = float(answer.header("x-ratelimit-reset")) - time.time()
    return min(max(seconds, 0.0), LONGEST_WAIT_SECONDS)


def _until(date: str) -> float:
    try:
        at = parsedate_to_datetime(date)
    except ValueError:
        return 0.0
    return (at if at.tzinfo is not None else at.replace(tzinfo=UTC)).timestamp() - time.time()


def _headers(response: Any) -> Headers:
    return tuple((name.decode("ascii").lower(), value.decode("latin-1")) for name, value in response.headers)


def _context() -> Any:
    import ssl

    return ssl.create_default_context()


def as_json(content: object) -> bytes:
    """JSON as it is sent."""
    return json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode()
