"""Image references: parse, compare, print.

The grammar is that of the distribution project's reference package, as far as a pin needs it:
``[host[:port]/]path[:tag][@sha256:hex]``.
https://pkg.go.dev/github.com/distribution/reference
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

_REFERENCE = re.compile(
    r"(?P<repository>(?:[a-zA-Z0-9][a-zA-Z0-9.-]*(?::[0-9]+)?/)?[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*"
    r"(?:/[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*)*)"
    r"(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?"
    r"(?:@(?P<digest>sha256:[0-9a-f]{64}))?"
)


@dataclass(frozen=True, slots=True, order=True)
class ImageRef:
    """``repository[:tag][@digest]``; the digest is the truth, the tag is for people.

    ``repository`` is kept as written (``web``, ``ghcr.io/kompass/backend``, ``127.0.0.1:5000/web``);
    ``tag`` and ``digest`` are empty where the reference has none. ``digest`` is ``sha256:`` and 64
    lower-case hexadecimal digits.
    """

    repository: str
    tag: str = ""
    digest: str = ""

    @classmethod
    def parse(cls, text: str) -> ImageRef:
        """Read a reference.

        Raises:
            ValueError: when ``text`` is not an image reference; the message says what is wrong.
        """
        match = _REFERENCE.fullmatch(text)
        if match is None:
            raise ValueError(_complaint(text))
        return cls(match["repository"], match["tag"] or "", match["digest"] or "")

    @property
    def host(self) -> str:
        """The registry's host, with its port; empty where the reference names Docker Hub by omission."""
        first, slash, _ = self.repository.partition("/")
        return first if slash and ("." in first or ":" in first or first == "localhost") else ""

    @property
    def by_digest(self) -> str:
        """``repository@digest``: what is pulled, so that a moved tag cannot change what arrives."""
        return f"{self.repository}@{self.digest}"

    def with_digest(self, digest: str) -> ImageRef:
        """The same image name, pinned to ``digest``."""
        return replace(self, digest=digest)

    def short(self) -> str:
        """What people call it: the tag, or the first digits of the digest."""
        return self.tag or self.digest.removeprefix("sha256:")[:12] or "latest"

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return f"{self.repository}{tag}{digest}"


def short_name(text: str) -> str:
    """What people call an image: its tag, or the first digits of its digest or id; empty for none."""
    try:
        return ImageRef.parse(text).short() if text else ""
    except ValueError:
        return text.removeprefix("sha256:")[:12]


def _complaint(text: str) -> str:
    """Why ``text`` is not an image reference, in words for the person who typed it."""
    if not text:
        return "the image reference is empty"
    if "$" in text:
        return "a pin holds no variables: what runs must be readable from Git alone"
    name, at, digest = text.partition("@")
    if at and not re.fullmatch(r"sha256:[0-9a-f]{64}", digest):
        return f"{digest!r} is not a digest: expected sha256: and 64 lower-case hexadecimal digits"
    path = name.rpartition("/")[2] if "/" in name else name
    if path.partition(":")[0] != path.partition(":")[0].lower():
        return f"{name!r} is not an image name: repositories are lower case"
    return f"{text!r} is not an image reference: expected repository:tag@sha256:…"
