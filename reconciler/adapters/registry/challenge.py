"""How a registry wants to be convinced: the ``WWW-Authenticate`` header, read."""

from __future__ import annotations

import re
from dataclasses import dataclass

_PARAMETER = re.compile(r'([a-zA-Z_]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))')


@dataclass(frozen=True, slots=True)
class Challenge:
    """``scheme`` is ``basic``, ``bearer`` or something unknown, in lower case.

    ``realm`` is the address of the token service for ``bearer``, with its ``service`` and ``scope``.
    https://distribution.github.io/distribution/spec/auth/token/
    """

    scheme: str
    realm: str = ""
    service: str = ""
    scope: str = ""


def read(header: str) -> Challenge:
    """The challenge of a 401; nothing is known of an empty header."""
    scheme, _, rest = header.strip().partition(" ")
    found = {name.lower(): quoted or plain for name, quoted, plain in _PARAMETER.findall(rest)}
    return Challenge(scheme.lower(), found.get("realm", ""), found.get("service", ""), found.get("scope", ""))
