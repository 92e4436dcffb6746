"""One request to a MeiliSearch server, and what its answer comes to."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from reconciler.errors import DataFailed, DataUnreachable, PermissionRefused, ReconcileError

if TYPE_CHECKING:
    import httpx

Object = Mapping[str, Any]
_MOST_BYTES = 8 * 2**20
_MOST_WORDS = 300
_AWAY = frozenset({408, 429, 502, 503, 504})
_ACTIONS = "indexes.get, indexes.create, indexes.delete, indexes.swap, stats.get and tasks.get"


@dataclass(frozen=True, slots=True)
class Wire:
    """The way to a server.

    Args:
        url: where it listens, without credentials; paths are put behind it.
        key: an API key; empty for a server without any. It never shows, also not where the server repeats it.
        limit_seconds: how long one request may take as a whole.
    """

    url: str
    key: str = field(repr=False)
    limit_seconds: float

    @property
    def name(self) -> str:
        """Where it is, without anything secret."""
        parts = urlsplit(self.url)
        return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()

    def ask(
        self,
        method: str,
        path: str,
        what: str,
        *,
        query: Mapping[str, str] | None = None,
        body: object = None,
        absent: str = "",
    ) -> Object | None:
        """The answer of the server.

        Args:
            method: of HTTP.
            path: with a slash first, and quoted.
            what: is to be done, for people: ``delete index customers``.
            query: what follows the path.
            body: is sent as JSON, where it is not None.
            absent: the error code that is an answer as well: None is returned then.

        Raises:
            DataUnreachable, PermissionRefused, DataFailed.
        """
        status, content = self._exchanged(method, path, query or {}, body)
        document = _document(content)
        if 200 <= status < 300:
            if document is None:
                raise self._stranger(status)
            return document
        code, message = _error(document)
        if code and code == absent:
            return None
        raise self._refusal(status, code, message, what)

    def words(self, text: str) -> str:
        """What the server said, as one short line without the key."""
        line = " ".join((text.replace(self.key, "***") if self.key else text).split())
        return line if len(line) <= _MOST_WORDS else f"{line[: _MOST_WORDS - 1]}…"

    def _exchanged(self, method: str, path: str, query: Mapping[str, str], body: object) -> tuple[int, bytes]:
        import httpx

        headers = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "reconcile"}
        if self.key:
            headers["Authorization"] = f"Bearer {self._sendable_key()}"
        content = None
        if body is not None:
            headers["Content-Type"], content = "application/json", json.dumps(body).encode()
        deadline = time.monotonic() + self.limit_seconds
        try:
            with (
                self._client() as client,
                client.stream(
                    method, self.url + path, params=query, headers=headers, content=content
                ) as answer,
            ):
                return answer.status_code, self._read(answer, deadline)
        except httpx.TimeoutException as error:
            raise self._late() from error
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, UnicodeError) as error:
            words = self.words(str(error.__cause__ or error)) or type(error).__name__
            raise DataUnreachable(
                f"search server {self.name} cannot be asked: {words}",
                hint="Is it running, and does it listen there?",
            ) from error

    def _client(self) -> httpx.Client:
        """Proxies are not used: a search server is near. Certificates take long to load: for TLS only."""
        import ssl

        import httpx

        secure = self.url.startswith("https:")
        context = ssl.create_default_context() if secure else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        return httpx.Client(verify=context, timeout=self.limit_seconds, trust_env=False)

    def _read(self, answer: httpx.Response, deadline: float) -> bytes:
        """The body, while it comes in time: a time-out of the client is for a single read."""
        body = bytearray()
        for chunk in answer.iter_raw():
            body += chunk
            if time.monotonic() > deadline:
                raise self._late()
            if len(body) > _MOST_BYTES:
                raise DataUnreachable(f"search server {self.name} answers with more than anybody asked for")
        return bytes(body)

    def _late(self) -> DataUnreachable:
        return DataUnreachable(
            f"search server {self.name} did not answer within {self.limit_seconds:g} s",
            hint="It may be starting, or have too much to do.",
        )

    def _stranger(self, status: int) -> DataUnreachable:
        return DataUnreachable(
            f"what listens at {self.name} does not answer as MeiliSearch does ({status})",
            hint="Is the address that of the search server?",
        )

    def _refusal(self, status: int, code: str, message: str, what: str) -> ReconcileError:
        """The error of ours for an answer that says no."""
        said = f"{self.words(message)} ({self.words(code)})" if code else str(status)
        if status in (401, 403):
            return PermissionRefused(
                f"search server {self.name} does not let us {what}: {said}",
                hint=f"The key needs {_ACTIONS}, for all indexes, and must not have expired.",
            )
        if status in _AWAY:
            return DataUnreachable(f"search server {self.name} is not ready: {said}")
        if not code:
            return self._stranger(status)
        hint = ""
        if code == "no_space_left_on_device":
            hint = "Free its disk, or have it forget finished tasks: DELETE /tasks?statuses=succeeded,failed"
        return DataFailed(f"search server {self.name} could not {what}: {said}", hint=hint)

    def _sendable_key(self) -> str:
        """The key. Its own check, as what the HTTP library says of a header repeats the header."""
        if not (self.key.isascii() and self.key.isprintable()) or self.key != self.key.strip():
            raise PermissionRefused(
                f"the key for search server {self.name} has characters that no key has",
                hint="Is there a line break or a space at its end?",
            )
        return self.key


def _document(content: bytes) -> Object | None:
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _error(document: Object | None) -> tuple[str, str]:
    """Code and message of an error, as the server words it; empty where it is none of its own."""
    code, message = (document or {}).get("code"), (document or {}).get("message")
    return (code, message) if isinstance(code, str) and isinstance(message, str) else ("", "")
