"""A Prometheus instant query, and whether its values meet a threshold.

https://prometheus.io/docs/prometheus/latest/querying/api/#instant-queries
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final
from urllib.parse import quote

from reconciler.adapters.probe.answer import JSON_BYTES, Answer
from reconciler.adapters.probe.deadline import Deadline
from reconciler.adapters.probe.secrets import Secrets
from reconciler.adapters.probe.session import TROUBLE, Session
from reconciler.adapters.probe.tls import Contexts
from reconciler.adapters.probe.trouble import seen_instead
from reconciler.adapters.probe.unaskable import Unaskable
from reconciler.domain.check import Query, Request
from reconciler.domain.comparison import Seen
from reconciler.domain.gate import Evidence

_ERROR_CHARACTERS = 200
_OPERATORS: Final[Mapping[str, Callable[[float, float], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}
Series = tuple[str, float]  # its labels, and its value


def look(question: Query, seconds: float, secrets: Secrets, contexts: Contexts) -> Seen:
    """What the query comes to, within ``seconds``.

    Only a value beyond the threshold is bad. All else that goes wrong is the metrics' trouble: no evidence.
    """
    deadline = Deadline.after(seconds)
    url = f"{question.url.rstrip('/')}/api/v1/query?query={quote(question.query, safe='')}"
    try:
        if question.operator not in _OPERATORS:
            raise Unaskable(f"{question.operator!r} is not a comparison")
        session = Session(deadline, secrets, contexts)
        answer = session.ask(Request(url, headers=question.headers), JSON_BYTES, lambda _status: True)
        seen = _compared(question, _series(answer, secrets))
        return replace(seen, seconds=answer.seconds, status=answer.status)
    except Unaskable as error:
        return Seen(Evidence.NONE, str(error))
    except TROUBLE as error:
        return Seen(Evidence.NONE, f"Prometheus: {seen_instead(error, deadline, secrets).detail}")


def _series(answer: Answer, secrets: Secrets) -> list[Series]:
    """Raises Unaskable where there are no values to compare."""
    try:
        document = answer.json()
        if document["status"] != "success":
            kind, error = document["errorType"], document["error"]
            raise Unaskable(f"Prometheus: {secrets.shown(f'{kind}: {error}', _ERROR_CHARACTERS)}")
        return _values(document["data"], secrets)
    except (ValueError, LookupError, TypeError):
        raise Unaskable(f"Prometheus: {answer.words}, and not an answer of its query API") from None


def _values(data: Any, secrets: Secrets) -> list[Series]:
    match data["resultType"]:
        case "scalar":
            found = [("", float(data["result"][1]))]
        case "vector":
            found = [(_labels(one["metric"], secrets), float(one["value"][1])) for one in data["result"]]
        case kind:
            raise Unaskable(f"the result is of type {secrets.shown(str(kind))}, not a vector or scalar")
    if not found:
        raise Unaskable("no data: the query has an empty result")
    return found


def _labels(metric: Mapping[str, str], secrets: Secrets) -> str:
    name = metric.get("__name__", "")
    labels = ", ".join(f'{key}="{value}"' for key, value in sorted(metric.items()) if key != "__name__")
    return secrets.shown(f"{name}{{{labels}}}")


def _compared(question: Query, found: list[Series]) -> Seen:
    meets = _OPERATORS[question.operator]
    wanted = f"{question.operator} {question.threshold:g}"
    numbers = [(labels, value) for labels, value in found if not math.isnan(value)]
    for labels, value in numbers:
        if not meets(value, question.threshold):
            return Seen(Evidence.BAD, f"{labels or 'the value'} is {value:g}, expected {wanted}")
    if len(numbers) < len(found):
        labels = next(labels for labels, value in found if math.isnan(value))
        return Seen(Evidence.NONE, f"{labels or 'the value'} is not a number (NaN): there is no data")
    if len(found) == 1:
        return Seen(Evidence.GOOD, f"{found[0][1]:g}, expected {wanted}")
    return Seen(Evidence.GOOD, f"{len(found)} values, all {wanted}")
