"""One HTTP request, against real servers on loopback."""

from __future__ import annotations

import json
import socket
from concurrent.futures import ThreadPoolExecutor

import pytest

from reconciler.adapters.probe import OutsideProbe
from reconciler.adapters.probe.answer import TEXT_BYTES
from reconciler.domain.check import Expectation, Http, Request
from reconciler.domain.gate import Evidence
from tests.adapters.probe.server import Odd, raw
from tests.bed.registry import free_port

Server = tuple[type[Odd], str]


def http(url: str, method: str = "GET", *, redirects: int = 0) -> Http:
    return Http(Request(url, method), redirects)


@pytest.mark.parametrize("status", [200, 201, 299])
def test_success_is_good(server: Server, probe: OutsideProbe, status: int) -> None:
    seen = probe.ask(http(f"http://{server[1]}/status/{status}"), 5)
    assert (seen.evidence, seen.status, seen.detail.split()[0]) == (Evidence.GOOD, status, str(status))
    assert seen.seconds > 0


@pytest.mark.parametrize("status", [400, 401, 404, 500, 501, 599])
def test_refusal_and_failure_are_bad(server: Server, probe: OutsideProbe, status: int) -> None:
    seen = probe.ask(http(f"http://{server[1]}/status/{status}"), 5)
    assert (seen.evidence, seen.status, seen.detail.split()[0]) == (Evidence.BAD, status, str(status))
    assert seen.seconds > 0, "a bad answer takes its time too"


@pytest.mark.parametrize("status", [502, 503, 504])
def test_what_stands_before_a_starting_server_says_unready(
    server: Server, probe: OutsideProbe, status: int
) -> None:
    seen = probe.ask(http(f"http://{server[1]}/status/{status}"), 5)
    assert (seen.evidence, seen.status) == (Evidence.UNREADY, status)


def test_a_status_that_is_expected_is_good_whatever_it_is(server: Server, probe: OutsideProbe) -> None:
    expect = Expectation(statuses=((503, 503), (301, 302)))
    for path in ("status/503", "hops/1"):
        question = Http(Request(f"http://{server[1]}/{path}", expect=expect), redirects=3)
        assert probe.ask(question, 5).evidence is Evidence.GOOD


def test_what_is_sent_is_what_the_request_says(server: Server, probe: OutsideProbe) -> None:
    url = f"http://{server[1]}/path with/ünïcode?q=a b&x=%2F"
    for request in (
        Request(url, "POST", headers=(("accept", "text/html"), ("X-One", "1")), json='{"a": [1, "é"]}'),
        Request(url, "PUT", form=(("a", "1 & 2"), ("b", "é"))),
        Request(url, "POST", body="plain"),
        Request(url, "HEAD"),
    ):
        assert probe.ask(Http(request), 5).evidence is Evidence.GOOD
    posted, put, plain, head = server[0].asked
    assert posted[:2] == ("POST", "/path%20with/%C3%BCn%C3%AFcode?q=a%20b&x=%2F")
    assert json.loads(posted[3]) == {"a": [1, "é"]}
    assert {"accept": "text/html", "X-One": "1", "Content-Type": "application/json"}.items() <= posted[
        2
    ].items()
    assert posted[2]["Host"] == server[1]
    assert "Accept" not in posted[2], "one's own header is instead of the usual one"
    assert put[3] == b"a=1+%26+2&b=%C3%A9"
    assert plain[3] == b"plain"
    assert head[0] == "HEAD"


# --- redirects ------------------------------------------------------------------------------------


def test_a_redirect_is_bad_and_not_followed(server: Server, probe: OutsideProbe) -> None:
    for redirects in (0, 5):
        seen = probe.ask(http(f"http://{server[1]}/to/login", redirects=redirects), 5)
        assert (seen.evidence, seen.detail) == (
            Evidence.BAD,
            "302, a redirect to https://elsewhere.test/to/login",
        )


def test_redirects_on_the_same_host_are_followed_so_often(server: Server, probe: OutsideProbe) -> None:
    url = f"http://{server[1]}/hops/3"
    assert probe.ask(http(url, redirects=3), 5).evidence is Evidence.GOOD
    assert "hop=1" in server[0].asked[-1][2]["Cookie"], "cookies go along"
    seen = probe.ask(http(url, redirects=2), 5)
    assert (seen.evidence, seen.detail) == (Evidence.BAD, "302, a redirect to /hops/0, after 2 others")


def test_another_port_or_scheme_is_another_place(server: Server, probe: OutsideProbe) -> None:
    host, port = server[1].split(":")
    for there in (f"https://{server[1]}/", f"http://{host}:{int(port) - 1}/", f"http://localhost:{port}/"):
        seen = probe.ask(http(f"http://{server[1]}/answer?status=302&Location={there}", redirects=5), 5)
        assert seen.evidence is Evidence.BAD
    assert len(server[0].asked) == 3


def test_a_form_that_was_sent_is_followed_by_a_get(server: Server, probe: OutsideProbe) -> None:
    for status, then in ((302, "GET"), (303, "GET"), (307, "POST"), (308, "POST")):
        url = f"http://{server[1]}/answer?status={status}&Location=/there"
        seen = probe.ask(Http(Request(url, "POST", form=(("a", "1"),)), redirects=1), 5)
        method, path, headers, body = server[0].asked[-1]
        assert (seen.evidence, path, method) == (Evidence.GOOD, "/there", then)
        assert (body == b"a=1", "Content-Type" in headers) == (then == "POST", then == "POST")


# --- limits ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["silent", "drip", "drip-body"])
def test_the_whole_look_has_a_limit(server: Server, probe: OutsideProbe, path: str) -> None:
    """Also when every single byte comes in time: a header that drips takes half an hour here."""
    seen = probe.ask(http(f"http://{server[1]}/{path}"), 0.3)
    assert (seen.evidence, seen.detail) == (Evidence.UNREADY, "no whole answer within 0.3 s")
    assert (seen.seconds, seen.status) == (0, 0)


def test_a_connection_that_nobody_accepts_has_the_same_limit(probe: OutsideProbe) -> None:
    with socket.socket() as full, socket.socket() as waiting:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        waiting.setblocking(False)
        waiting.connect_ex(full.getsockname())
        with socket.socket() as another:
            another.setblocking(False)
            another.connect_ex(full.getsockname())
            seen = probe.ask(http(f"http://127.0.0.1:{full.getsockname()[1]}/"), 0.3)
    assert (seen.evidence, seen.detail) == (Evidence.UNREADY, "no whole answer within 0.3 s")


def test_a_request_that_is_taken_in_sips_has_the_same_limit(server: Server, probe: OutsideProbe) -> None:
    taken = 0

    def sips(connection: socket.socket) -> None:
        nonlocal taken
        while sip := len(connection.recv(262_144)):
            taken += sip
            server[0].over.wait(0.01)

    with raw(sips) as address:
        seen = probe.ask(Http(Request(f"http://{address}/", "POST", body="x" * 30_000_000)), 0.3)
    assert (seen.evidence, seen.detail) == (Evidence.UNREADY, "no whole answer within 0.3 s")
    assert taken < 30_000_000


def test_a_body_is_read_only_so_far(server: Server, probe: OutsideProbe) -> None:
    seen = probe.ask(http(f"http://{server[1]}/big"), 5)
    assert seen.evidence is Evidence.GOOD
    assert server[0].over.wait(5), "the server saw that we hung up"
    assert server[0].sent[0] < 200 * TEXT_BYTES


def test_looks_at_once_do_not_wait_for_each_other(server: Server, probe: OutsideProbe) -> None:
    asked = [(http(f"http://{server[1]}/silent"), 0.3)] * 4 + [
        (http(f"http://{server[1]}/status/200"), 5)
    ] * 4
    with ThreadPoolExecutor(8) as pool:
        found = [seen.evidence for seen in pool.map(lambda one: probe.ask(*one), asked)]
    assert found == [Evidence.UNREADY] * 4 + [Evidence.GOOD] * 4


def test_a_hundred_looks_at_once(server: Server, probe: OutsideProbe) -> None:
    """All are under way before any ends: there is no pool in which they would queue."""
    with ThreadPoolExecutor(100) as pool:
        silent = [pool.submit(probe.ask, http(f"http://{server[1]}/silent"), 20) for _ in range(99)]
        assert all(server[0].silent.acquire(timeout=20) for _ in silent)
        assert probe.ask(http(f"http://{server[1]}/"), 5).evidence is Evidence.GOOD
        server[0].over.set()
        assert {one.result().evidence for one in silent} == {Evidence.UNREADY}


# --- what it does not use -------------------------------------------------------------------------


def test_proxies_of_the_environment_are_not_used(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    assert OutsideProbe().ask(http(f"http://{server[1]}/"), 5).evidence is Evidence.GOOD


def test_no_connection_outlives_its_look(probe: OutsideProbe) -> None:
    """The next container on the same port must not be reached through a connection to the last one."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        with ThreadPoolExecutor(1) as pool:
            for _ in range(2):
                looking = pool.submit(probe.ask, http(url), 5)
                connection, _ = listener.accept()
                with connection:
                    connection.recv(65536)
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
                    assert looking.result().evidence is Evidence.GOOD
                    assert connection.recv(1) == b""


def test_no_cookie_outlives_its_look(server: Server, probe: OutsideProbe) -> None:
    for _ in range(2):
        probe.ask(http(f"http://{server[1]}/answer?Set-Cookie=session=1"), 5)
    assert "Cookie" not in server[0].asked[-1][2]


def test_an_early_answer_is_seen_although_the_request_was_not_read() -> None:
    def too_large(connection: socket.socket) -> None:
        connection.recv(100)
        connection.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")

    with raw(too_large) as address:
        seen = OutsideProbe({}).ask(Http(Request(f"http://{address}/", "POST", body="x" * 30_000_000)), 5)
    assert (seen.evidence, seen.status) == (Evidence.BAD, 413)
