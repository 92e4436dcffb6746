"""Whether an answer is as expected, and if not, what is wrong with it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from reconciler.adapters.probe import json_path
from reconciler.adapters.probe.answer import Answer
from reconciler.adapters.probe.secrets import Secrets
from reconciler.adapters.probe.unaskable import Unaskable
from reconciler.domain.check import Expectation
from reconciler.domain.comparison import Seen
from reconciler.domain.gate import Evidence

_SECRET_HEADERS = frozenset({"set-cookie", "authorization", "proxy-authenticate", "www-authenticate"})
STARTING = frozenset({502, 503, 504})
"""What a service says, or the proxy before it, that still starts."""
_USUAL = Expectation().statuses


def understood(expect: Expectation) -> None:
    """Find out before anything is asked whether the expectation itself makes sense.

    Raises:
        Unaskable: a regular expression, a path or an expected JSON text is not valid.
    """
    for pattern in (*(pattern for _, pattern in expect.headers), expect.body):
        try:
            re.compile(pattern)
        except (re.error, OverflowError, RecursionError):
            raise Unaskable(f"{pattern!r} is not a regular expression") from None
    for path, wanted in expect.json:
        json_path.steps(path)
        try:
            json.loads(wanted or "null")
        except (ValueError, RecursionError):
            raise Unaskable(f"what is expected at {path} is not JSON") from None


def within(status: int, expect: Expectation) -> bool:
    """Whether it is one of the statuses asked for."""
    return any(low <= status <= high for low, high in expect.statuses)


def judged(answer: Answer, expect: Expectation, secrets: Secrets) -> Seen:
    """What an answer is evidence of.

    Raises:
        Unaskable: the body is too large to look into.
    """
    evidence, words = Evidence.GOOD, answer.words
    if not within(answer.status, expect):
        starting = answer.status in STARTING
        evidence, words = Evidence.UNREADY if starting else Evidence.BAD, _status(answer, expect, secrets)
    elif wrong := next(_wrong_parts(answer, expect, secrets), ""):
        evidence, words = Evidence.BAD, f"{answer.status}, but {wrong}"
    return Seen(evidence, words, answer.seconds, answer.status)


def _status(answer: Answer, expect: Expectation, secrets: Secrets) -> str:
    if answer.location:
        return f"{answer.status}, a redirect to {secrets.shown(answer.location)}"
    if expect.statuses == _USUAL:
        return answer.words
    ranges = (str(low) if low == high else f"{low}-{high}" for low, high in expect.statuses)
    return f"{answer.status}, expected {' or '.join(ranges)}"


def _wrong_parts(answer: Answer, expect: Expectation, secrets: Secrets) -> Iterator[str]:
    for name, pattern in expect.headers:
        value = answer.header(name)
        if value is None:
            yield f"without the header {name}"
        elif not re.search(pattern, value):
            came = "" if name.lower() in _SECRET_HEADERS else f" is {secrets.shown(value)!r}, which"
            yield f"{name}{came} does not match {secrets.shown(pattern)}"
    if expect.body and not re.search(expect.body, answer.text()):
        # What the body says instead may be anything, a token as well as a stack trace.
        kind = secrets.shown(answer.headers.get_content_type())
        yield f"nothing in its body ({kind}) matches {secrets.shown(expect.body)}"
    if expect.json:
        yield from _wrong_json(answer, expect, secrets)


def _wrong_json(answer: Answer, expect: Expectation, secrets: Secrets) -> Iterator[str]:
    try:
        document = answer.json()
    except ValueError:
        yield "its body is not JSON"
        return
    for path, wanted in expect.json:
        try:
            value = json_path.at(document, path)
        except LookupError:
            yield f"without {path}"
            continue
        if wanted and not json_path.same(value, json.loads(wanted)):
            yield f"{path} is {_shown(value, secrets)}, expected {secrets.shown(wanted)}"


def _shown(value: Any, secrets: Secrets) -> str:
    match value:
        case dict():
            return "an object"
        case list():
            return f"a list of {len(value)}"
        case _:
            return secrets.shown(json.dumps(value, ensure_ascii=False))
