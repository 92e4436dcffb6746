"""What came back for one request."""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass
from email.message import Message
from http import HTTPStatus
from typing import Any

from reconciler.adapters.probe.unaskable import Unaskable

TEXT_BYTES = 64 * 1024
JSON_BYTES = 1024 * 1024
_GZIP_OR_ZLIB = 47  # zlib's own number for "either, as the header says"


@dataclass(frozen=True, slots=True)
class Answer:
    """``body`` is as far as it was read, and ``whole`` says whether that is all of it.

    ``location`` is where a redirect that was not followed leads, with its host and path alone; ``seconds`` is
    how long it took, redirects included.
    """

    status: int
    headers: Message
    body: bytes = b""
    whole: bool = True
    location: str = ""
    seconds: float = 0.0

    @property
    def words(self) -> str:
        """The status with its usual name; the server's own words for it may be anything."""
        try:
            return f"{self.status} {HTTPStatus(self.status).phrase}"
        except ValueError:
            return str(self.status)

    def header(self, name: str) -> str | None:
        """The values of a header, with commas between; None where it is not there."""
        values = self.headers.get_all(name)
        return ", ".join(str(value) for value in values) if values is not None else None

    def text(self) -> str:
        """The first 64 KiB of the body."""
        content = self._content(TEXT_BYTES)[0]
        try:
            return content.decode(self.headers.get_content_charset() or "utf-8", "replace")
        except (LookupError, ValueError):
            return content.decode("utf-8", "replace")

    def json(self) -> Any:
        """What the body says as JSON.

        Raises:
            ValueError: it is not JSON.
            Unaskable: it is larger than 1 MiB.
        """
        content, whole = self._content(JSON_BYTES)
        if not whole:
            raise Unaskable("the answer is larger than 1 MiB, too large to look into")
        try:
            return json.loads(content)
        except RecursionError:
            raise ValueError from None

    def document(self) -> dict[str, Any]:
        """The JSON object of the body; empty where it is none.

        Raises:
            Unaskable: it is larger than 1 MiB.
        """
        try:
            found = self.json()
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    def _content(self, most: int) -> tuple[bytes, bool]:
        """The body unpacked, and whether that is all. Some pack although nobody asked; bombs stay small."""
        if str(self.headers.get("Content-Encoding", "")).strip().lower() not in ("gzip", "x-gzip", "deflate"):
            return self.body[:most], self.whole and len(self.body) <= most
        unpacking = zlib.decompressobj(_GZIP_OR_ZLIB)
        try:
            content = unpacking.decompress(self.body, most)
        except zlib.error:
            return b"", True
        return content, unpacking.eof
