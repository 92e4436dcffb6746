"""The checks of reconcile.yaml: every way to get one wrong."""

from __future__ import annotations

import pytest

from reconciler.errors import InvalidSettings
from tests.adapters.checks_file import read, refusals


@pytest.mark.parametrize(
    ("check", "refused"),
    [
        ("x: {}", "8:9 'x': a check has exactly one kind: http, flow, tcp"),
        ("x: {severity: low}", "8:9 'x': a check has exactly one kind"),
        ("x: {tcp: 'h:1', exec: {service: a, command: [b]}}", "8:25 'x': a check has exactly one kind"),
        ("x: {tpc: 'h:1'}", "8:13 'tpc' is not a key of 'x'"),
        ("x: {tcp: 'h:1', interval: 2h}", "8:35 'interval' is at most 1h"),
        ("x: {tcp: 'h:1', interval: 0s}", "8:35 'x.interval': a duration is a whole number above zero"),
        ("x: {tcp: 'h:1', timeout: 601s}", "8:34 'timeout' is at most 10m"),
        ("x: {tcp: 'h:1', start_period: 61m}", "8:39 'start_period' is at most 1h"),
        ("x: {tcp: 'h:1', successes: 0}", "8:36 'x.successes' must be at least 1"),
        ("x: {tcp: 'h:1', failures: 101}", "8:35 'x.failures' must be at most 100"),
        ("x: {tcp: 'h:1', failures: 2.5}", "8:35 'x.failures': '2.5' is not a whole number"),
        ("x: {tcp: 'h:65536'}", "8:18 'x.tcp': a TCP check is written host:port"),
        ("x: {tcp: 5432}", "8:18 'x.tcp': 5432 is read as a number"),
        ("x: {tcp: {host: h}}", "8:13 'x.tcp' has no 'port'"),
        ("x: {tcp: {host: 'h:1', port: 1}}", "8:25 'x.tcp.host': a host is a name or an address"),
        ("x: {exec: {service: a, command: pg_isready}}", "8:41 'x.exec.command': 'pg_isready' is not a list"),
        ("x: {exec: {service: a, command: []}}", "8:41 'x.exec.command' is empty"),
        ("x: {http: {url: 'http://h/', method: get}}", "8:46 'x.http.method': 'get' is none of GET, HEAD"),
        (
            "x: {http: {url: 'http://h/', body: a, json: {}}}",
            "8:47 'x.http': a request has at most one of body",
        ),
        ("x: {http: {url: 'http://h/', status: 99}}", "8:46 'x.http.status' must be at least 100"),
        (
            "x: {http: {url: 'http://h/', status: [2xx]}}",
            "8:47 'x.http.status.0': a status is a number such as",
        ),
        ("x: {http: {url: 'http://h/', status: 299-200}}", "8:46 the range is empty"),
        ("x: {http: {url: 'http://h/', status: [200, 204-203]}}", "8:52 the range is empty"),
        ("x: {http: {url: 'http://h/', match: 'a('}}", "8:45 this is not a regular expression: missing )"),
        (
            "x: {http: {url: 'http://h/', match: '[[a]'}}",
            "8:45 this is not a regular expression: Possible nested",
        ),
        ("x: {http: {url: 'http://h/', match: ''}}", "8:45 'x.http.match' is empty"),
        (
            "x: {http: {url: 'http://h/', match: '^${A}'}}",
            "8:45 'x.http.match': variables are not filled into",
        ),
        (
            "x: {http: {url: 'http://h/', header: {X-V: '*'}}}",
            "8:52 this is not a regular expression: nothing to",
        ),
        ("x: {logs: {services: [a], match: '(?P<a'}}", "8:42 this is not a regular expression: missing >"),
        (
            "x: {http: {url: 'http://h/', expect_json: {'a..b': 1}}}",
            "8:52 'a..b': a path into JSON is written",
        ),
        (
            "x: {http: {url: 'http://h/', expect_json: {a: '${B}'}}}",
            "8:55 'x.http.expect_json.a': variables are not",
        ),
        (
            "x: {http: {url: 'http://h/', expect_json: {a: .inf}}}",
            "8:55 'x.http.expect_json.a' must be at most",
        ),
        ("x: {http: {url: 'http://h/', json: [.nan]}}", "8:45 'x.http.json.0' must be at most 1e+308"),
        ("x: {http: {url: 'http://h/', json: {'${A}': 1}}}", "8:45 '${A}': a variable may stand in a value"),
        (
            "x: {http: {url: 'http://h/', headers: {A B: c}}}",
            "8:48 'A B': a header's name is 1 to 100 letters",
        ),
        (
            "x: {http: {url: 'http://h/', headers: {content-length: '1'}}}",
            "8:48 'content-length': a header's name",
        ),
        ("x: {http: {url: 'http://h/', headers: {A: 1}}}", "8:51 'x.http.headers.A': 1 is read as a number"),
        ("x: {http: {url: 'http://h/', redirects: 21}}", "8:49 'x.http.redirects' must be at most 20"),
        (
            "x: {http: {url: 'http://h/', tls: {ca: own.pem}}}",
            "8:48 'x.http.tls.ca': the file of certificates is",
        ),
        ("x: {query: {url: 'http://h/', query: up}}", "8:13 'x.query': a query has exactly one threshold"),
        (
            "x: {query: {url: 'http://h/', query: up, below: 1, above: 2}}",
            "8:60 'x.query': a query has exactly one",
        ),
        (
            "x: {query: {url: 'http://h/', query: up, below: low}}",
            "8:57 'x.query.below': 'low' is not a number",
        ),
        (
            "x: {query: {url: 'http://h/', query: up, below: .inf}}",
            "8:57 'x.query.below' must be at most 1e+308",
        ),
        ("x: {couchdb: {url: 'http://h'}}", "8:13 'x.couchdb' has no 'database'"),
        (
            "x: {couchdb: {url: 'h:5984', database: a}}",
            "8:28 'x.couchdb.url': an address is http://host:port",
        ),
        (
            "x: {couchdb: {url: 'http://h', database: Kompass}}",
            "8:50 'x.couchdb.database': CouchDB allows lower-case letters",
        ),
        (
            "x: {couchdb: {url: 'http://h', database: a, username: '${U}'}}",
            "8:22 'x.couchdb': a user name and a password belong together",
        ),
        (
            "x: {couchdb: {url: 'http://h', database: a, documents: -1}}",
            "8:64 'x.couchdb.documents' must be at least 0",
        ),
        ("x: {meilisearch: {url: 'http://h'}}", "8:13 'x.meilisearch' has no 'index'"),
        (
            "x: {meilisearch: {url: 'http://h', index: a/b}}",
            "8:51 'x.meilisearch.index': MeiliSearch allows letters, digits, _ and -",
        ),
        ("x: {flow: []}", "8:19 'x.flow' is empty: a list is expected"),
        ("x: {flow: {redirects: 1}}", "8:13 'x.flow' has no 'steps'"),
        ("x: {flow: [{headers: {}}]}", "8:20 'x.flow.0': a step has exactly one of get, head, post"),
        (
            "x: {flow: [{get: 'http://h/', post: 'http://h/'}]}",
            "8:39 'x.flow.0': a step has exactly one of get",
        ),
        ("x: {flow: [{gte: 'http://h/'}]}", "8:21 'gte' is not a key of 'x.flow.0'"),
        (
            "x: {flow: [{get: 'http://h/', capture: {a: 'header:'}}]}",
            "8:52 'x.flow.0.capture.a': a value is captured",
        ),
        ("x: {flow: [{get: 'http://h/', capture: {a-b: c}}]}", "8:49 'a-b': a captured value is named with"),
        ("x: {latency: {of: x}}", "8:27 'x' is a check of the kind 'latency', not an HTTP check or a flow"),
        ("x: {latency: {}}", "8:13 'x.latency' has no 'of'"),
        ("x: {memory: {services: [a], growth: 50}}", "8:45 'x.memory.growth': 50 is read as a number"),
        (
            "x: {memory: {services: [a], growth: 1001%}}",
            "8:45 'x.memory.growth': a percentage is written 50%",
        ),
        (
            "x: {memory: {services: [a], limit: 101%}}",
            "8:44 'x.memory.limit': a share is a percentage from 0%",
        ),
        ("x: {memory: {services: [a], full_within: 25h}}", "8:50 'full_within' is at most 24h"),
        ("x: {memory: {services: []}}", "8:32 'x.memory.services' is empty"),
        (
            "x: {logs: {services: [a b]}}",
            "8:31 'x.logs.services.0': a service is named as in the Compose files",
        ),
        ("x: {logs: {services: [a], new_per_minute: -5}}", "8:51 'x.logs.new_per_minute' must be at least 0"),
    ],
)
def test_what_is_refused_is_located(check: str, refused: str) -> None:
    (found,) = refusals(check)
    assert found.startswith(refused), found


def test_a_flow_has_twenty_steps_at_most() -> None:
    steps = ", ".join(["{get: 'http://h/'}"] * 21)
    assert refusals(f"x: {{flow: [{steps}]}}") == ["8:19 'x.flow' has more than 20 entries"]


@pytest.mark.parametrize(
    ("worse", "refused"),
    [
        ("{high: 20%, low: 50%}", "'low' (50%) is more than 'high' (20%)"),
        ("{low: 60%}", "'low' (60%) is more than 'high' (50%)"),
        ("{high: 10%}", "'low' (20%) is more than 'high' (10%)"),
    ],
)
def test_low_is_not_more_than_high(worse: str, refused: str) -> None:
    found = refusals("web: {http: {url: 'http://h/'}}", f"x: {{latency: {{of: web, worse_than: {worse}}}}}")
    assert [message.partition(" ")[2] for message in found] == [refused]
    assert found[0].startswith("9:")


@pytest.mark.parametrize(
    ("of", "message", "hint"),
    [
        ("wbe", "no check of this environment is called 'wbe'", "did you mean 'web'?"),
        ("zzz", "no check of this environment is called 'zzz'", "HTTP checks and flows here: web, sign-in"),
        (
            "port",
            "'port' is a check of the kind 'tcp', not an HTTP check or a flow",
            "HTTP checks and flows here",
        ),
    ],
)
@pytest.mark.parametrize("kind", ["latency", "errors"])
def test_what_is_compared_must_be_asked(kind: str, of: str, message: str, hint: str) -> None:
    with pytest.raises(InvalidSettings) as raised:
        read(
            "web: {http: {url: 'http://h/'}}",
            "sign-in: {flow: [{get: 'http://h/'}]}",
            "port: {tcp: 'h:1'}",
            f"x: {{{kind}: {{of: {of}}}}}",
        )
    (finding,) = raised.value.findings
    assert (finding.line, finding.message) == (11, message)
    assert finding.hint.startswith(hint)
