"""A double of Prometheus's query API, from its documentation.

https://prometheus.io/docs/prometheus/latest/querying/api/#instant-queries
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.adapters.probe.server import Handler

AT = 1735689600.781


def vector(*series: tuple[dict[str, str], str]) -> dict[str, Any]:
    """The data of an instant vector: labels and value of each series."""
    return {"resultType": "vector", "result": [{"metric": labels, "value": [AT, v]} for labels, v in series]}


RESULTS: dict[str, dict[str, Any]] = {
    "two": vector(
        ({"__name__": "rate", "job": "backend", "instance": "a:1"}, "0.01"),
        ({"__name__": "rate", "job": "backend", "instance": "b:1"}, "0.12"),
    ),
    "one": vector(({"job": "backend"}, "0.01")),
    "empty": vector(),
    "nan": vector(({"job": "a"}, "NaN")),
    "some-nan": vector(({"job": "a"}, "NaN"), ({"job": "b"}, "0.01")),
    "nan-and-bad": vector(({"job": "a"}, "NaN"), ({"job": "b"}, "0.5")),
    "infinite": vector(({"job": "a"}, "+Inf")),
    "scalar": {"resultType": "scalar", "result": [AT, "0.5"]},
    "string": {"resultType": "string", "result": [AT, "0.01"]},
    "matrix": {"resultType": "matrix", "result": [{"metric": {}, "values": [[AT, "1"]]}]},
    "histogram": {
        "resultType": "vector",
        "result": [{"metric": {}, "histogram": [AT, {"count": "1", "sum": "1", "buckets": []}]}],
    },
}
ERROR = 'invalid parameter "query": 1:5: parse error: unexpected end of input'


class Prometheus(Handler):
    """Answers a query by its text; `asked` is each query with its Authorization header."""

    asked: list[tuple[str, str]]

    def respond(self) -> None:
        parts = urlsplit(self.path)
        query = parse_qs(parts.query)["query"][0]
        self.asked.append((query, self.headers.get("Authorization", "")))
        if not parts.path.endswith("/api/v1/query"):
            self.answer(404, b"404 page not found")
        elif query in RESULTS:
            self._json(200, {"status": "success", "data": RESULTS[query]})
        elif query == "slow":
            error = "query timed out in expression evaluation"
            self._json(503, {"status": "error", "errorType": "timeout", "error": error})
        else:
            self._json(400, {"status": "error", "errorType": "bad_data", "error": ERROR})

    def _json(self, status: int, value: object) -> None:
        self.answer(status, json.dumps(value).encode(), ("Content-Type", "application/json"))


def prometheus() -> type[Prometheus]:
    """A handler of its own."""
    return type("Own", (Prometheus,), {"asked": []})
