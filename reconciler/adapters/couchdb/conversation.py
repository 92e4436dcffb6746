"""The HTTP talk with one CouchDB server."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit, urlunsplit

from reconciler.adapters.couchdb.answer import Answer, understood
from reconciler.errors import DataUnreachable

if TYPE_CHECKING:
    import httpx

_REACH = "Check that CouchDB runs, and that the url of data.couchdb is right."


@dataclass(frozen=True, slots=True)
class Place:
    """Where a server is, who we are there, and how many seconds one request may take."""

    url: str
    username: str = ""
    password: str = field(default="", repr=False)
    deadline_seconds: float = 30.0

    @property
    def name(self) -> str:
        """For people: no credentials, also where somebody wrote some into the url."""
        parts = urlsplit(self.url)
        return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path.rstrip("/"), "", ""))

    @property
    def secrets(self) -> tuple[str, ...]:
        """The password in every form in which it leaves us, or in which a url would have it."""
        login = b64encode(f"{self.username}:{self.password}".encode()).decode()
        forms = (self.password, json.dumps(self.password)[1:-1], quote(self.password, safe=""), login)
        return tuple(dict.fromkeys(forms)) if self.password else ()


class Conversation:
    """Requests over one connection. Nothing is sent twice, no redirect is followed, no proxy is asked."""

    def __init__(self, place: Place, client: httpx.Client) -> None:
        self.place = place
        self.server = f"CouchDB at {place.name}"
        self._client = client

    def ask(
        self,
        method: str,
        path: str,
        doing: str,
        *,
        query: Mapping[str, str] | None = None,
        content: object = None,
        also: tuple[int, ...] = (),
    ) -> Answer:
        """One request; ``content`` is sent as JSON, bytes as they are; ``also`` are statuses that are fine.

        Raises:
            DataUnreachable: nobody answered in time, or not usably.
            PermissionRefused: 401 or 403.
            DataFailed: whatever else it said no to.
        """
        found = self.try_to_ask(method, path, doing, query=query, content=content, also=also)
        if found is None:
            raise DataUnreachable(
                f"{self.server} did not {doing} within {self.place.deadline_seconds:g} s", hint=_REACH
            )
        return found

    def try_to_ask(
        self,
        method: str,
        path: str,
        doing: str,
        *,
        query: Mapping[str, str] | None = None,
        content: object = None,
        also: tuple[int, ...] = (),
    ) -> Answer | None:
        """As ``ask``, but None where the answer did not come in time: what was asked for may go on."""
        import httpx

        body = content if content is None or isinstance(content, bytes) else _json(content)
        try:
            with self._client.stream(
                method, self.place.name + path, params=query or None, content=body
            ) as response:
                answer = Answer(
                    self.server, doing, response.status_code, self._read(response), self.place.secrets
                )
        except (httpx.ReadTimeout, httpx.WriteTimeout, TimeoutError):
            return None
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, UnicodeError) as error:
            raise DataUnreachable(
                f"{self.server} cannot be asked to {doing}: {_words(error)}", hint=_REACH
            ) from error
        if not 200 <= answer.status < 300 and answer.status not in also:
            raise answer.complaint()
        return answer

    def _read(self, response: httpx.Response) -> bytes:
        """The whole body. A server that drips holds nobody: the time-out of httpx is only for one read."""
        ends = monotonic() + self.place.deadline_seconds
        chunks = []
        for chunk in response.iter_bytes():
            chunks.append(chunk)
            if monotonic() > ends:
                raise TimeoutError
        return b"".join(chunks)

    @contextmanager
    def understanding(self, doing: str) -> Iterator[None]:
        """As ``understood``, of this server."""
        with understood(self.server, doing):
            yield


@contextmanager
def conversation(place: Place) -> Iterator[Conversation]:
    """Talk with a server; the connection ends with the ``with``."""
    import httpx

    login = httpx.BasicAuth(place.username, place.password) if place.username else None
    with httpx.Client(
        auth=login,
        verify=place.url.startswith("https:"),  # Without TLS the authorities need not be read: 30 ms.
        timeout=place.deadline_seconds,
        headers={"Accept": "application/json", "Content-Type": "application/json"},
        follow_redirects=False,
        trust_env=False,
    ) as client:
        yield Conversation(place, client)


def _words(error: Exception) -> str:
    """What went wrong below HTTP, on one line. No header is in it, and the url is without credentials."""
    return " ".join(str(error.__cause__ or error).split()) or type(error).__name__


def _json(content: object) -> bytes:
    return json.dumps(content, separators=(",", ":")).encode()
