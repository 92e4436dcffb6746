"""Prometheus queries, against a double of its API."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from reconciler.adapters.probe import OutsideProbe
from reconciler.domain.check import Query
from reconciler.domain.gate import Evidence
from tests.adapters.probe.prometheus import ERROR, Prometheus, prometheus
from tests.adapters.probe.server import Odd, listening
from tests.bed.registry import free_port


@pytest.fixture
def metrics() -> Iterator[tuple[type[Prometheus], str]]:
    handler = prometheus()
    with listening(handler) as address:
        yield handler, address


@pytest.mark.parametrize(
    ("query", "operator", "evidence", "words"),
    [
        ("one", "<", Evidence.GOOD, "0.01, expected < 0.05"),
        ("scalar", ">", Evidence.GOOD, "0.5, expected > 0.05"),
        ("scalar", "<", Evidence.BAD, "the value is 0.5, expected < 0.05"),
        ("two", "!=", Evidence.GOOD, "2 values, all != 0.05"),
        ("two", "<=", Evidence.BAD, 'rate{instance="b:1", job="backend"} is 0.12, expected <= 0.05'),
        ("two", ">=", Evidence.BAD, 'rate{instance="a:1", job="backend"} is 0.01, expected >= 0.05'),
        ("one", "==", Evidence.BAD, '{job="backend"} is 0.01, expected == 0.05'),
        ("infinite", "<", Evidence.BAD, '{job="a"} is inf, expected < 0.05'),
        ("nan-and-bad", "<", Evidence.BAD, '{job="b"} is 0.5, expected < 0.05'),
        ("empty", "<", Evidence.NONE, "no data: the query has an empty result"),
        ("nan", "<", Evidence.NONE, '{job="a"} is not a number (NaN): there is no data'),
        ("some-nan", "<", Evidence.NONE, '{job="a"} is not a number (NaN): there is no data'),
        ("string", "<", Evidence.NONE, "the result is of type string, not a vector or scalar"),
        ("matrix", "<", Evidence.NONE, "the result is of type matrix, not a vector or scalar"),
        ("histogram", "<", Evidence.NONE, "Prometheus: 200 OK, and not an answer of its query API"),
        ("rate(", "<", Evidence.NONE, f"Prometheus: bad_data: {ERROR}"),
        ("slow", "<", Evidence.NONE, "Prometheus: timeout: query timed out in expression evaluation"),
        ("one", "=<", Evidence.NONE, "'=<' is not a comparison"),
    ],
)
def test_what_a_result_comes_to(
    metrics: tuple[type[Prometheus], str], query: str, operator: str, evidence: Evidence, words: str
) -> None:
    seen = OutsideProbe({}).ask(Query(f"http://{metrics[1]}", query, operator, 0.05), 5)
    assert (seen.evidence, seen.detail) == (evidence, words)


def test_queries_arrive_as_they_were_written(metrics: tuple[type[Prometheus], str]) -> None:
    query = 'sum(rate(http_requests_total{code=~"5.."}[5m])) / 2 + ${x} & "ü"'
    question = Query(
        f"http://{metrics[1]}/prometheus/", query, "<", 1, (("Authorization", "Bearer ${METRICS}"),)
    )
    OutsideProbe({"METRICS": "secret"}).ask(question, 5)
    assert metrics[0].asked == [(query, "Bearer secret")]


def test_metrics_that_cannot_be_asked_are_no_evidence(server: tuple[type[Odd], str]) -> None:
    for url in (
        f"http://127.0.0.1:{free_port()}",
        f"http://{server[1]}",
        f"http://{server[1]}/status/500?",
        f"http://{server[1]}/status/503?",
        f"http://{server[1]}/to/login?",
        "nonsense",
        "${NOWHERE}",
    ):
        assert OutsideProbe({}).ask(Query(url, "up", ">", 0), 5).evidence is Evidence.NONE
    seen = OutsideProbe({}).ask(Query(f"http://{server[1]}/silent?", "up", ">", 0), 0.2)
    assert (seen.evidence, seen.detail) == (Evidence.NONE, "Prometheus: no whole answer within 0.2 s")
