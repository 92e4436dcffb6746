"""``items[0].name``: where in a JSON document something is."""

from __future__ import annotations

import re
from typing import Any

from reconciler.adapters.probe.unaskable import Unaskable

_STEP = re.compile(r"""(?:^|\.)(?P<name>[^.\[\]"]+)|\[(?P<index>-?\d{1,9})\]|\["(?P<quoted>[^"]*)"\]""")


def steps(path: str) -> tuple[str | int, ...]:
    """The names and indexes of a path. A name with dots in it is written ``["a.b"]``.

    Raises:
        Unaskable: it is not a path.
    """
    found: list[str | int] = []
    at = 0
    while at < len(path):
        match = _STEP.match(path, at)
        if match is None:
            break
        found.append(int(match["index"]) if match["index"] else match["quoted"] or match["name"] or "")
        at = match.end()
    if not found or at < len(path):
        raise Unaskable(f"{path!r} is not a path into JSON")
    return tuple(found)


def at(document: Any, path: str) -> Any:
    """What is at ``path``.

    Raises:
        LookupError: nothing is.
        Unaskable: it is not a path.
    """
    for step in steps(path):
        match document, step:
            case (dict(), str()) | (list(), int()):
                document = document[step]
            case _:
                raise LookupError(path)
    return document


def same(one: Any, other: Any) -> bool:
    """Whether two documents say the same. In Python ``True == 1``, in JSON it does not."""
    match one, other:
        case dict(), dict():
            return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
        case list(), list():
            return len(one) == len(other) and all(map(same, one, other))
        case _:
            return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)
