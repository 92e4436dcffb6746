"""Values of an answer that later requests of a flow need."""

from __future__ import annotations

import json
from http.cookiejar import CookieJar

from reconciler.adapters.probe import json_path
from reconciler.adapters.probe.answer import Answer


def from_body(where: str) -> bool:
    """Whether ``where`` is a JSON path."""
    return not where.startswith(("header:", "cookie:"))


def captured(where: str, answer: Answer, cookies: CookieJar) -> str:
    """The value at ``where``: a JSON path, ``header:NAME`` or ``cookie:NAME``; empty where there is none.

    Raises:
        Unaskable: it is not a path, or the answer is too large to look into.
    """
    kind, _, name = where.partition(":")
    match kind:
        case "header":
            return answer.header(name) or ""
        case "cookie":
            return next((cookie.value or "" for cookie in cookies if cookie.name == name), "")
        case _:
            return _in_body(where, answer)


def _in_body(where: str, answer: Answer) -> str:
    try:
        return _text(json_path.at(answer.json(), where))
    except (ValueError, LookupError):
        return ""


def _text(value: object) -> str:
    match value:
        case str():
            return value
        case bool() | int() | float():
            return json.dumps(value)
        case _:
            return ""
