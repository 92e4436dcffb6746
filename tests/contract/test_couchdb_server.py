"""What the adapter relies on, asked of the server itself: ours has to answer as CouchDB 3.5 was seen to."""

from __future__ import annotations

import secrets
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from tests.bed.couchdb import CouchDb, CouchDbProcess


def replicate(server: CouchDb, source: str, target: str, **more: object) -> tuple[int, Any]:
    ends = {"source": server.end(source), "target": server.end(target)}
    return server.answer("POST", "/_replicate", {**ends, **more})


def test_it_is_up_for_everybody_and_for_no_wrong_password(couchdb: CouchDb) -> None:
    with urlopen(f"{couchdb.url}/_up", timeout=10) as answer:
        assert answer.status == 200
    assert couchdb.answer("GET", "/_up", user=("nobody", "wrong"))[0] == 401
    with pytest.raises(HTTPError) as caught:
        urlopen(f"{couchdb.url}/_all_dbs", timeout=10)
    with caught.value as error:
        assert error.code == 401


def test_databases_come_sorted_and_between_two_names(couchdb: CouchDb) -> None:
    names = sorted(couchdb.database(name) for name in ("ranged_b", "ranged_a", "ranged_c"))
    found = couchdb.ask("GET", "/_all_dbs?startkey=%22ranged_a%22&endkey=%22ranged_b~%22")
    assert [one for one in found if one in names] == names[:2]


def test_names_have_a_rule_and_are_there_once(couchdb: CouchDb) -> None:
    status, said = couchdb.answer("PUT", "/kompass_backup_20260101T120000Z")
    assert (status, said["error"]) == (400, "illegal_database_name")
    status, said = couchdb.answer("PUT", f"/{couchdb.database()}")
    assert (status, said["error"]) == (412, "file_exists")
    status, said = couchdb.answer("GET", f"/{couchdb.fresh()}/_changes")
    assert (status, said["error"]) == (404, "not_found")


@pytest.mark.parametrize("missing", ["source", "target"])
def test_a_replication_without_one_end_says_500_and_makes_none(couchdb: CouchDb, missing: str) -> None:
    there, gone = couchdb.database(), couchdb.fresh()
    status, said = replicate(couchdb, *((gone, there) if missing == "source" else (there, gone)))
    assert (status, said["error"]) == (500, "db_not_found")
    assert gone in said["reason"]
    assert couchdb.answer("GET", f"/{gone}")[0] == 404


def test_a_target_can_be_asked_for(couchdb: CouchDb) -> None:
    source, target = couchdb.database(), couchdb.fresh()
    couchdb.put(source, {"_id": "a"})
    assert replicate(couchdb, source, target, create_target=True)[0] == 200
    assert couchdb.ask("GET", f"/{target}")["doc_count"] == 1


def test_a_replication_again_shows_the_figures_of_an_earlier_one(couchdb: CouchDb) -> None:
    source, target = couchdb.database(), couchdb.database()
    couchdb.put(source, {"_id": "a"}, {"_id": "b"})
    first, second = replicate(couchdb, source, target)[1], replicate(couchdb, source, target)[1]
    assert "no_changes" not in first
    assert second["no_changes"] is True
    assert second["history"] == first["history"]
    assert first["history"][0]["docs_written"] == 2


def test_documents_that_are_refused_are_counted_by_a_success_and_skipped_ever_after(couchdb: CouchDb) -> None:
    source, target = couchdb.database(), couchdb.database()
    couchdb.put(source, {"_id": "a"}, {"_id": "b"})
    couchdb.put(
        target, {"_id": "_design/no", "validate_doc_update": "function () { throw({forbidden: 'no'}); }"}
    )
    status, said = replicate(couchdb, source, target)
    assert (status, said["ok"], said["history"][0]["doc_write_failures"]) == (200, True, 2)
    assert replicate(couchdb, source, target)[1]["no_changes"] is True


def test_a_wrong_password_inside_of_a_replication_is_a_500(couchdb: CouchDb) -> None:
    source, target = couchdb.database(), couchdb.database()
    wrong = {"basic": {"username": "nobody-inside", "password": "wrong"}}
    ends = {"source": couchdb.end(source), "target": couchdb.end(target) | {"auth": wrong}}
    status, said = couchdb.answer("POST", "/_replicate", ends)
    assert status == 500
    assert said["error"] in ("unauthorized", "replication_auth_error")


def test_five_wrong_passwords_lock_the_account() -> None:
    """Of a server of its own: a real one would be locked for everybody else."""
    with CouchDbProcess() as process:
        server = process.server
        user = server.username, "wrong"
        assert [server.answer("GET", "/_all_dbs", user=user)[0] for _ in range(6)] == [401] * 5 + [403]
        assert server.answer("GET", "/_all_dbs")[0] == 403


def test_a_database_admits_whom_its_security_names(couchdb: CouchDb) -> None:
    database, crew = couchdb.database(), couchdb.user(f"crew-{secrets.token_hex(4)}", "crew")
    assert couchdb.answer("GET", f"/{database}", user=crew)[0] == 403
    couchdb.ask("PUT", f"/{database}/_security", {"members": {"roles": ["crew"]}})
    assert couchdb.answer("GET", f"/{database}", user=crew)[0] == 200


def test_its_log_has_no_password() -> None:
    with CouchDbProcess() as process:
        process.server.database()
        process.server.answer("GET", "/_all_dbs", user=("nobody", "s3cret-wrong"))
        assert process.server.password not in process.complaints
        assert "s3cret-wrong" not in process.complaints
