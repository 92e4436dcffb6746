"""The checks of a gate, as ``reconcile.yaml`` writes them."""

from __future__ import annotations

from typing import Final

from reconciler.adapters.state_files import requests
from reconciler.adapters.state_files.nodes import Node, Text
from reconciler.adapters.state_files.written import Written
from reconciler.domain.check import (
    Check,
    Cpu,
    Database,
    Errors,
    Exec,
    Latency,
    Logs,
    Memory,
    Query,
    Question,
    SearchIndex,
    Tcp,
)
from reconciler.domain.severity import Severity

KINDS: Final = (
    *("http", "flow", "tcp", "exec", "query", "couchdb", "meilisearch"),
    *("latency", "errors", "memory", "cpu", "logs"),
)
_OPERATORS: Final = {"below": "<", "above": ">", "at_most": "<=", "at_least": ">=", "equals": "=="}


def check(name: str, node: Node) -> Check:
    """One check; what is not written has the domain's defaults."""
    written = Written(node)
    kind = kind_of(written)
    question = _question(kind, written)
    usual = Check(name, question, _usual_severity(question))
    # The time limit of the request itself came first, and is the more precise of the two.
    limit = written.seconds("timeout", usual.time_limit_seconds)
    return Check(
        name=name,
        question=question,
        severity=Severity(written.text("severity", usual.severity)),
        interval_seconds=written.seconds("interval", usual.interval_seconds),
        time_limit_seconds=written.part(kind).seconds("timeout", limit),
        successes=written.whole("successes", usual.successes),
        failures=written.whole("failures", usual.failures),
        start_period_seconds=written.seconds("start_period", usual.start_period_seconds),
    )


def kind_of(written: Written) -> str:
    """Which of ``KINDS`` a check is."""
    return next(kind for kind in KINDS if written.node(kind) is not None)


def _usual_severity(question: Question) -> Severity:
    match question:
        case Latency() | Errors() | Memory() | Cpu():
            return Severity.HIGH
        case Logs():
            return Severity.MEDIUM
        case _:
            return Severity.CRITICAL


def _question(kind: str, check: Written) -> Question:
    written = check.part(kind)
    match kind:
        case "http":
            return requests.http(written)
        case "flow":
            return requests.flow(check.node(kind))
        case "tcp":
            return _tcp(check.node(kind))
        case "exec":
            command = tuple(word.value for word in written.items("command"))
            return Exec(written.text("service"), command)
        case "query":
            return _query(written)
        case "couchdb":
            return _database(written)
        case "meilisearch":
            return _index(written)
        case _:
            return _compared(kind, written)


def _tcp(node: Node | None) -> Tcp:
    """A connection: ``host:port``, or both by name."""
    if isinstance(node, Text):
        host, _, port = node.value.rpartition(":")
        return Tcp(host.strip("[]"), int(port))
    written = Written(node)
    return Tcp(written.text("host").strip("[]"), written.whole("port", 0))


def _query(written: Written) -> Query:
    key = next(key for key in _OPERATORS if written.node(key) is not None)
    return Query(
        url=written.text("url"),
        query=written.text("query"),
        operator=_OPERATORS[key],
        threshold=written.number(key) or 0.0,
        headers=written.texts("headers"),
    )


def _database(written: Written) -> Database:
    return Database(
        url=written.text("url"),
        database=written.text("database"),
        documents=written.whole("documents", 0),
        username=written.text("username"),
        password=written.text("password"),
    )


def _index(written: Written) -> SearchIndex:
    return SearchIndex(
        url=written.text("url"),
        index=written.text("index"),
        documents=written.whole("documents", 0),
        key=written.text("key"),
    )


def _compared(kind: str, written: Written) -> Question:
    """What is measured for a while and compared."""
    of = written.text("of")
    match kind:
        case "latency":
            return _latency(of, written)
        case "errors":
            usual = Errors(of)
            rate = written.share("rate", usual.rate)
            return Errors(of, rate, written.whole("samples", usual.samples))
        case "logs":
            return _logs(written)
        case "memory":
            return _memory(written)
        case _:
            idle = Cpu(_services(written))
            growth = written.share("growth", idle.growth)
            return Cpu(idle.services, growth, written.share("limit", idle.limit))


def _latency(of: str, written: Written) -> Latency:
    usual, worse = Latency(of), written.part("worse_than")
    return Latency(
        of=of,
        high=worse.share("high", usual.high),
        low=worse.share("low", usual.low),
        percentile=written.whole("percentile", usual.percentile),
        samples=written.whole("samples", usual.samples),
    )


def _memory(written: Written) -> Memory:
    usual = Memory(_services(written))
    return Memory(
        services=usual.services,
        growth=written.share("growth", usual.growth),
        limit=written.share("limit", usual.limit),
        full_within_seconds=written.seconds("full_within", usual.full_within_seconds),
    )


def _logs(written: Written) -> Logs:
    """Where only a rate is asked for, only the rate counts."""
    usual = Logs(_services(written))
    rate = written.number("new_per_minute")
    counts = written.node("new") is not None or rate is None
    return Logs(
        services=usual.services,
        match=written.text("match", usual.match),
        new=written.whole("new", usual.new or 0) if counts else None,
        per_minute=rate,
    )


def _services(written: Written) -> tuple[str, ...]:
    return tuple(dict.fromkeys(service.value for service in written.items("services")))
