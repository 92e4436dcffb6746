"""Secrets that are written into ``reconcile.yaml`` itself, as far as that can be told without false alarms.

A check that wants to be refused (``status: 401``) may send any nonsense. What is let in with a literal
credential was given a real one. The URL's own user names and passwords are the schema's matter.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from reconciler.adapters.state_files import requests
from reconciler.adapters.state_files.nodes import Items, Mapping, Node, Text
from reconciler.adapters.state_files.source import Source
from reconciler.adapters.state_files.written import Written
from reconciler.errors import Finding

_HEADERS: Final = frozenset({"authorization", "proxy-authorization", "x-api-key", "x-auth-token"})
_FIELDS: Final = frozenset({"password", "passwd", "client_secret"})
_REFUSED = 400  # the first status that says no
# Tokens that give themselves away: JSON Web Tokens, and the prefixes that providers chose for scanners.
_TOKEN = re.compile(
    r"eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}|\bgh[opsu]_[A-Za-z0-9]{20,}|\bgithub_pat_[A-Za-z0-9_]{20,}"
    r"|\bglpat-[A-Za-z0-9_-]{15,}|\bsk_live_[A-Za-z0-9]{10,}|\bxox[abps]-[A-Za-z0-9-]{10,}|\bAKIA[0-9A-Z]{16}\b"
)
_IN_URL = re.compile(r"://[^/\s@:$]*:[^\s@$]+@")
_ASSIGNED = re.compile(r"(?i)^-{0,2}[a-z0-9_-]*(?:password|passwd|token|secret)=[^$]")


def credentials(source: Source, sent: Iterable[Written]) -> Iterator[Finding]:
    """A finding for each credential in these requests; it shows neither the value nor its line."""
    for request in sent:
        if any(low < _REFUSED for low, _ in requests.statuses(request.node("status"))):
            for text in _literal(request):
                yield _finding(source, text, "write ${NAME}, which reads the environment")


def secret_words(source: Source, command: Iterable[Text]) -> Iterator[Finding]:
    """A finding for each word of a command that gives itself away as a secret; nothing is filled in there."""
    for word in command:
        if any(pattern.search(word.value) for pattern in (_TOKEN, _IN_URL, _ASSIGNED)):
            yield _finding(
                source, word, "let the command read it itself, from its environment or from a file"
            )


def _finding(source: Source, text: Text, hint: str) -> Finding:
    return Finding(source.path, text.line, text.column, "a secret does not belong into this file", hint)


def _literal(request: Written) -> Iterator[Text]:
    """What looks like a credential: the key where its name says so, or else the value."""
    for name, value in request.entries("headers"):
        if name.value.lower() in _HEADERS and _is_literal(value):
            yield name
        else:
            yield from _tokens(value)
    for key in ("body", "json", "form"):
        node = request.node(key)
        if node is not None:
            yield from _inside(node)


def _inside(node: Node) -> Iterator[Text]:
    match node:
        case Text():
            yield from _tokens(node)
        case Items():
            for item in node.items:
                yield from _inside(item)
        case Mapping():
            for key, value in node.entries:
                if key.value.lower() in _FIELDS and _is_literal(value):
                    yield key
                else:
                    yield from _inside(value)


def _is_literal(node: Node) -> bool:
    """Whether something is written there, and no part of it is read from elsewhere."""
    return isinstance(node, Text) and not node.empty and bool(node.value) and "${" not in node.value


def _tokens(node: Node) -> Iterator[Text]:
    if isinstance(node, Text) and _TOKEN.search(node.value):
        yield node
