"""The checks of reconcile.yaml: every kind as it is read."""

from __future__ import annotations

import json

import pytest

from reconciler.domain.check import (
    Check,
    Cpu,
    Database,
    Errors,
    Exec,
    Expectation,
    Flow,
    Http,
    Latency,
    Logs,
    Memory,
    Query,
    Question,
    Request,
    SearchIndex,
    Tcp,
    Tls,
)
from reconciler.domain.severity import Severity
from tests.adapters.checks_file import one, read


def test_a_request_with_all_its_words() -> None:
    question = one(
        """x:
  http:
    url: "https://h/orders"
    method: PUT
    headers: {Accept: text/html, Authorization: "Bearer ${TOKEN}"}
    json: {n: 1, price: 1.10, on: true, none: null, text: "1", plain: yes, list: ["${A} $ b", -5]}
    status: [200, "204", 300-399]
    header: {X-Version: "^1\\\\."}
    match: "(?i)ok|done"
    expect_json: {version: "1.2.3", "items[0].ok": true, count: 3, there: , gone: null}
    redirects: 3
    tls: {verify: false, ca: /etc/ssl/own.pem}"""
    )
    assert question == Http(
        Request(
            url="https://h/orders",
            method="PUT",
            headers=(("Accept", "text/html"), ("Authorization", "Bearer ${TOKEN}")),
            json='{"n":1,"price":1.1,"on":true,"none":null,"text":"1","plain":"yes","list":["${A} $ b",-5]}',
            expect=Expectation(
                statuses=((200, 200), (204, 204), (300, 399)),
                headers=(("X-Version", r"^1\."),),
                body="(?i)ok|done",
                json=(
                    ("version", '"1.2.3"'),
                    ("items[0].ok", "true"),
                    ("count", "3"),
                    ("there", ""),
                    ("gone", "null"),
                ),
            ),
        ),
        redirects=3,
        tls=Tls(verify=False, authority="/etc/ssl/own.pem"),
    )


@pytest.mark.parametrize(
    ("written", "request_"),
    [
        ("", Request("http://h/")),
        (", method: HEAD", Request("http://h/", "HEAD")),
        (', body: "a ${B}"', Request("http://h/", "POST", body="a ${B}")),
        (
            ", form: {user: a, password: '${P}'}",
            Request("http://h/", "POST", form=(("user", "a"), ("password", "${P}"))),
        ),
        (", json: []", Request("http://h/", "POST", json="[]")),
        (", json: null", Request("http://h/", "POST", json="null")),
        (", json: {q: 'query($id: ID)'}", Request("http://h/", "POST", json='{"q":"query($id: ID)"}')),
        (", method: GET, json: 1", Request("http://h/", "GET", json="1")),
        (", status: 204", Request("http://h/", expect=Expectation(((204, 204),)))),
        (', status: "200-204"', Request("http://h/", expect=Expectation(((200, 204),)))),
    ],
)
def test_what_is_sent_and_when_it_is_sent_with_post(written: str, request_: Request) -> None:
    assert one(f"x: {{http: {{url: 'http://h/'{written}}}}}") == Http(request_)


LOGIN = "{post: 'http://h/login', json: {password: '${P}'}, capture: {token: access_token}}"
CUSTOMERS = "{get: 'http://h/customers', headers: {Authorization: 'Bearer ${token}'}}"


def test_a_flow_as_a_list_or_with_what_holds_for_all_of_it() -> None:
    requests = (
        Request("http://h/login", "POST", json='{"password":"${P}"}', capture=(("token", "access_token"),)),
        Request("http://h/customers", headers=(("Authorization", "Bearer ${token}"),)),
    )
    assert one(f"x: {{flow: [{LOGIN}, {CUSTOMERS}]}}") == Flow(requests)
    with_more = f"x: {{flow: {{steps: [{LOGIN}, {CUSTOMERS}], redirects: 1, tls: {{ca: /c}}}}}}"
    assert one(with_more) == Flow(requests, redirects=1, tls=Tls(authority="/c"))


@pytest.mark.parametrize("verb", ["get", "head", "post", "put", "patch", "delete"])
def test_every_method_of_a_step(verb: str) -> None:
    assert one(f"x: {{flow: [{{{verb}: 'http://h/'}}]}}") == Flow((Request("http://h/", verb.upper()),))


@pytest.mark.parametrize(
    ("written", "question", "severity"),
    [
        ("tcp: 'localhost:5432'", Tcp("localhost", 5432), "critical"),
        ("tcp: localhost:65535", Tcp("localhost", 65535), "critical"),
        ("tcp: '[::1]:5432'", Tcp("::1", 5432), "critical"),
        ("tcp: {host: '::1', port: 5432}", Tcp("::1", 5432), "critical"),
        ("exec: {service: db, command: [pg_isready, -q]}", Exec("db", ("pg_isready", "-q")), "critical"),
        (
            "query: {url: 'http://p', query: 'a > 1', below: 0.05, headers: {X-Scope: a}}",
            Query("http://p", "a > 1", "<", 0.05, (("X-Scope", "a"),)),
            "critical",
        ),
        ("query: {url: 'http://p', query: up, above: -1}", Query("http://p", "up", ">", -1.0), "critical"),
        ("query: {url: 'http://p', query: up, at_most: 1e3}", Query("http://p", "up", "<=", 1e3), "critical"),
        ("query: {url: 'http://p', query: up, at_least: 1}", Query("http://p", "up", ">=", 1), "critical"),
        ("query: {url: 'http://p', query: up, equals: 0}", Query("http://p", "up", "==", 0), "critical"),
        ("couchdb: {url: 'http://h:5984', database: a}", Database("http://h:5984", "a"), "critical"),
        (
            "couchdb: {url: 'https://h', database: a/b, documents: 7, username: '${U}', password: '${P}'}",
            Database("https://h", "a/b", 7, "${U}", "${P}"),
            "critical",
        ),
        ("meilisearch: {url: 'http://h:7700', index: a}", SearchIndex("http://h:7700", "a"), "critical"),
        (
            "meilisearch: {url: 'http://h', index: a_B-1, documents: 7, key: '${K}'}",
            SearchIndex("http://h", "a_B-1", 7, "${K}"),
            "critical",
        ),
        ("latency: {of: web}", Latency("web"), "high"),
        (
            "latency: {of: web, worse_than: {high: 150%, low: 2.5%}, percentile: 95, samples: 40}",
            Latency("web", 1.5, 0.025, 95, 40),
            "high",
        ),
        ("errors: {of: web}", Errors("web"), "high"),
        ("errors: {of: web, rate: 0%, samples: 50}", Errors("web", 0.0, 50), "high"),
        ("memory: {services: [a]}", Memory(("a",)), "high"),
        (
            "memory: {services: [a, b, a], growth: 10%, limit: 100%, full_within: 2h}",
            Memory(("a", "b"), 0.1, 1.0, 7200.0),
            "high",
        ),
        ("cpu: {services: [a]}", Cpu(("a",)), "high"),
        ("cpu: {services: [a], growth: 0%, limit: 50%}", Cpu(("a",), 0.0, 0.5), "high"),
        ("logs: {services: [a]}", Logs(("a",)), "medium"),
        ("logs: {services: [a], match: boom, new: 2}", Logs(("a",), "boom", 2), "medium"),
        (
            "logs: {services: [a], match: boom, new_per_minute: 0.5}",
            Logs(("a",), "boom", None, 0.5),
            "medium",
        ),
        (
            "logs: {services: [a], match: boom, new: 0, new_per_minute: 10}",
            Logs(("a",), "boom", 0, 10),
            "medium",
        ),
    ],
)
def test_the_other_kinds_and_how_bad_they_usually_are(
    written: str, question: Question, severity: str
) -> None:
    check = read("web: {http: {url: 'http://h/'}}", f"x: {{{written}}}")["x"]
    assert check == Check("x", question, Severity(severity))


def test_when_a_check_counts() -> None:
    checks = read(
        "x:\n  tcp: h:1\n  severity: low\n  interval: 500ms\n  timeout: 2s\n"
        "  successes: 2\n  failures: 5\n  start_period: 1m",
        "own: {http: {url: 'http://h/', timeout: 1s}, timeout: 9s}",
    )
    assert checks["x"] == Check("x", Tcp("h", 1), Severity.LOW, 0.5, 2.0, 2, 5, 60.0)
    assert checks["own"].time_limit_seconds == 1.0


def test_json_is_kept_as_it_is_meant() -> None:
    question = one(
        'x: {http: {url: "http://h/", json: {quote: "a \\"b\\" ${C}", euro: "€", deep: {a: [[1]]}}}}'
    )
    assert isinstance(question, Http)
    assert json.loads(question.request.json) == {"quote": 'a "b" ${C}', "euro": "€", "deep": {"a": [[1]]}}
