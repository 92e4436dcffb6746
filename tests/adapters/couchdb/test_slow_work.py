"""Work inside of the server that takes longer than one request may, and names that are not free at once."""

from __future__ import annotations

from itertools import count

import pytest

from reconciler.errors import DataFailed, DataUnreachable, PermissionRefused
from tests.adapters.couchdb.scripted import PASSWORD, Asked, Script, in_turn, scripted

SHAPE = {"doc_count": 0, "doc_del_count": 0, "update_seq": "0-x", "cluster": {"q": 2}, "props": {}}
GONE = 404, {"error": "not_found", "reason": "Database does not exist."}
GHOST = 412, {"error": "file_exists", "reason": "The database could not be created, the file already exists."}
BRISK = {"deadline_seconds": 0.2, "patience_seconds": 1.0}


def session(failures: int) -> dict[str, object]:
    return {"session_id": "x", "docs_written": 3, "doc_write_failures": failures}


def done(*failures: int, **more: object) -> tuple[int, object]:
    return 200, {"ok": True, "session_id": "x", "history": [session(one) for one in failures], **more}


def no_tasks(asked: Asked) -> tuple[int, object]:
    return 200, []


def a_server(replicate: Script, tasks: Script = no_tasks) -> Script:
    """Both databases are there, and empty."""

    def script(asked: Asked) -> tuple[int, object] | bytes | None:
        if asked.path == "/_replicate":
            return replicate(asked)
        return tasks(asked) if asked.path == "/_active_tasks" else (200, SHAPE)

    return script


# --- Replication ---


def test_a_replication_names_both_ends_as_the_server_sees_itself() -> None:
    with scripted(a_server(in_turn(done(0)))) as server:
        server.adapter(replication_url="http://couchdb:5984/").replicate("kom/pass", "copy")
        (content,) = [one.content for one in server.asked if one.path == "/_replicate"]
    login = {"basic": {"username": "ada", "password": PASSWORD}}
    assert content == {
        "source": {"url": "http://couchdb:5984/kom%2Fpass", "auth": login},
        "target": {"url": "http://couchdb:5984/copy", "auth": login},
        "create_target": False,
    }


def test_who_gives_up_waiting_joins_the_running_replication() -> None:
    with scripted(a_server(in_turn(None, None, done(0)))) as server:
        server.adapter(**BRISK).replicate("kompass", "copy")
        posts = [one.content for one in server.asked if one.path == "/_replicate"]
    assert len(posts) == 3
    assert posts[0] == posts[1] == posts[2]


def test_a_replication_that_gets_on_may_take_longer_than_it_may_stand_still() -> None:
    numbers = count()
    task = {"type": "replication", "source": "http://x/kompass/", "target": "http://x/copy/"}
    with scripted(
        a_server(in_turn(*[None] * 8, done(0)), lambda _: (200, [{**task, "docs_read": next(numbers)}]))
    ) as server:
        server.adapter(**BRISK).replicate("kompass", "copy")
        assert server.paths().count("POST /_replicate") == 9


def test_what_grows_in_the_target_is_progress_where_tasks_are_not_told() -> None:
    numbers, answers = count(), in_turn(*[None] * 8, done(0))

    def script(asked: Asked) -> tuple[int, object] | bytes | None:
        if asked.path == "/_replicate":
            return answers(asked)
        if asked.path == "/_active_tasks":
            return 403, {"error": "forbidden", "reason": "not for you"}
        return 200, {**SHAPE, "update_seq": f"{next(numbers)}-x"}

    with scripted(script) as server:
        server.adapter(**BRISK).replicate("kompass", "copy")
        assert server.paths().count("POST /_replicate") == 9


def test_the_opaque_end_of_a_sequence_is_no_progress() -> None:
    numbers = count()

    def script(asked: Asked) -> tuple[int, object] | bytes | None:
        if asked.path == "/_replicate":
            return None
        return 200, [] if asked.path == "/_active_tasks" else {**SHAPE, "update_seq": f"7-{next(numbers)}"}

    with scripted(script) as server, pytest.raises(DataUnreachable, match="has not got on"):
        server.adapter(**BRISK).replicate("kompass", "copy")


def test_a_replication_that_stands_still_is_given_up() -> None:
    numbers = count()
    others = {"type": "replication", "source": "http://x/kompass/", "target": "http://x/copy_of_another/"}
    with (
        scripted(
            a_server(in_turn(None), lambda _: (200, [{**others, "docs_read": next(numbers)}]))
        ) as server,
        pytest.raises(DataUnreachable, match="has not got on for 1 s") as caught,
    ):
        server.adapter(**BRISK).replicate("kompass", "copy")
    assert "_active_tasks" in caught.value.hint


@pytest.mark.parametrize(
    "answer",
    [done(3), done(0, 3), done(0, 3, no_changes=True), done(1, 0, 2)],
    ids=["the one session", "an earlier session", "an earlier one, and nothing to do", "two of three"],
)
def test_documents_that_any_session_could_not_write_fail_it(answer: tuple[int, object]) -> None:
    with scripted(a_server(in_turn(answer))) as server, pytest.raises(DataFailed, match="3 documents"):
        server.adapter().replicate("kompass", "copy")


@pytest.mark.parametrize("answer", [done(), done(0, 0), done(0, no_changes=True), done(no_changes=True)])
def test_nothing_to_do_is_fine(answer: tuple[int, object]) -> None:
    with scripted(a_server(in_turn(answer))) as server:
        server.adapter().replicate("kompass", "copy")


@pytest.mark.parametrize(
    "answer", [(200, {"ok": True}), (200, {"ok": False, "history": []}), (202, {"ok": True})]
)
def test_a_success_without_a_history_proves_nothing(answer: tuple[int, object]) -> None:
    with scripted(a_server(in_turn(answer))) as server, pytest.raises((DataUnreachable, DataFailed)):
        server.adapter().replicate("kompass", "copy")


@pytest.mark.parametrize("status", [404, 500])
def test_a_missing_database_is_told_from_a_wrong_address(status: int) -> None:
    refusal = status, {"error": "db_not_found", "reason": "could not open http://x/copy/"}
    with scripted(a_server(in_turn(refusal))) as server, pytest.raises(DataFailed) as caught:
        server.adapter().replicate("kompass", "copy")
    assert "other databases than we" in caught.value.hint


def test_credentials_that_the_server_itself_is_refused_with() -> None:
    refusal = 500, {"error": "unauthorized", "reason": "unauthorized to access or create database http://x/"}
    with scripted(a_server(in_turn(refusal))) as server, pytest.raises(PermissionRefused):
        server.adapter().replicate("kompass", "copy")
    assert server.paths().count("POST /_replicate") == 1


def test_any_other_failure_inside_has_failed() -> None:
    refusal = 500, {"error": "checkpoint_commit_failure", "reason": "Failure on target commit"}
    with scripted(a_server(in_turn(refusal))) as server, pytest.raises(DataFailed, match="checkpoint_commit"):
        server.adapter().replicate("kompass", "copy")


# --- Names that are not free at once ---


def test_a_deletion_is_waited_for() -> None:
    with scripted(in_turn((200, {"ok": True}), (200, SHAPE), (200, SHAPE), GONE)) as server:
        server.adapter().delete("kompass")
        assert server.paths() == ["DELETE /kompass"] + ["GET /kompass"] * 3


def test_a_deletion_that_does_not_happen_has_failed() -> None:
    with scripted(lambda asked: (200, SHAPE)) as server, pytest.raises(DataFailed, match="still there"):
        server.adapter(**BRISK).delete("kompass")


def creating(puts: Script, seen: tuple[int, object]) -> Script:
    """``like`` is there; what is created is what ``seen`` says."""

    def script(asked: Asked) -> tuple[int, object] | bytes | None:
        if asked.path.endswith("_revs_limit"):
            return b"1000"
        if asked.path == "/like":
            return 200, SHAPE
        return puts(asked) if asked.method == "PUT" else seen

    return script


def test_the_ghost_of_a_deleted_database_is_waited_for() -> None:
    with scripted(creating(in_turn(GHOST, GHOST, (201, {"ok": True})), GONE)) as server:
        server.adapter().create("copy", "like")
        assert server.paths().count("PUT /copy") == 3


def test_a_ghost_that_stays_is_an_error() -> None:
    with (
        scripted(creating(in_turn(GHOST), GONE)) as server,
        pytest.raises(DataFailed, match="that it is not"),
    ):
        server.adapter(**BRISK).create("copy", "like")


def test_a_database_that_can_be_seen_is_no_ghost() -> None:
    with scripted(creating(in_turn(GHOST), (200, SHAPE))) as server:
        server.adapter().create("copy", "like")
        assert server.paths().count("PUT /copy") == 1


def test_a_limit_of_revisions_that_is_the_same_is_not_written() -> None:
    with scripted(creating(in_turn((201, {"ok": True})), (200, SHAPE))) as server:
        server.adapter().create("copy", "like")
        assert "PUT /copy/_revs_limit" not in server.paths()


# --- Views ---


def test_building_a_view_is_waited_for_longer_than_one_request() -> None:
    rows = {"rows": [{"doc": {"_id": "_design/app", "views": {"b": {}, "a": {}}}}]}
    asking = in_turn(None, None, (200, {"rows": []}))
    numbers = count()
    task = {
        "type": "indexer",
        "database": "shards/00000000-7fffffff/kompass.1",
        "design_document": "_design/app",
    }

    def script(asked: Asked) -> tuple[int, object] | bytes | None:
        if asked.path == "/_active_tasks":
            return 200, [{**task, "changes_done": next(numbers)}]
        return asking(asked) if "_view" in asked.path else (200, rows)

    with scripted(script) as server:
        server.adapter(**BRISK).warm("kompass")
        assert server.paths().count("GET /kompass/_design/app/_view/a") == 3


def test_a_view_that_cannot_be_built_is_named() -> None:
    rows = {"rows": [{"doc": {"_id": "_design/app", "views": {"a": {}}}}]}
    broken = 400, {"error": "compilation_error", "reason": "Compilation of the map function failed"}
    with (
        scripted(lambda asked: broken if "_view" in asked.path else (200, rows)) as server,
        pytest.raises(
            DataFailed, match=r"build the views of _design/app in kompass \(400: compilation_error"
        ),
    ):
        server.adapter().warm("kompass")
