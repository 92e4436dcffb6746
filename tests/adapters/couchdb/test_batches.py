"""Many documents, or large ones: how they are cut into requests."""

from __future__ import annotations

import json

import pytest

from reconciler.adapters.couchdb import reading, writing
from reconciler.domain.documents import Leaf
from reconciler.errors import DataFailed
from tests.adapters.couchdb.scripted import Asked, in_turn, scripted

REV = "1-" + "a" * 32


def document(name: str, **more: object) -> dict[str, object]:
    return {"_id": name, "_rev": REV, "_revisions": {"start": 1, "ids": ["a" * 32]}, **more}


def all_of(asked: Asked, **more: object) -> tuple[int, object]:
    rows = [{"id": one["id"], "docs": [{"ok": document(one["id"], **more)}]} for one in asked.content["docs"]]
    return 200, {"results": rows}


def test_changes_are_read_page_by_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "PAGE", 2)

    def page(names: str, last: str) -> tuple[int, object]:
        rows = [{"id": name, "seq": last, "changes": [{"rev": REV}]} for name in names]
        return 200, {"results": rows, "last_seq": last, "pending": 9}

    with scripted(in_turn(page("ab", "2-x/+="), page("cd", "4-y"), page("a", "5-z"))) as server:
        assert set(server.adapter().leaves("kompass")) == set("abcd")
        assert [one.query.rpartition("since=")[2] for one in server.asked] == ["0", "2-x%2F%2B%3D", "4-y"]


def test_a_document_that_is_written_meanwhile_counts_as_it_is_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "PAGE", 1)
    pages = [
        (200, {"results": [{"id": "a", "changes": [{"rev": rev} for rev in revs]}], "last_seq": "1"})
        for revs in (("1-a", "1-b"), ("2-a",))
    ]
    with scripted(in_turn(*pages, (200, {"results": [], "last_seq": "1"}))) as server:
        assert server.adapter().leaves("kompass") == {"a": {"2-a"}}


def test_small_documents_are_asked_for_many_at_once_and_large_ones_are_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reading, "MOST_BYTES", 100_000)
    names = [str(n) for n in range(1500)]
    for text, most in (("", 500), ("x" * 20_000, 100)):
        with scripted(lambda asked, text=text: all_of(asked, text=text)) as server:  # type: ignore[misc]
            assert list(server.adapter().read("kompass", names)) == names
            sizes = [len(one.content["docs"]) for one in server.asked]
        assert max(sizes) == most
        assert sizes[1] == (min(500, sizes[1]) if not text else 4)


def test_a_document_that_is_asked_for_twice_comes_once() -> None:
    with scripted(all_of) as server:
        assert list(server.adapter().read("kompass", ["a", "b", "a"])) == ["a", "b"]
        assert [len(one.content["docs"]) for one in server.asked] == [2]


def test_attachments_are_asked_for_by_their_length(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MOST_BYTES", 1000)

    def script(asked: Asked) -> tuple[int, object]:
        stub = {"content_type": "a/b", "digest": "md5-x", "length": 400, "stub": True, "revpos": 1}
        full = {"content_type": "a/b", "digest": "md5-x", "data": "eA==", "revpos": 1}
        return all_of(asked, _attachments={"x": full if "attachments" in asked.query else stub})

    with scripted(script) as server:
        found = server.adapter().read("kompass", list("abcde"), attachments=True)
        second = [one.content["docs"] for one in server.asked if "attachments" in one.query]
    assert [len(one) for one in second] == [2, 2, 1]
    assert all(json.loads(leaf.body)["_attachments"]["x"]["data"] == "eA==" for (leaf,) in found.values())


def test_a_document_that_cannot_be_read_is_named() -> None:
    wrong = {"error": {"id": "a", "rev": "undefined", "error": "unknown_error", "reason": "badarg"}}
    with (
        scripted(lambda _: (200, {"results": [{"id": "a", "docs": [wrong]}]})) as server,
        pytest.raises(DataFailed, match=r"'a' cannot be read \(unknown_error\)"),
    ):
        server.adapter().read("kompass", ["a"])


def test_documents_are_sent_in_groups_below_both_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "MOST_BYTES", 1000)
    small = [Leaf(str(n), 1, ("a" * 32,), "{}") for n in range(10)]
    large = Leaf("large", 1, ("a" * 32,), json.dumps({"text": "x" * 5000}))
    with scripted(lambda _: (201, [])) as server:
        server.adapter().write("kompass", [*small, large, *small])
        groups = [[doc["_id"] for doc in one.content["docs"]] for one in server.asked]
    assert [name for group in groups for name in group] == [str(n) for n in range(10)] + ["large"] + [
        str(n) for n in range(10)
    ]
    assert ["large"] in groups
    assert all(one.content["new_edits"] is False for one in server.asked)


def test_nothing_to_write_asks_nothing() -> None:
    with scripted(lambda _: (201, [])) as server:
        server.adapter().write("kompass", [])
        assert server.asked == []


def test_refusals_of_all_groups_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "MOST_DOCUMENTS", 1)
    row = [{"id": "a", "error": "forbidden", "reason": "no"}]
    with (
        scripted(in_turn((201, row), (201, []), (201, row))) as server,
        pytest.raises(DataFailed, match="2 of 3 documents"),
    ):
        server.adapter().write("kompass", [Leaf(name, 1, ("a" * 32,), "{}") for name in "abc"])


# --- Notes ---


def test_a_note_that_another_writes_meanwhile_is_written_again() -> None:
    conflict = 409, {"error": "conflict", "reason": "Document update conflict."}
    there = 200, {"_id": "_local/m", "_rev": "0-1", "a": 1}
    with scripted(in_turn(there, conflict, there, (201, {"ok": True}))) as server:
        server.adapter().set_note("kompass", "m", "{}")
        assert server.paths() == ["GET /kompass/_local/m", "PUT /kompass/_local/m"] * 2
    with (
        scripted(lambda asked: there if asked.method == "GET" else conflict) as server,
        pytest.raises(DataFailed, match="somebody else"),
    ):
        server.adapter().set_note("kompass", "m", "{}")
