"""Whether a database is there: what a CouchDB server answers (3.5, as measured), and what it comes to."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator
from typing import Any

import pytest

from reconciler.adapters.probe import OutsideProbe
from reconciler.adapters.probe.couchdb import REFUSED, STRANGER
from reconciler.domain.check import Database
from reconciler.domain.gate import Evidence
from tests.adapters.probe.server import Handler, Odd, listening
from tests.bed.registry import free_port

LOGIN = f"Basic {b64encode(b'ada:hunter2 @/:').decode()}"
SECRETS = {"USER": "ada", "PASSWORD": "hunter2 @/:"}


class CouchDb(Handler):
    """A database `kompass/live` with 1000 documents. `up` is what `_up` answers, `asked` what came."""

    up: tuple[int, Any]
    login: str
    asked: list[tuple[str, str | None]]

    def respond(self) -> None:
        given = self.headers.get("Authorization")
        self.asked.append((self.path, given))
        if self.path == "/_up":
            status, document = self.up if given is None else (401, {"error": "unauthorized"})
        elif self.login and given != self.login:
            status, document = 401, {"error": "unauthorized", "reason": "Name or password is incorrect."}
        elif self.path == "/kompass%2Flive":
            status, document = 200, {"db_name": "kompass/live", "doc_count": 1000, "doc_del_count": 7}
        else:
            status, document = 404, {"error": "not_found", "reason": "Database does not exist."}
        self.answer(status, json.dumps(document).encode(), ("Content-Type", "application/json"))


@pytest.fixture
def couch() -> Iterator[tuple[type[CouchDb], str]]:
    own = type("Own", (CouchDb,), {"up": (200, {"status": "ok", "seeds": {}}), "login": "", "asked": []})
    with listening(own) as address:
        yield own, f"http://{address}"


def signed_in(url: str, password: str = "${PASSWORD}") -> Database:
    return Database(url, "kompass/live", 1000, "${USER}", password)


@pytest.mark.parametrize(
    ("database", "documents", "evidence", "words"),
    [
        ("kompass/live", 0, Evidence.GOOD, "1000 documents"),
        ("kompass/live", 1000, Evidence.GOOD, "1000 documents"),
        ("kompass/live", 1001, Evidence.BAD, "1000 documents, expected at least 1001"),
        ("kompass", 0, Evidence.BAD, "there is no database kompass"),
    ],
)
def test_what_is_there(
    couch: tuple[type[CouchDb], str], database: str, documents: int, evidence: Evidence, words: str
) -> None:
    seen = OutsideProbe({}).ask(Database(couch[1], database, documents), 5)
    assert (seen.evidence, seen.detail) == (evidence, words)


@pytest.mark.parametrize(
    ("up", "evidence", "words"),
    [
        ((503, {}), Evidence.UNREADY, "503 Service Unavailable"),
        ((404, {"status": "maintenance_mode"}), Evidence.UNREADY, "it is in maintenance mode"),
        ((404, {"status": "nolb"}), Evidence.UNREADY, "it is in maintenance mode"),
        ((404, {}), Evidence.BAD, STRANGER),
        ((404, []), Evidence.BAD, STRANGER),
        ((500, {}), Evidence.BAD, "500 Internal Server Error"),
        ((302, {}), Evidence.BAD, STRANGER),
    ],
)
def test_a_server_that_is_not_up_is_asked_for_nothing_more(
    couch: tuple[type[CouchDb], str], up: tuple[int, Any], evidence: Evidence, words: str
) -> None:
    couch[0].up = up
    seen = OutsideProbe(SECRETS).ask(signed_in(couch[1]), 5)
    assert (seen.evidence, seen.detail) == (evidence, words)
    assert couch[0].asked == [("/_up", None)]


def test_the_login_goes_to_the_database_and_not_to_up(couch: tuple[type[CouchDb], str]) -> None:
    couch[0].login = LOGIN
    assert OutsideProbe(SECRETS).ask(signed_in(couch[1]), 5).evidence is Evidence.GOOD
    assert couch[0].asked == [("/_up", None), ("/kompass%2Flive", LOGIN)]


def test_a_server_where_everybody_has_to_sign_in_for_everything_is_up(
    couch: tuple[type[CouchDb], str],
) -> None:
    couch[0].login, couch[0].up = LOGIN, (401, {"error": "unauthorized"})
    assert OutsideProbe(SECRETS).ask(signed_in(couch[1]), 5).evidence is Evidence.GOOD


def test_a_refused_password_is_no_evidence_and_is_never_tried_again(couch: tuple[type[CouchDb], str]) -> None:
    """Five of them lock the account, which may be the application's own."""
    couch[0].login = LOGIN
    environ = {"USER": "ada", "PASSWORD": "wrong"}
    probe = OutsideProbe(environ)
    details = [(seen.evidence, seen.detail) for seen in (probe.ask(signed_in(couch[1]), 5) for _ in range(4))]
    assert details[0] == (Evidence.NONE, f"{REFUSED} (401)")
    assert details[1:] == [(Evidence.NONE, f"{REFUSED}, and is not asked again")] * 3
    assert [path for path, _ in couch[0].asked if path != "/_up"] == ["/kompass%2Flive"]
    environ["PASSWORD"] = SECRETS["PASSWORD"]
    assert probe.ask(signed_in(couch[1]), 5).evidence is Evidence.GOOD


def test_without_a_login_a_server_that_wants_one_is_no_evidence(couch: tuple[type[CouchDb], str]) -> None:
    couch[0].login = LOGIN
    seen = OutsideProbe({}).ask(Database(couch[1], "kompass/live"), 5)
    assert (seen.evidence, seen.detail) == (Evidence.NONE, f"{REFUSED} (401)")


def test_a_secret_without_a_value_is_no_evidence(couch: tuple[type[CouchDb], str]) -> None:
    seen = OutsideProbe({"USER": "ada"}).ask(signed_in(couch[1]), 5)
    assert (seen.evidence, seen.detail) == (
        Evidence.NONE,
        "PASSWORD is not set, and no PASSWORD_FILE can be read",
    )


def test_nothing_listens_or_answers_in_time(server: tuple[type[Odd], str]) -> None:
    probe = OutsideProbe({})
    assert probe.ask(Database(f"http://127.0.0.1:{free_port()}", "a"), 5).evidence is Evidence.UNREADY
    seen = probe.ask(Database(f"http://{server[1]}/silent?", "a"), 0.2)
    assert (seen.evidence, seen.detail) == (Evidence.UNREADY, "no whole answer within 0.2 s")


def test_what_answers_is_no_couchdb(server: tuple[type[Odd], str]) -> None:
    seen = OutsideProbe({}).ask(Database(f"http://{server[1]}", "a"), 5)
    assert (seen.evidence, seen.detail) == (Evidence.BAD, STRANGER)


def test_nothing_secret_shows(couch: tuple[type[CouchDb], str]) -> None:
    for password in ("${PASSWORD}", "${WRONG}"):
        for login in (LOGIN, "other"):
            couch[0].login = login
            seen = OutsideProbe(SECRETS | {"WRONG": "hunter3"}).ask(signed_in(couch[1], password), 5)
            assert "hunter" not in seen.detail
