"""What holds for document databases: on the CouchDB of the tests, or on the real one of COUCHDB_URL."""

from __future__ import annotations

import json
import secrets
from base64 import b64encode
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from reconciler.adapters.couchdb import CouchServer
from reconciler.domain.documents import Leaf, Leaves
from reconciler.errors import DataFailed, DataUnreachable, PermissionRefused, ReconcileError
from reconciler.ports.data import Documents
from tests.bed.couchdb import CouchDb
from tests.bed.registry import free_port

VIEW = {"by_n": {"map": "function (doc) { emit(doc.n, null); }"}}
ONLY_NUMBERS = "function (doc) { if (typeof doc.n !== 'number') throw({forbidden: 'n is no number'}); }"
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

METHODS: dict[str, Callable[[Documents, str], object]] = {
    "create": lambda documents, name: documents.create(f"{name}_too", name),
    "replicate": lambda documents, name: documents.replicate(name, name + "_too"),
    "leaves": lambda documents, name: documents.leaves(name),
    "read": lambda documents, name: documents.read(name, ["a"]),
    "write": lambda documents, name: documents.write(name, [Leaf("a", 1, ("b" * 32,), "{}")]),
    "security": lambda documents, name: documents.security(name),
    "set_security": lambda documents, name: documents.set_security(name, "{}"),
    "note": lambda documents, name: documents.note(name, "marker"),
    "set_note": lambda documents, name: documents.set_note(name, "marker", "{}"),
    "warm": lambda documents, name: documents.warm(name),
}
"""Methods that want their database to be there."""

ALL_METHODS = METHODS | {
    "databases": lambda documents, name: documents.databases(),
    "state": lambda documents, name: documents.state(name),
    "delete": lambda documents, name: documents.delete(name),
}


@pytest.fixture
def documents(couchdb: CouchDb) -> CouchServer:
    return couchdb.adapter()


def revision(documents: Documents, database: str, document: str) -> str:
    return documents.read(database, [document])[document][0].revision


def everything(documents: Documents, database: str) -> dict[str, tuple[Leaf, ...]]:
    """All that a database has, attachments and all."""
    return dict(documents.read(database, documents.leaves(database), attachments=True))


def forked(couchdb: CouchDb, database: str, document: str) -> None:
    """A document with two leaves in conflict."""
    for hash_, n in (("a" * 32, 1), ("b" * 32, 2)):
        content = {"_id": document, "_rev": f"2-{hash_}", "n": n}
        couchdb.put(
            database, content | {"_revisions": {"start": 2, "ids": [hash_, "0" * 32]}}, new_edits=False
        )


def mixture(couchdb: CouchDb, documents: Documents, database: str) -> None:
    """Of everything one: plain, updated, deleted, in conflict, with an attachment, a design document."""
    picture = {"content_type": "image/png", "data": b64encode(bytes(range(256))).decode()}
    _, old, gone, *_ = couchdb.put(
        database,
        {"_id": "plain", "n": 1, "deep": {"list": [1, 2.5, None, True, "é"]}},
        {"_id": "updated", "n": 1},
        {"_id": "deleted", "n": 1},
        {"_id": "pictured", "n": 1, "_attachments": {"a b/c.png": picture}},
        {"_id": "_design/app", "language": "javascript", "views": VIEW},
    )
    couchdb.put(
        database, {"_id": "updated", "_rev": old, "n": 2}, {"_id": "deleted", "_rev": gone, "_deleted": True}
    )
    forked(couchdb, database, "forked")


# --- Databases ---


def test_databases_are_listed_sorted(couchdb: CouchDb, documents: CouchServer) -> None:
    made = [couchdb.database(name) for name in ("kompass_b", "kompass_a", "kompass/c")]
    found = documents.databases()
    assert set(made) <= set(found)
    assert list(found) == sorted(found)


def test_a_database_that_is_not_there_has_no_state(couchdb: CouchDb, documents: CouchServer) -> None:
    assert documents.state(couchdb.fresh()) is None


def test_a_state_counts_documents_and_tombstones(couchdb: CouchDb, documents: CouchServer) -> None:
    database = couchdb.database()
    mixture(couchdb, documents, database)
    found = documents.state(database)
    assert found is not None
    assert (found.documents, found.deleted) == (5, 1)


def test_the_sequence_is_the_same_until_something_is_written(
    couchdb: CouchDb, documents: CouchServer
) -> None:
    database = couchdb.database()
    couchdb.put(database, {"_id": "a"})
    before = documents.state(database)
    documents.set_note(database, "marker", '{"a":1}')
    documents.set_security(database, "{}")
    assert documents.state(database) == before
    couchdb.put(database, {"_id": "a", "_rev": revision(documents, database, "a"), "n": 2})
    after = documents.state(database)
    assert before is not None
    assert after is not None
    assert after.documents == before.documents
    assert after.sequence != before.sequence


@pytest.mark.parametrize("query", ["?q=1", "?q=4", "?q=1&partitioned=true"])
def test_a_database_is_created_like_another(couchdb: CouchDb, documents: CouchServer, query: str) -> None:
    like, database = couchdb.database(query=query), couchdb.fresh()
    couchdb.ask("PUT", f"/{like}/_revs_limit", 7)
    documents.create(database, like)
    one, other = (couchdb.ask("GET", f"/{name}") for name in (like, database))
    assert one["cluster"]["q"] == other["cluster"]["q"]
    assert one["props"].get("partitioned") == other["props"].get("partitioned")
    assert couchdb.ask("GET", f"/{database}/_revs_limit") == 7


def test_creating_one_that_is_there_changes_nothing_in_it(couchdb: CouchDb, documents: CouchServer) -> None:
    like, database = couchdb.database(), couchdb.database()
    couchdb.put(database, {"_id": "a"})
    before = documents.state(database)
    documents.create(database, like)
    assert documents.state(database) == before


def test_a_deleted_database_is_gone_and_deleting_it_again_is_fine(
    couchdb: CouchDb, documents: CouchServer
) -> None:
    database = couchdb.database()
    for _ in range(2):
        documents.delete(database)
        assert documents.state(database) is None


def test_a_deleted_database_can_be_created_at_once_and_is_empty(
    couchdb: CouchDb, documents: CouchServer
) -> None:
    like, database = couchdb.database(), couchdb.database()
    for n in range(5):
        couchdb.put(database, {"_id": "a", "n": n})
        documents.delete(database)
        documents.create(database, like)
        assert documents.leaves(database) == {}


@pytest.mark.parametrize("name", NAMES)
def test_every_name_that_couchdb_allows_works_everywhere(
    couchdb: CouchDb, documents: CouchServer, name: str
) -> None:
    database, copy = couchdb.database(name), couchdb.fresh(name)
    mixture(couchdb, documents, database)
    documents.create(copy, database)
    documents.replicate(database, copy)
    documents.set_security(copy, documents.security(database))
    documents.set_note(copy, "marker", "{}")
    documents.warm(copy)
    assert everything(documents, copy) == everything(documents, database)
    documents.delete(copy)
    assert database in documents.databases()
    assert copy not in documents.databases()


@pytest.mark.parametrize(
    "name", ["", "Kompass", "1kompass", "_all_dbs", "_up", "..", "a?q=1", "a#b", "kömpass"]
)
@pytest.mark.parametrize("method", ALL_METHODS.keys() - {"databases"})
def test_a_name_that_is_not_allowed_is_refused(documents: CouchServer, method: str, name: str) -> None:
    with pytest.raises(DataFailed, match="is no name of a database") as caught:
        ALL_METHODS[method](documents, name)
    assert "lower-case" in caught.value.hint


# --- Replication ---


def test_a_replication_brings_all_revisions(couchdb: CouchDb, documents: CouchServer) -> None:
    source, target = couchdb.database(), couchdb.database()
    mixture(couchdb, documents, source)
    documents.replicate(source, target)
    assert documents.leaves(target) == documents.leaves(source)
    assert everything(documents, target) == everything(documents, source)
    assert len(everything(documents, target)["forked"]) == 2


def test_a_replication_takes_neither_notes_nor_security_along(
    couchdb: CouchDb, documents: CouchServer
) -> None:
    source, target = couchdb.database(), couchdb.database()
    before = documents.security(target)
    couchdb.put(source, {"_id": "a"})
    documents.set_note(source, "marker", '{"a":1}')
    documents.set_security(source, '{"members":{"roles":["crew"]}}')
    documents.replicate(source, target)
    assert documents.note(target, "marker") == ""
    assert documents.security(target) == before != documents.security(source)


def test_a_replication_again_is_fine_and_goes_on_with_what_is_new(
    couchdb: CouchDb, documents: CouchServer
) -> None:
    source, target = couchdb.database(), couchdb.database()
    documents.replicate(source, target)  # nothing at all
    mixture(couchdb, documents, source)
    for _ in range(2):
        documents.replicate(source, target)
    couchdb.put(source, {"_id": "later"})
    documents.replicate(source, target)
    assert documents.leaves(target) == documents.leaves(source)


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
    base = couchdb.replication_url or couchdb.url
    ends = {
        end: {
            "url": f"{base}/{name}",
            "auth": {"basic": {"username": couchdb.username, "password": couchdb.password}},
        }
        for end, name in (("source", backup), ("target", live))
    }
    status, said = couchdb.answer("POST", "/_replicate", {**ends, "create_target": False})
    assert status == 200
    assert said["ok"] is True
    assert everything(documents, live) == spoilt != everything(documents, backup)


@pytest.mark.parametrize("missing", ["source", "target"])
def test_a_replication_without_one_of_its_ends_names_it(
    couchdb: CouchDb, documents: CouchServer, missing: str
) -> None:
    there, gone = couchdb.database(), couchdb.fresh()
    ends = (gone, there) if missing == "source" else (there, gone)
    with pytest.raises(DataFailed, match=f"there is no database {gone}"):
        documents.replicate(*ends)
    assert documents.state(gone) is None


def test_documents_that_the_target_refuses_fail_each_replication(
    couchdb: CouchDb, documents: CouchServer
) -> None:
    """CouchDB says ok to both, and to the second one that there was nothing to do."""
    source, target = couchdb.database(), couchdb.database()
    couchdb.put(source, {"_id": "good", "n": 1}, {"_id": "bad", "n": "one"})
    couchdb.put(target, {"_id": "_design/rules", "validate_doc_update": ONLY_NUMBERS})
    for _ in range(2):
        with pytest.raises(DataFailed, match="1 documents") as caught:
            documents.replicate(source, target)
        assert "delete it" in caught.value.hint
    assert set(documents.leaves(target)) == {"good", "_design/rules"}


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


# --- Leaves and documents ---


def test_leaves_are_those_of_tombstones_conflicts_and_design_documents_too(
    couchdb: CouchDb, documents: CouchServer
) -> None:
    database = couchdb.database()
    mixture(couchdb, documents, database)
    documents.set_note(database, "marker", "{}")
    found: Leaves = documents.leaves(database)
    assert set(found) == {"plain", "updated", "deleted", "pictured", "_design/app", "forked"}
    assert found["forked"] == {f"2-{'a' * 32}", f"2-{'b' * 32}"}
    assert {one.partition("-")[0] for one in found["deleted"] | found["updated"]} == {"2"}


def test_of_leaves_in_conflict_the_winner_is_first(couchdb: CouchDb, documents: CouchServer) -> None:
    database = couchdb.database()
    forked(couchdb, database, "forked")
    winner = couchdb.ask("GET", f"/{database}/forked")["_rev"]
    found = documents.read(database, ["forked"])["forked"]
    assert [leaf.revision for leaf in found] == [winner, f"2-{'a' * 32}"]
    assert [json.loads(leaf.body)["n"] for leaf in found] == [2, 1]
    assert found[0].history == ("b" * 32, "0" * 32)
    couchdb.put(database, {"_id": "forked", "_rev": winner, "_deleted": True})
    found = documents.read(database, ["forked"])["forked"]
    assert [leaf.deleted for leaf in found] == [False, True]


def test_a_tombstone_is_read_with_what_it_says(couchdb: CouchDb, documents: CouchServer) -> None:
    database = couchdb.database()
    (rev,) = couchdb.put(database, {"_id": "a", "n": 1})
    couchdb.put(database, {"_id": "a", "_rev": rev, "_deleted": True, "why": "over"})
    (leaf,) = documents.read(database, ["a"])["a"]
    assert leaf.deleted
    assert (leaf.generation, leaf.body) == (2, '{"why":"over"}')
    assert len(leaf.history) == 2


def test_what_never_was_there_is_left_out(couchdb: CouchDb, documents: CouchServer) -> None:
    database = couchdb.database()
    couchdb.put(database, {"_id": "a"})
    assert list(documents.read(database, ["b", "a", "c"])) == ["a"]
    assert documents.read(database, []) == {}


def test_a_body_is_canonical_and_without_fields_of_the_server(
    couchdb: CouchDb, documents: CouchServer
) -> None:
    database = couchdb.database()
    couchdb.put(database, {"_id": "a", "z": 1, "b": {"y": [None, "é"], "a": 2.5}})
    (leaf,) = documents.read(database, ["a"])["a"]
    assert leaf.body == '{"b":{"a":2.5,"y":[null,"\\u00e9"]},"z":1}'


def test_attachments_come_without_their_content_or_with_it(couchdb: CouchDb, documents: CouchServer) -> None:
    database = couchdb.database()
    content = secrets.token_bytes(5000)
    data = b64encode(content).decode()
    attachments = {"a/b c.bin": {"content_type": "application/x-thing", "data": data}}
    couchdb.put(database, {"_id": "a", "_attachments": attachments}, {"_id": "b"})
    (without,) = documents.read(database, ["a", "b"])["a"]
    (stub,) = json.loads(without.body)["_attachments"].values()
    assert set(stub) == {"content_type", "digest", "length"}
    assert (stub["content_type"], stub["length"]) == ("application/x-thing", 5000)
    (full,) = documents.read(database, ["a", "b"], attachments=True)["a"]
    assert json.loads(full.body)["_attachments"] == attachments


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


def test_leaves_are_written_as_they_were_read(couchdb: CouchDb, documents: CouchServer) -> None:
    source, target = couchdb.database(), couchdb.database()
    mixture(couchdb, documents, source)
    leaves = [leaf for theirs in everything(documents, source).values() for leaf in theirs]
    for _ in range(2):  # what is there already is fine
        documents.write(target, leaves)
    assert documents.leaves(target) == documents.leaves(source)
    assert everything(documents, target) == everything(documents, source)


def test_a_leaf_over_the_winner_makes_no_conflict(couchdb: CouchDb, documents: CouchServer) -> None:
    """How a restore goes back: a newer revision with the old content."""
    database = couchdb.database()
    (rev,) = couchdb.put(database, {"_id": "a", "n": 1})
    (old,) = documents.read(database, ["a"])["a"]
    couchdb.put(database, {"_id": "a", "_rev": rev, "n": 2})
    (now,) = documents.read(database, ["a"])["a"]
    over = Leaf("a", now.generation + 1, ("c" * 32, *now.history), old.body)
    documents.write(database, [over])
    assert documents.read(database, ["a"]) == {"a": (over,)}


def test_documents_that_are_refused_are_named_and_the_others_written(
    couchdb: CouchDb, documents: CouchServer
) -> None:
    database = couchdb.database()
    couchdb.put(database, {"_id": "_design/rules", "validate_doc_update": ONLY_NUMBERS})
    leaves = [Leaf(f"bad {n}", 1, ("a" * 32,), "{}") for n in range(7)]
    with pytest.raises(DataFailed, match=r"7 of 8 documents .*'bad 0' \(n is no number\).* and 2 more"):
        documents.write(database, [*leaves, Leaf("good", 1, ("a" * 32,), '{"n":1}')])
    assert set(documents.leaves(database)) == {"_design/rules", "good"}


def test_an_attachment_without_its_content_is_not_written(couchdb: CouchDb, documents: CouchServer) -> None:
    database = couchdb.database()
    mixture(couchdb, documents, database)
    (leaf,) = documents.read(database, ["pictured"])["pictured"]
    with pytest.raises(DataFailed, match=r"'a b/c\.png' of 'pictured' is without its content"):
        documents.write(couchdb.database(), [leaf])


# --- Beside the documents ---


def test_a_new_database_admits_admins_only(couchdb: CouchDb, documents: CouchServer) -> None:
    assert json.loads(documents.security(couchdb.database()))["members"] == {"roles": ["_admin"]}


def test_security_is_what_was_said(couchdb: CouchDb, documents: CouchServer) -> None:
    database = couchdb.database()
    said = '{"admins":{"names":["ada"],"roles":[]},"members":{"names":[],"roles":["crew"]}}'
    documents.set_security(database, said)
    assert documents.security(database) == said


def test_a_note_is_written_replaced_and_removed(couchdb: CouchDb, documents: CouchServer) -> None:
    database = couchdb.database()
    assert documents.note(database, "reconcile/backup") == ""
    documents.set_note(database, "reconcile/backup", "")
    for text in ('{"a":1,"b":"ü"}', '{"c":[1,2]}'):
        documents.set_note(database, "reconcile/backup", text)
        assert json.loads(documents.note(database, "reconcile/backup")) == json.loads(text)
    documents.set_note(database, "reconcile/backup", "")
    assert documents.note(database, "reconcile/backup") == ""
    documents.set_note(database, "reconcile/backup", '{"d":1}')
    assert documents.note(database, "reconcile/backup") == '{"d":1}'


def test_views_are_built(couchdb: CouchDb, documents: CouchServer) -> None:
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


# --- Errors ---


@pytest.mark.parametrize("method", METHODS)
def test_a_database_that_is_not_there_fails_and_is_named(
    couchdb: CouchDb, documents: CouchServer, method: str
) -> None:
    database = couchdb.fresh()
    with pytest.raises(DataFailed, match=database) as caught:
        METHODS[method](documents, database)
    assert caught.value.hint
    assert documents.state(database) is None


@pytest.mark.parametrize("method", ALL_METHODS)
def test_a_wrong_password_is_refused_and_told_to_nobody(couchdb: CouchDb, method: str) -> None:
    secret = f"wr0ng-{secrets.token_hex(8)}"
    stranger = couchdb.adapter(username=f"nobody-{secrets.token_hex(4)}", password=secret)
    with pytest.raises(PermissionRefused) as caught:
        ALL_METHODS[method](stranger, couchdb.fresh())
    assert "username and password" in caught.value.hint
    assert secret not in f"{caught.value!r} {caught.value} {stranger!r} {vars(stranger)}"


def test_who_is_no_admin_is_refused(couchdb: CouchDb) -> None:
    user, password = f"app-{secrets.token_hex(4)}", secrets.token_hex(8)
    couchdb.answer("PUT", "/_users")
    couchdb.ask(
        "PUT",
        f"/_users/org.couchdb.user:{user}",
        {"_id": f"org.couchdb.user:{user}", "name": user, "password": password, "roles": [], "type": "user"},
    )
    app, database = couchdb.adapter(username=user, password=password), couchdb.database()
    with pytest.raises(PermissionRefused) as caught:
        app.leaves(database)
    assert "admin" in caught.value.hint
    with pytest.raises(PermissionRefused):
        app.create(couchdb.fresh(), database)


def test_nobody_gets_in_without_a_name(couchdb: CouchDb) -> None:
    with pytest.raises(PermissionRefused):
        couchdb.adapter(username="", password="").databases()


@pytest.mark.parametrize("method", ALL_METHODS)
def test_a_server_that_is_down_is_unreachable(couchdb: CouchDb, method: str) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(DataUnreachable, match=url) as caught:
        ALL_METHODS[method](couchdb.adapter(url=url), "kompass")
    assert caught.value.hint


def test_a_replication_address_that_the_server_does_not_reach_is_named(couchdb: CouchDb) -> None:
    source, target = couchdb.database(), couchdb.database()
    couchdb.put(source, {"_id": "a"})
    astray = couchdb.adapter(replication_url=f"http://127.0.0.1:{free_port()}")
    with pytest.raises(ReconcileError) as caught:
        astray.replicate(source, target)
    assert "replication_url" in caught.value.hint


def test_the_name_of_a_server_has_no_credentials(couchdb: CouchDb) -> None:
    url = couchdb.url.replace("://", "://ada:s3cret@")
    named: Any = couchdb.adapter(url=url)
    assert named.name == couchdb.url
    assert "s3cret" not in repr(named)
    assert quote(couchdb.password) not in repr(named)
