"""HTTP requests as ``reconcile.yaml`` writes them: what is sent, and what a good answer looks like."""

from __future__ import annotations

import json
from typing import Final

from reconciler.adapters.state_files.nodes import Items, Mapping, Node, Text
from reconciler.adapters.state_files.scalars import document
from reconciler.adapters.state_files.written import Written
from reconciler.domain.check import Expectation, Flow, Http, Request, Tls

VERBS: Final = ("get", "head", "post", "put", "patch", "delete")
"""The key of a flow's step that holds its URL."""
_SENT: Final = ("body", "json", "form")


def http(written: Written) -> Http:
    """One request: the ``http`` of a check."""
    sends = any(written.node(key) is not None for key in _SENT)
    method = written.text("method", "POST" if sends else "GET")
    request = _request(written, method, written.text("url"))
    return Http(request, written.whole("redirects", 0), _tls(written))


def flow(node: Node | None) -> Flow:
    """Several requests in order: the ``flow`` of a check, a list or a mapping with ``steps``."""
    written = Written(node)
    requests = tuple(_request(step, verb(step).upper(), step.text(verb(step))) for step in steps(node))
    return Flow(requests, written.whole("redirects", 0), _tls(written))


def steps(node: Node | None) -> tuple[Written, ...]:
    """The steps of a flow."""
    found = Written(node).node("steps") if isinstance(node, Mapping) else node
    return tuple(Written(step) for step in found.items) if isinstance(found, Items) else ()


def verb(step: Written) -> str:
    """Which of ``VERBS`` a step uses."""
    return next((word for word in VERBS if step.node(word) is not None), "get")


def statuses(node: Node | None) -> tuple[tuple[int, int], ...]:
    """The ranges of ``status``: a number, a range such as ``200-299``, or a list of both."""
    if node is None:
        return Expectation().statuses
    found = node.items if isinstance(node, Items) else (node,)
    return tuple(_range(item) for item in found if isinstance(item, Text))


def _range(item: Text) -> tuple[int, int]:
    low, _, high = item.value.partition("-")
    if high:
        return int(low), int(high)
    number = document(item)
    one = int(number) if isinstance(number, int | float | str) else 0
    return one, one


def _request(written: Written, method: str, url: str) -> Request:
    sent = written.node("json")
    return Request(
        url=url,
        method=method,
        headers=written.texts("headers"),
        body=written.text("body"),
        json=_json(sent) if sent is not None else "",
        form=written.texts("form"),
        expect=_expectation(written),
        capture=written.texts("capture"),
    )


def _expectation(written: Written) -> Expectation:
    return Expectation(
        statuses=statuses(written.node("status")),
        headers=written.texts("header"),
        body=written.text("match"),
        json=tuple((path.value, _expected(node)) for path, node in written.entries("expect_json")),
    )


def _expected(node: Node) -> str:
    """Nothing at all after the colon, which is not the same as ``null``, asks only that the path is there."""
    nothing = isinstance(node, Text) and not node.style and not node.value
    return "" if nothing else _json(node)


def _json(node: Node) -> str:
    return json.dumps(document(node), ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _tls(written: Written) -> Tls:
    tls = written.part("tls")
    return Tls(verify=tls.flag("verify", default=True), authority=tls.text("ca"))
