"""What of an answer is looked at, and what is said about it."""

from __future__ import annotations

import gzip
import json
from email.message import Message
from urllib.parse import quote, urlencode

import pytest

from reconciler.adapters.probe import OutsideProbe
from reconciler.adapters.probe.answer import Answer
from reconciler.adapters.probe.unaskable import Unaskable
from reconciler.domain.check import Expectation, Http, Request
from reconciler.domain.comparison import Seen
from reconciler.domain.gate import Evidence
from tests.adapters.probe.server import Handler, Odd, listening

BODY = json.dumps(
    {
        "version": "1.2.3",
        "items": [{"ok": True, "n": 1}, {"ok": False}],
        "none": None,
        "a.b": {"c": 1.0},
        "long": "x" * 200,
    }
)
Server = tuple[type[Odd], str]


def ask(server: Server, expect: Expectation, body: str = BODY, **headers: str) -> Seen:
    fields = {"body": quote(body, encoding="latin-1"), **headers}
    url = f"http://{server[1]}/answer?{urlencode(fields)}"
    return OutsideProbe({}).ask(Http(Request(url, expect=expect)), 5)


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("version", '"1.2.3"'),
        ("version", ""),
        ("none", "null"),
        ("none", ""),
        ("items[0].ok", "true"),
        ("items[-1].ok", "false"),
        ("items[0]", '{"n": 1.0, "ok": true}'),
        ('["a.b"].c', "1"),
        ('["a.b"]["c"]', "1"),
    ],
)
def test_json_as_expected(server: Server, path: str, wanted: str) -> None:
    assert ask(server, Expectation(json=((path, wanted),))).evidence is Evidence.GOOD


@pytest.mark.parametrize(
    ("path", "wanted", "words"),
    [
        ("version", '"1.2.4"', '200, but version is "1.2.3", expected "1.2.4"'),
        ("items[0].n", "true", "200, but items[0].n is 1, expected true"),
        ("items[0].ok", "1", "200, but items[0].ok is true, expected 1"),
        ("items[2].ok", "", "200, but without items[2].ok"),
        ("items.ok", "", "200, but without items.ok"),
        ("version[0]", "", "200, but without version[0]"),
        ("nothing", "", "200, but without nothing"),
        ("items", "[]", "200, but items is a list of 2, expected []"),
        ("items[0]", "null", "200, but items[0] is an object, expected null"),
        ("long", '"y"', f'200, but long is "{"x" * 78}…, expected "y"'),
    ],
)
def test_json_not_as_expected(server: Server, path: str, wanted: str, words: str) -> None:
    seen = ask(server, Expectation(json=((path, wanted),)))
    assert (seen.evidence, seen.detail, seen.status) == (Evidence.BAD, words, 200)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[" * 100_000, b"\xff\xfe", b"1" * 5000])
def test_a_body_that_is_not_json(server: Server, body: bytes) -> None:
    class Fixed(Handler):
        def respond(self) -> None:
            self.answer(200, body)

    with listening(Fixed) as address:
        request = Request(f"http://{address}/", expect=Expectation(json=(("a", ""),)))
        seen = OutsideProbe({}).ask(Http(request), 5)
    assert (seen.evidence, seen.detail) == (Evidence.BAD, "200, but its body is not JSON")


def test_a_body_larger_than_a_mebibyte_is_not_looked_into() -> None:
    class Large(Handler):
        def respond(self) -> None:
            self.answer(200, b"[1" + b" " * 1024 * 1024 + b"]")

    with listening(Large) as address:
        request = Request(f"http://{address}/", expect=Expectation(json=(("[0]", "1"),)))
        seen = OutsideProbe({}).ask(Http(request), 5)
    assert (seen.evidence, seen.detail) == (
        Evidence.NONE,
        "the answer is larger than 1 MiB, too large to look into",
    )


def test_headers(server: Server) -> None:
    expect = Expectation(headers=(("X-Version", r"^1\."),))
    assert ask(server, expect, **{"x-version": "1.8"}).evidence is Evidence.GOOD
    for headers, words in (
        ({"X-Version": "2.0"}, "200, but X-Version is '2.0', which does not match ^1\\."),
        ({"X-Other": "1.0"}, "200, but without the header X-Version"),
    ):
        seen = ask(server, expect, **headers)
        assert (seen.evidence, seen.detail) == (Evidence.BAD, words)


def test_a_cookie_is_not_shown(server: Server) -> None:
    seen = ask(server, Expectation(headers=(("Set-Cookie", "^a="),)), **{"Set-Cookie": "session=s3cret"})
    assert (seen.evidence, seen.detail) == (Evidence.BAD, "200, but Set-Cookie does not match ^a=")


def test_a_body_must_match(server: Server) -> None:
    headers = {"Content-Type": "text/html; charset=iso-8859-1"}
    body = "<h1>Käse</h1>"
    assert ask(server, Expectation(body="K.se<"), body, **headers).evidence is Evidence.GOOD
    seen = ask(server, Expectation(body="Welcome"), body, **headers)
    assert (seen.evidence, seen.detail) == (
        Evidence.BAD,
        "200, but nothing in its body (text/html) matches Welcome",
    )
    assert ask(server, Expectation(body="ok"), "ok", **{"Content-Type": "a/b; charset=no"}).evidence is (
        Evidence.GOOD
    )


def test_only_the_first_64_kib_are_matched() -> None:
    class Long(Handler):
        def respond(self) -> None:
            self.answer(200, b"x" * 65535 + b"yz")

    with listening(Long) as address:
        for pattern, evidence in (("y", Evidence.GOOD), ("z", Evidence.BAD)):
            request = Request(f"http://{address}/", expect=Expectation(body=pattern))
            assert OutsideProbe({}).ask(Http(request), 5).evidence is evidence


@pytest.mark.parametrize("path", ["", "version"])
def test_a_packed_body_that_nobody_asked_for(path: str) -> None:
    class Packed(Handler):
        def respond(self) -> None:
            self.answer(200, gzip.compress(BODY.encode()), ("Content-Encoding", "gzip"))

    expect = Expectation(body="1\\.2\\.3", json=((path, '"1.2.3"'),) if path else ())
    with listening(Packed) as address:
        seen = OutsideProbe({}).ask(Http(Request(f"http://{address}/", expect=expect)), 5)
    assert seen.evidence is Evidence.GOOD


def test_a_bomb_is_unpacked_only_so_far() -> None:
    headers = Message()
    headers["Content-Encoding"] = "gzip"
    answer = Answer(200, headers, gzip.compress(b" " * 10 * 1024 * 1024))
    assert len(answer.text()) == 64 * 1024
    with pytest.raises(Unaskable):
        answer.json()


def test_the_status_comes_first_and_is_said_as_it_is_expected(server: Server) -> None:
    expect = Expectation(statuses=((200, 200), (204, 206)), body="never")
    seen = ask(server, expect, status="404")
    assert (seen.evidence, seen.detail) == (Evidence.BAD, "404, expected 200 or 204-206")
