"""Secrets of channels: filled in where they are used, and taken out of everything that is shown."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, quote_plus, urlsplit

from reconciler.domain.foreign import foreign
from reconciler.errors import NoticeRefused

_NAME = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_-]*)\}")
_SHORTEST = 4  # What is shorter is no secret, and would be found inside of ordinary words.
_MOST_WORDS = 300


def filled(text: str, secrets: Mapping[str, str]) -> str:
    """``text`` with every ``${NAME}`` replaced; an empty value counts as missing, as in most CI systems.

    Raises:
        NoticeRefused: one of them has no value.
    """
    for name in _NAME.findall(text):
        if not secrets.get(name):
            raise NoticeRefused(f"the secret {name} of the channel is not set", hint=f"Set {name}.")
    return _NAME.sub(lambda match: secrets[match[1]], text)


@dataclass(frozen=True, slots=True)
class Hidden:
    """What must not be seen; it does not show itself either."""

    values: tuple[str, ...] = field(default=(), repr=False)

    def words(self, text: str) -> str:
        """What somebody else said, as one harmless line of bounded length, without any secret.

        Cutting comes last: half of a secret is one.
        """
        return foreign(" ".join(self.without(text).split()), _MOST_WORDS)

    def without(self, text: str) -> str:
        """``text`` with ``***`` in the place of each secret, however it is written."""
        forms = {form for value in self.values for form in _forms(value) if len(form) >= _SHORTEST}
        if not forms:
            return text
        # The longest first, as one may contain another. Percent-encoding comes in both cases.
        found = "|".join(re.escape(form) for form in sorted(forms, key=len, reverse=True))
        return re.sub(found, "***", text, flags=re.IGNORECASE)


def of_address(url: str) -> tuple[str, ...]:
    """What is secret in an address that is a secret: all of it, and each part that may be repeated alone."""
    parts = urlsplit(url)
    login, _, _ = parts.netloc.rpartition("@")
    pieces = (*parts.path.split("/"), *re.split(r"[&=]", parts.query), *login.split(":"), parts.path)
    return (url, *(piece for piece in pieces if len(piece) >= 2 * _SHORTEST))


def values_of(secrets: Mapping[str, str], more: Iterable[str] = ()) -> Hidden:
    """Everything that is secret for a channel."""
    return Hidden(tuple(dict.fromkeys((*secrets.values(), *more))))


def _forms(value: str) -> Iterator[str]:
    """How a value may come back to us: as it is, in a URL, in JSON, in base64, or line by line."""
    raw = value.encode("utf-8", "surrogateescape")
    yield value
    yield from value.split()
    yield quote(raw)
    yield quote(raw, safe="")
    yield quote_plus(raw)
    yield json.dumps(value)[1:-1]
    yield b64encode(raw).decode("ascii").rstrip("=")
