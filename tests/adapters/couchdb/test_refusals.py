"""What the adapter makes of a server that refuses, fails, is full, or is no CouchDB."""

from __future__ import annotations

import json
import logging
import socket
from base64 import b64encode
from collections.abc import Callable
from threading import Event
from urllib.parse import quote

import pytest

from reconciler.adapters.couchdb import CouchServer
from reconciler.domain.documents import Leaf
from reconciler.errors import DataFailed, DataUnreachable, PermissionRefused, ReconcileError
from reconciler.ports.data import Documents
from tests.adapters.couchdb.scripted import PASSWORD, scripted
from tests.adapters.probe.server import odd, raw
from tests.bed.couchdb import CouchDb

LEAF = Leaf("a", 1, ("b" * 32,), "{}")
METHODS: dict[str, Callable[[Documents], object]] = {
    "databases": lambda documents: documents.databases(),
    "state": lambda documents: documents.state("kompass"),
    "create": lambda documents: documents.create("copy", "kompass"),
    "delete": lambda documents: documents.delete("kompass"),
    "replicate": lambda documents: documents.replicate("kompass", "copy"),
    "leaves": lambda documents: documents.leaves("kompass"),
    "read": lambda documents: documents.read("kompass", ["a"]),
    "write": lambda documents: documents.write("kompass", [LEAF]),
    "security": lambda documents: documents.security("kompass"),
    "set_security": lambda documents: documents.set_security("kompass", "{}"),
    "note": lambda documents: documents.note("kompass", "marker"),
    "set_note": lambda documents: documents.set_note("kompass", "marker", '{"a":1}'),
    "warm": lambda documents: documents.warm("kompass"),
}
READING = METHODS.keys() - {"delete", "set_security", "write"}
"""Methods that look into an answer that is a success; `delete` does, once it looks whether it is gone."""


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("status", "reason", "hint"),
    [
        (401, "Name or password is incorrect.", "username and password"),
        (401, "You are not a server admin.", "admin of the server"),
        (403, "Account is temporarily locked due to multiple authentication failures", "locked the account"),
    ],
)
def test_a_refusal_is_never_tried_again(method: str, status: int, reason: str, hint: str) -> None:
    with scripted(lambda _: (status, {"error": "unauthorized", "reason": reason})) as server:
        with pytest.raises(PermissionRefused) as caught:
            METHODS[method](server.adapter())
        assert len(server.asked) == 1
    assert hint in caught.value.hint


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("status", [429, 502, 503])
def test_a_server_that_fails_gave_no_usable_answer(method: str, status: int) -> None:
    with (
        scripted(lambda _: (status, {"error": "overloaded", "reason": "later"})) as server,
        pytest.raises(DataUnreachable, match=f"{status}: overloaded: later") as caught,
    ):
        METHODS[method](server.adapter())
    assert caught.value.hint


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("status", "error"), [(500, "enospc"), (507, "over quota"), (500, "No space left on device")]
)
def test_a_full_disk_is_said_to_be_one(method: str, status: int, error: str) -> None:
    with (
        scripted(lambda _: (status, {"error": "error", "reason": error})) as server,
        pytest.raises(DataFailed) as caught,
    ):
        METHODS[method](server.adapter())
    assert "disk" in caught.value.hint


@pytest.mark.parametrize("method", METHODS)
def test_no_redirect_is_followed(method: str) -> None:
    with odd() as (server, address):
        with pytest.raises(DataUnreachable, match="another address") as caught:
            METHODS[method](CouchServer(f"http://{address}/to", username="ada", password=PASSWORD))
        assert len(server.asked) == 1
    assert "elsewhere" not in str(caught.value)


@pytest.mark.parametrize("method", sorted(READING))
@pytest.mark.parametrize("body", [b"<html>Welcome</html>", b"", b"[[1]]", b"{}", b"null", b"7", b"\xff"])
def test_what_is_no_couchdb_gives_no_usable_answer(method: str, body: bytes) -> None:
    if (method, body) in {("security", b"[[1]]"), ("security", b"7"), ("security", b"null")}:
        body = b"<html>"  # Any JSON is one who may use it.
    if (method, body) in {("note", b"{}"), ("set_note", b"{}"), ("security", b"{}"), ("note", b"[[1]]")}:
        body = b"<html>"
    with scripted(lambda _: body) as server, pytest.raises(DataUnreachable) as caught:
        METHODS[method](server.adapter())
    assert "not built as an answer of CouchDB" in caught.value.problem


@pytest.mark.parametrize("method", METHODS)
def test_a_server_that_hangs_holds_nobody(method: str) -> None:
    given_up = pytest.raises(DataUnreachable, match=r"(within 0\.2|for 0\.1) s")
    with scripted(lambda _: None) as server, given_up as caught:
        METHODS[method](server.adapter(deadline_seconds=0.2, patience_seconds=0.1))
    assert caught.value.hint


def test_a_server_that_drips_holds_nobody() -> None:
    def drip(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while not Event().wait(0.02):
            connection.sendall(b" ")

    with raw(drip) as address, pytest.raises(DataUnreachable, match=r"within 0\.3 s"):
        CouchServer(f"http://{address}", deadline_seconds=0.3).databases()


def test_no_proxy_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    with scripted(lambda _: (200, ["proxied"])) as proxy, scripted(lambda _: (200, ["direct"])) as server:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        assert server.adapter().databases() == ("direct",)
        assert proxy.asked == []


@pytest.mark.parametrize("method", METHODS)
def test_a_password_that_the_server_repeats_is_not_repeated(
    method: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    login = b64encode(f"ada:{PASSWORD}".encode()).decode()
    repeated = f"auth {PASSWORD} {quote(PASSWORD)} {json.dumps(PASSWORD)} {login} \x1b[2J"
    with scripted(lambda _: (400, {"error": "bad", "reason": repeated})) as server:
        adapter = server.adapter()
        with pytest.raises(ReconcileError) as caught:
            METHODS[method](adapter)
    assert 'auth ***** ***** "*****" ***** ' in str(caught.value)
    assert "\x1b" not in str(caught.value)
    assert PASSWORD not in f"{caught.value!r} {adapter!r} {caplog.text}"


def test_nothing_that_succeeds_writes_the_password_anywhere(
    couchdb: CouchDb, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    source, target, documents = couchdb.database(), couchdb.fresh(), couchdb.adapter()
    couchdb.put(source, {"_id": "a"})
    documents.create(target, source)
    documents.replicate(source, target)
    documents.write(target, documents.read(source, documents.leaves(source))["a"])
    documents.set_security(target, documents.security(source))
    documents.set_note(target, "marker", "{}")
    documents.warm(target)
    documents.delete(target)
    said = "".join(capfd.readouterr()) + caplog.text
    login = b64encode(f"{couchdb.username}:{couchdb.password}".encode()).decode()
    assert said  # httpx tells of its requests
    assert not [one for one in (couchdb.password, quote(couchdb.password, safe=""), login) if one in said]
