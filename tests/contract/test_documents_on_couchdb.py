"""What the adapter of CouchDB promises beyond the port: on our server, or on that of COUCHDB_URL."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from typing import Any

import pytest

from reconciler.adapters.couchdb import CouchServer
from reconciler.domain.documents import Leaf
from reconciler.errors import DataFailed, DataUnreachable, PermissionRefused, ReconcileError
from reconciler.ports.data import Documents
from tests.bed.couchdb import CouchDb
from tests.bed.registry import free_port
from tests.contract.documents_bench import PICTURE, VIEW, ServerBench, everything, mix
from tests.contract.test_documents_contract import NEED_A_DATABASE

STRANGE_IDS = (
    "a/b",
    "a+b",
    "a b",
    "ünïcödé ✓",
    "%2F",
    "a?b=c&d#e",
    '"quoted"',
    "_design/a/b",
    "-",
    "..",
    "A:1",
)
NAMES = ("kompass", "kom/pass", "kom+pass", "kom$(pass)", "kom-pass_2")
NO_NAMES = ("", "Kompass", "1kompass", "_all_dbs", "_up", "..", "a?q=1", "a#b", "kömpass")
METHODS: dict[str, Callable[[Documents, str], object]] = NEED_A_DATABASE | {
    "databases": lambda documents, name: documents.databases(),
    "state": lambda documents, name: documents.state(name),
    "delete": lambda documents, name: documents.delete(name),
}


@pytest.fixture
def documents(couchdb: CouchDb) -> CouchServer:
    return couchdb.adapter()


# --- Names and shapes ---


@pytest.mark.parametrize("query", ["?q=1", "?q=4", "?q=1&partitioned=true"])
def test_a_database_is_created_like_another(couchdb: CouchDb, documents: CouchServer, query: str) -> None:
    like, database = couchdb.database(query=query), couchdb.fresh()
    couchdb.ask("PUT", f"/{like}/_revs_limit", 7)
    documents.create(database, like)
    one, other = (couchdb.ask("GET", f"/{name}") for name in (like, database))
    assert one["cluster"]["q"] == other["cluster"]["q"]
    assert one["props"].get("partitioned") == other["props"].get("partitioned")
    assert couchdb.ask("GET", f"/{database}/_revs_limit") == 7


def test_one_that_is_there_gets_the_revision_limit(couchdb: CouchDb, documents: CouchServer) -> None:
    """Who was killed between the two requests makes good for it."""
    like, database = couchdb.database(), couchdb.database()
    couchdb.ask("PUT", f"/{like}/_revs_limit", 7)
    documents.create(database, like)
    assert couchdb.ask("GET", f"/{database}/_revs_limit") == 7


@pytest.mark.parametrize("name", NAMES)
def test_every_name_that_couchdb_allows_works_everywhere(
    couchdb: CouchDb, documents: CouchServer, name: str
) -> None:
    database, copy = couchdb.database(name), couchdb.fresh(name)
    mix(ServerBench(couchdb), database)
    documents.create(copy, database)
    documents.replicate(database, copy)
    documents.set_security(copy, documents.security(database))
    documents.set_note(copy, "marker", "{}")
    documents.warm(copy)
    assert everything(documents, copy) == everything(documents, database)
    documents.delete(copy)
    assert database in documents.databases()
    assert copy not in documents.databases()


@pytest.mark.parametrize("name", NO_NAMES)
@pytest.mark.parametrize("method", sorted(METHODS.keys() - {"databases"}))
def test_a_name_that_is_not_allowed_is_refused(documents: CouchServer, method: str, name: str) -> None:
    with pytest.raises(DataFailed, match="is no name of a database") as caught:
        METHODS[method](documents, name)
    assert "lower-case" in caught.value.hint


@pytest.mark.parametrize("document", STRANGE_IDS)
def test_every_id_can_be_read_and_written(couchdb: CouchDb, documents: CouchServer, document: str) -> None:
    source, target = couchdb.database(), couchdb.database()
    couchdb.put(source, {"_id": document, "n": 1})
    (leaf,) = documents.read(source, [document])[document]
    documents.write(target, [leaf])
    assert documents.leaves(target) == documents.leaves(source)


@pytest.mark.parametrize("name", [one for one in STRANGE_IDS if one != ".."])
def test_every_name_of_a_note_works(couchdb: CouchDb, documents: CouchServer, name: str) -> None:
    database = couchdb.database()
    documents.set_note(database, name, '{"a":1}')
    assert documents.note(database, name) == '{"a":1}'


@pytest.mark.parametrize("name", ["", ".", ".."])
def test_a_note_whose_name_is_a_way_up_is_refused(
    couchdb: CouchDb, documents: CouchServer, name: str
) -> None:
    database = couchdb.database()
    for action in (documents.note, lambda d, n: documents.set_note(d, n, "{}")):
        with pytest.raises(DataFailed, match="cannot be named"):
            action(database, name)


# --- Documents ---


def test_the_runbooks_restore_reverts_nothing_and_says_ok(couchdb: CouchDb, documents: CouchServer) -> None:
    """Replicating a backup into the live database only adds what is missing there: nothing is."""
    live, backup = couchdb.database(), couchdb.database("kompass_backup")
    old, gone = couchdb.put(live, {"_id": "updated", "n": 1}, {"_id": "deleted", "n": 1})
    documents.replicate(live, backup)
    couchdb.put(
        live,
        {"_id": "updated", "_rev": old, "n": 2},
        {"_id": "deleted", "_rev": gone, "_deleted": True},
        {"_id": "added", "n": 1},
    )
    spoilt = everything(documents, live)
    ends = {"source": couchdb.end(backup), "target": couchdb.end(live)}
    status, said = couchdb.answer("POST", "/_replicate", {**ends, "create_target": False})
    assert status == 200
    assert said["ok"] is True
    assert everything(documents, live) == spoilt != everything(documents, backup)


def test_ten_thousand_documents(couchdb: CouchDb, documents: CouchServer) -> None:
    source, target = couchdb.database(), couchdb.database()
    for start in range(0, 10_001, 1000):
        end = min(start + 1000, 10_001)
        couchdb.put(source, *({"_id": f"{n:05}", "n": n} for n in range(start, end)))
    documents.replicate(source, target)
    found = documents.leaves(target)
    assert len(found) == 10_001
    assert found == documents.leaves(source)
    read = documents.read(target, found)
    assert {(document, json.loads(leaf.body)["n"]) for document, (leaf,) in read.items()} == {
        (f"{n:05}", n) for n in range(10_001)
    }


def test_who_wins_is_whom_the_server_says(couchdb: CouchDb, documents: CouchServer) -> None:
    database = couchdb.database()
    mix(ServerBench(couchdb), database)
    for document, (winner, *_) in documents.read(database, ["forked", "updated", "pictured"]).items():
        assert winner.revision == couchdb.ask("GET", f"/{database}/{document}")["_rev"]


def test_documents_that_a_replication_cannot_write_make_its_target_useless(
    couchdb: CouchDb, documents: CouchServer
) -> None:
    source, target = couchdb.database(), couchdb.database()
    couchdb.put(source, {"_id": "bad"})
    ServerBench(couchdb).refuse(target, "bad")
    with pytest.raises(DataFailed) as caught:
        documents.replicate(source, target)
    assert f"{target} stays incomplete" in caught.value.hint


def test_of_documents_that_are_refused_some_are_named(couchdb: CouchDb, documents: CouchServer) -> None:
    database = couchdb.database()
    couchdb.put(
        database,
        {"_id": "_design/no", "validate_doc_update": "function () { throw({forbidden: 'not now'}); }"},
    )
    leaves = [Leaf(f"bad {n}", 1, ("a" * 32,), "{}") for n in range(7)]
    with pytest.raises(DataFailed, match=r"7 of 7 documents .*'bad 0' \(not now\).* and 2 more"):
        documents.write(database, leaves)


def test_an_attachment_without_its_content_is_not_written(couchdb: CouchDb, documents: CouchServer) -> None:
    database = couchdb.database()
    couchdb.put(database, {"_id": "pictured", "_attachments": {"a b/c.png": PICTURE}})
    (leaf,) = documents.read(database, ["pictured"])["pictured"]
    with pytest.raises(DataFailed, match=r"'a b/c\.png' of 'pictured' is without its content"):
        documents.write(couchdb.database(), [leaf])


def test_views_of_all_design_documents_are_built(couchdb: CouchDb, documents: CouchServer) -> None:
    database = couchdb.database()
    reduced = {"sum": {"map": "function (doc) { emit(null, doc.n); }", "reduce": "_sum"}}
    couchdb.put(
        database,
        {"_id": "_design/app", "views": VIEW},
        {"_id": "_design/a/b", "views": reduced},
        {"_id": "_design/none", "filters": {}},
        {"_id": "_design/mango", "language": "query", "views": {"i": {"map": {"fields": {"n": "asc"}}}}},
        *({"_id": str(n), "n": n} for n in range(50)),
    )
    documents.warm(database)
    rows = couchdb.ask("GET", f"/{database}/_design/app/_view/by_n?update=false")["rows"]
    assert [row["key"] for row in rows] == list(range(50))


# --- Who we are, and where it is ---


@pytest.mark.parametrize("method", METHODS)
def test_a_wrong_password_is_refused_and_told_to_nobody(couchdb: CouchDb, method: str) -> None:
    secret = f"wr0ng-{secrets.token_hex(8)}"
    stranger = couchdb.adapter(username=f"nobody-{secrets.token_hex(4)}", password=secret)
    with pytest.raises(PermissionRefused) as caught:
        METHODS[method](stranger, couchdb.fresh())
    assert "username and password" in caught.value.hint
    assert secret not in f"{caught.value!r} {caught.value} {stranger!r} {vars(stranger)}"


def test_who_is_no_admin_is_refused(couchdb: CouchDb) -> None:
    user, password = couchdb.user(f"app-{secrets.token_hex(4)}")
    app, database = couchdb.adapter(username=user, password=password), couchdb.database()
    with pytest.raises(PermissionRefused) as caught:
        app.leaves(database)
    assert "admin" in caught.value.hint
    with pytest.raises(PermissionRefused):
        app.create(couchdb.fresh(), database)


def test_nobody_gets_in_without_a_name(couchdb: CouchDb) -> None:
    with pytest.raises(PermissionRefused):
        couchdb.adapter(username="", password="").databases()


@pytest.mark.parametrize("method", METHODS)
def test_a_server_that_is_down_is_unreachable(couchdb: CouchDb, method: str) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(DataUnreachable, match=url) as caught:
        METHODS[method](couchdb.adapter(url=url), "kompass")
    assert caught.value.hint


@pytest.mark.parametrize("method", NEED_A_DATABASE)
def test_an_error_about_a_missing_database_says_what_to_do(
    couchdb: CouchDb, documents: CouchServer, method: str
) -> None:
    with pytest.raises(DataFailed) as caught:
        METHODS[method](documents, couchdb.fresh())
    assert caught.value.hint


def test_a_replication_address_that_the_server_does_not_reach_is_named(couchdb: CouchDb) -> None:
    source, target = couchdb.database(), couchdb.database()
    couchdb.put(source, {"_id": "a"})
    astray = couchdb.adapter(replication_url=f"http://127.0.0.1:{free_port()}")
    with pytest.raises(ReconcileError) as caught:
        astray.replicate(source, target)
    assert "replication_url" in caught.value.hint


def test_the_name_of_a_server_has_no_credentials(couchdb: CouchDb) -> None:
    named: Any = couchdb.adapter(url=couchdb.url.replace("://", "://ada:s3cret@"))
    assert named.name == couchdb.url
    assert "s3cret" not in repr(named)
    assert couchdb.password not in repr(named)
