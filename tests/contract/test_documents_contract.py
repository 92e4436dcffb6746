"""What holds for document databases, of the fake as of a server: ours, or the real one of COUCHDB_URL."""

from __future__ import annotations

import json
import secrets
from base64 import b64encode
from collections.abc import Callable

import pytest

from reconciler.domain.documents import Leaf
from reconciler.errors import DataFailed
from reconciler.ports.data import Documents
from tests.contract.documents_bench import (
    DocumentsBench,
    FakeDocumentsBench,
    ServerBench,
    everything,
    fork,
    mix,
)

NEED_A_DATABASE: dict[str, Callable[[Documents, str], object]] = {
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


@pytest.fixture(params=["fake", "server"])
def bench(request: pytest.FixtureRequest) -> DocumentsBench:
    """Either bench: what is asked of it must hold for both."""
    if request.param == "fake":
        return FakeDocumentsBench()
    return ServerBench(request.getfixturevalue("couchdb"))


def body(leaf: Leaf) -> object:
    return json.loads(leaf.body)


# --- Databases ---


def test_databases_are_listed_sorted(bench: DocumentsBench) -> None:
    made = [bench.database(name) for name in ("kompass_b", "kompass_a", "kompass/c")]
    found = bench.documents.databases()
    assert set(made) <= set(found)
    assert list(found) == sorted(found)


def test_a_database_that_is_not_there_has_no_state(bench: DocumentsBench) -> None:
    assert bench.documents.state(bench.fresh()) is None


@pytest.mark.parametrize("method", NEED_A_DATABASE)
def test_a_database_that_is_not_there_fails_and_is_named(bench: DocumentsBench, method: str) -> None:
    database = bench.fresh()
    with pytest.raises(DataFailed, match=database):
        NEED_A_DATABASE[method](bench.documents, database)
    assert bench.documents.state(database) is None


def test_a_state_counts_documents_and_tombstones(bench: DocumentsBench) -> None:
    database = bench.database()
    mix(bench, database)
    found = bench.documents.state(database)
    assert found is not None
    assert (found.documents, found.deleted) == (5, 1)


def test_the_sequence_is_the_same_until_a_document_is_written(bench: DocumentsBench) -> None:
    database, documents = bench.database(), bench.documents
    (rev,) = bench.put(database, {"_id": "a"})
    before = documents.state(database)
    documents.set_note(database, "marker", '{"a":1}')
    documents.set_security(database, "{}")
    assert documents.state(database) == before
    bench.put(database, {"_id": "a", "_rev": rev, "n": 2})
    after = documents.state(database)
    assert before is not None
    assert after is not None
    assert after.documents == before.documents
    assert after.sequence != before.sequence


def test_creating_one_that_is_there_changes_nothing_in_it(bench: DocumentsBench) -> None:
    like, database = bench.database(), bench.database()
    bench.put(database, {"_id": "a"})
    before = bench.documents.state(database)
    bench.documents.create(database, like)
    assert bench.documents.state(database) == before


def test_a_deleted_database_is_gone_and_deleting_it_again_is_fine(bench: DocumentsBench) -> None:
    database = bench.database()
    for _ in range(2):
        bench.documents.delete(database)
        assert bench.documents.state(database) is None


def test_a_deleted_database_can_be_created_at_once_and_is_empty(bench: DocumentsBench) -> None:
    like, database = bench.database(), bench.database()
    for n in range(5):
        bench.put(database, {"_id": "a", "n": n})
        bench.documents.delete(database)
        bench.documents.create(database, like)
        assert bench.documents.leaves(database) == {}


# --- Replication ---


def test_a_replication_brings_all_revisions(bench: DocumentsBench) -> None:
    source, target = bench.database(), bench.database()
    mix(bench, source)
    bench.documents.replicate(source, target)
    assert bench.documents.leaves(target) == bench.documents.leaves(source)
    assert everything(bench.documents, target) == everything(bench.documents, source)
    assert len(everything(bench.documents, target)["forked"]) == 2


def test_a_replication_reverts_nothing(bench: DocumentsBench) -> None:
    live, backup = bench.database(), bench.database()
    old, gone = bench.put(live, {"_id": "updated", "n": 1}, {"_id": "deleted", "n": 1})
    bench.documents.replicate(live, backup)
    bench.put(
        live,
        {"_id": "updated", "_rev": old, "n": 2},
        {"_id": "deleted", "_rev": gone, "_deleted": True},
        {"_id": "added", "n": 1},
    )
    spoilt = everything(bench.documents, live)
    bench.documents.replicate(backup, live)
    assert everything(bench.documents, live) == spoilt != everything(bench.documents, backup)


def test_a_replication_takes_neither_notes_nor_security_along(bench: DocumentsBench) -> None:
    source, target, documents = bench.database(), bench.database(), bench.documents
    before = documents.security(target)
    bench.put(source, {"_id": "a"})
    documents.set_note(source, "marker", '{"a":1}')
    documents.set_security(source, '{"members":{"roles":["crew"]}}')
    documents.replicate(source, target)
    assert documents.note(target, "marker") == ""
    assert documents.security(target) == before != documents.security(source)


def test_a_replication_again_is_fine_and_goes_on_with_what_is_new(bench: DocumentsBench) -> None:
    source, target, documents = bench.database(), bench.database(), bench.documents
    documents.replicate(source, target)  # nothing at all
    mix(bench, source)
    for _ in range(2):
        documents.replicate(source, target)
    bench.put(source, {"_id": "later"})
    documents.replicate(source, target)
    assert documents.leaves(target) == documents.leaves(source)


@pytest.mark.parametrize("missing", ["source", "target"])
def test_a_replication_without_one_of_its_ends_names_it(bench: DocumentsBench, missing: str) -> None:
    there, gone = bench.database(), bench.fresh()
    ends = (gone, there) if missing == "source" else (there, gone)
    with pytest.raises(DataFailed, match=f"there is no database {gone}"):
        bench.documents.replicate(*ends)
    assert bench.documents.state(gone) is None


def test_documents_that_the_target_refuses_fail_each_replication(bench: DocumentsBench) -> None:
    """CouchDB says ok to both, and to the second one that there was nothing to do."""
    source, target = bench.database(), bench.database()
    bench.put(source, {"_id": "good"}, {"_id": "bad"})
    bench.refuse(target, "bad")
    for _ in range(2):
        with pytest.raises(DataFailed, match="1 documents"):
            bench.documents.replicate(source, target)
    assert bench.documents.leaves(target).keys() - {"_design/rule"} == {"good"}


# --- Leaves and documents ---


def test_leaves_are_those_of_tombstones_conflicts_and_design_documents_too(bench: DocumentsBench) -> None:
    database = bench.database()
    mix(bench, database)
    bench.documents.set_note(database, "marker", "{}")
    found = bench.documents.leaves(database)
    assert set(found) == {"plain", "updated", "deleted", "pictured", "_design/app", "forked"}
    assert found["forked"] == {f"2-{'a' * 32}", f"2-{'b' * 32}"}
    assert {one.partition("-")[0] for one in found["deleted"] | found["updated"]} == {"2"}


def test_of_leaves_in_conflict_the_winner_is_first(bench: DocumentsBench) -> None:
    database = bench.database()
    fork(bench, database)
    found = bench.documents.read(database, ["forked"])["forked"]
    assert [leaf.revision for leaf in found] == [f"2-{'b' * 32}", f"2-{'a' * 32}"]
    assert [body(leaf) for leaf in found] == [{"n": 2}, {"n": 1}]
    assert found[0].history == ("b" * 32, "0" * 32)
    bench.put(database, {"_id": "forked", "_rev": found[0].revision, "_deleted": True})
    found = bench.documents.read(database, ["forked"])["forked"]
    assert [leaf.deleted for leaf in found] == [False, True]


def test_a_tombstone_is_read_with_what_it_says(bench: DocumentsBench) -> None:
    database = bench.database()
    (rev,) = bench.put(database, {"_id": "a", "n": 1})
    bench.put(database, {"_id": "a", "_rev": rev, "_deleted": True, "why": "over"})
    (leaf,) = bench.documents.read(database, ["a"])["a"]
    assert leaf.deleted
    assert (leaf.generation, leaf.body) == (2, '{"why":"over"}')
    assert len(leaf.history) == 2


def test_what_never_was_there_is_left_out(bench: DocumentsBench) -> None:
    database = bench.database()
    bench.put(database, {"_id": "a"})
    assert list(bench.documents.read(database, ["b", "a", "c"])) == ["a"]
    assert bench.documents.read(database, []) == {}


def test_a_body_is_canonical_and_without_fields_of_the_server(bench: DocumentsBench) -> None:
    database = bench.database()
    bench.put(database, {"_id": "a", "z": 1, "b": {"y": [None, "é"], "a": 2.5}})
    (leaf,) = bench.documents.read(database, ["a"])["a"]
    assert leaf.body == '{"b":{"a":2.5,"y":[null,"\\u00e9"]},"z":1}'


def test_attachments_come_without_their_content_or_with_it(bench: DocumentsBench) -> None:
    database = bench.database()
    data = b64encode(secrets.token_bytes(5000)).decode()
    attachments = {"a/b c.bin": {"content_type": "application/x-thing", "data": data}}
    bench.put(database, {"_id": "a", "_attachments": attachments}, {"_id": "b"})
    (without,) = bench.documents.read(database, ["a", "b"])["a"]
    (stub,) = json.loads(without.body)["_attachments"].values()
    assert set(stub) == {"content_type", "digest", "length"}
    assert (stub["content_type"], stub["length"]) == ("application/x-thing", 5000)
    (full,) = bench.documents.read(database, ["a", "b"], attachments=True)["a"]
    assert body(full) == {"_attachments": attachments}


def test_leaves_are_written_as_they_were_read(bench: DocumentsBench) -> None:
    source, target = bench.database(), bench.database()
    mix(bench, source)
    leaves = [leaf for theirs in everything(bench.documents, source).values() for leaf in theirs]
    for _ in range(2):  # what is there already is fine
        bench.documents.write(target, leaves)
    assert bench.documents.leaves(target) == bench.documents.leaves(source)
    assert everything(bench.documents, target) == everything(bench.documents, source)


def test_a_leaf_over_the_winner_makes_no_conflict(bench: DocumentsBench) -> None:
    """How a restore goes back: a newer revision with the old content."""
    database = bench.database()
    (rev,) = bench.put(database, {"_id": "a", "n": 1})
    (old,) = bench.documents.read(database, ["a"])["a"]
    bench.put(database, {"_id": "a", "_rev": rev, "n": 2})
    (now,) = bench.documents.read(database, ["a"])["a"]
    over = Leaf("a", now.generation + 1, ("c" * 32, *now.history), old.body)
    bench.documents.write(database, [over])
    assert bench.documents.read(database, ["a"]) == {"a": (over,)}


def test_documents_that_are_refused_are_named_and_the_others_written(bench: DocumentsBench) -> None:
    database = bench.database()
    bench.refuse(database, "bad")
    leaves = [Leaf(name, 1, ("a" * 32,), "{}") for name in ("before", "bad", "after")]
    with pytest.raises(DataFailed, match="bad"):
        bench.documents.write(database, leaves)
    assert bench.documents.leaves(database).keys() - {"_design/rule"} == {"before", "after"}


# --- Where revisions are forgotten ---


def test_what_was_purged_was_never_there_and_a_replication_brings_it_back(bench: DocumentsBench) -> None:
    """The exception that proves the rule: what the target does not know at all is added."""
    live, backup, documents = bench.database(), bench.database(), bench.documents
    bench.put(live, {"_id": "a", "n": 1}, {"_id": "b", "n": 1})
    documents.set_note(live, "marker", '{"a":1}')
    documents.replicate(live, backup)
    before = documents.state(live)
    bench.purge(live, "a")
    after = documents.state(live)
    assert before is not None
    assert after is not None
    assert (after.documents, after.deleted) == (1, 0)
    assert after.sequence != before.sequence
    assert documents.leaves(live).keys() == documents.read(live, ["a", "b"]).keys() == {"b"}
    assert documents.note(live, "marker") == '{"a":1}'
    documents.replicate(backup, live)
    assert documents.leaves(live) == documents.leaves(backup)


def test_more_updates_than_are_kept_make_a_conflict_of_an_old_revision(bench: DocumentsBench) -> None:
    live, backup, documents = bench.database(), bench.database(), bench.documents
    (rev,) = bench.put(live, {"_id": "a", "n": 0})
    documents.replicate(live, backup)
    bench.limit(live, 3)
    for n in range(1, 7):
        (rev,) = bench.put(live, {"_id": "a", "_rev": rev, "n": n})
    (leaf,) = documents.read(live, ["a"])["a"]
    assert (leaf.generation, len(leaf.history)) == (7, 3)
    documents.replicate(backup, live)
    assert [body(one) for one in documents.read(live, ["a"])["a"]] == [{"n": 6}, {"n": 0}]


# --- Beside the documents ---


def test_a_new_database_admits_admins_only(bench: DocumentsBench) -> None:
    found = json.loads(bench.documents.security(bench.database()))
    assert found["members"] == found["admins"] == {"roles": ["_admin"]}


def test_security_is_what_was_said(bench: DocumentsBench) -> None:
    database = bench.database()
    said = '{"admins":{"names":["ada"],"roles":[]},"members":{"names":[],"roles":["crew"]}}'
    bench.documents.set_security(database, said)
    assert bench.documents.security(database) == said


def test_a_note_is_written_replaced_and_removed(bench: DocumentsBench) -> None:
    database, documents, name = bench.database(), bench.documents, "reconcile/backup"
    assert documents.note(database, name) == ""
    documents.set_note(database, name, "")
    for text in ('{"a":1,"b":"\\u00fc"}', '{"c":[1,2]}'):
        documents.set_note(database, name, text)
        assert documents.note(database, name) == text
    documents.set_note(database, name, "")
    assert documents.note(database, name) == ""
    documents.set_note(database, name, '{"d":1}')
    assert documents.note(database, name) == '{"d":1}'


def test_views_are_built(bench: DocumentsBench) -> None:
    database = bench.database()
    mix(bench, database)
    bench.documents.warm(database)
