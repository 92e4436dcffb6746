"""The way back of databases, on the CouchDB of the tests: the runbook's, which is none, and ours."""

from __future__ import annotations

import json
import stat
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from reconciler.domain.restoring import Ending
from reconciler.errors import DataFailed, DataUnreachable, PermissionRefused
from tests.bed.couchdb import CouchDb, CouchDbProcess
from tests.bed.registry import free_port
from tests.faults.stored import Stored

VIEW = {"views": {"by_n": {"map": "function (doc) { emit(doc.n, null); }"}}}
OTHER_VIEW = {"views": {"by_total": {"map": "function (doc) { emit(doc.total, null); }"}}}
ONLY_MEMBERS = {"admins": {"names": [], "roles": []}, "members": {"names": ["app"], "roles": ["team"]}}


def attached(text: str) -> dict[str, Any]:
    return {"scan.txt": {"content_type": "text/plain", "data": b64encode(text.encode()).decode()}}


def conflicting(document: str, hash_: str, n: int) -> dict[str, Any]:
    """What a peer wrote by itself."""
    return {
        "_id": document,
        "_rev": f"1-{hash_ * 32}",
        "_revisions": {"start": 1, "ids": [hash_ * 32]},
        "n": n,
    }


def fill(stored: Stored, database: str, documents: int) -> None:
    server = stored.server
    for start in range(0, documents, 2000):
        numbers = range(start, min(start + 2000, documents))
        server.put(database, *({"_id": f"{n:05}", "n": n, "text": "x" * 200} for n in numbers))
    server.put(database, {"_id": "_design/app", **VIEW}, {"_id": "file", "_attachments": attached("first")})
    server.put(database, {"_id": "deleted before", "n": 1})
    stored.delete(database, "deleted before")
    server.put(database, conflicting("00007", "f", 70), conflicting("lone", "a", 1), new_edits=False)
    server.put(database, conflicting("lone", "b", 2), new_edits=False)
    server.ask("PUT", stored.path(database, "/_security"), ONLY_MEMBERS)
    server.ask("PUT", stored.path(database, "/_local/settings"), {"mine": 1})


def ruin(stored: Stored, database: str, documents: int) -> None:
    """What a bad release does: a tenth is changed, some are deleted, some added."""
    server = stored.server
    changed = [f"{n:05}" for n in range(0, documents, 10)]
    read = stored.documents.read(database, changed)
    again = [{"_id": d, "_rev": read[d][0].revision, "n": -1} for d in changed]
    server.put(database, *again)
    stored.delete(database, *(f"{n:05}" for n in range(1, documents, 20)))
    server.put(database, *({"_id": f"new-{n}", "n": n} for n in range(documents // 20)))
    stored.update(database, "_design/app", **OTHER_VIEW)
    stored.update(database, "file", _attachments=attached("second"))
    stored.update(database, "deleted before", n=2)
    stored.delete(database, "00003")
    stored.update(database, "00003", made="anew")
    stored.delete(database, "lone")
    server.put(database, conflicting("00009", "e", 90), new_edits=False)
    server.ask("PUT", stored.path(database, "/_security"), {"members": {"names": ["everybody"]}})


@pytest.mark.parametrize("documents", [400, pytest.param(10_000, marks=pytest.mark.long)])
def test_b_01_the_runbooks_command_undoes_nothing_and_ours_everything(
    couchdb: CouchDb, tmp_path: Path, documents: int
) -> None:
    name = couchdb.database("kom/pass")
    stored = Stored.stage(couchdb, tmp_path, name)
    fill(stored, name, documents)
    (backup,) = stored.back_up().backups
    then = stored.says(name)
    ruin(stored, name, documents)
    now, leaves = stored.says(name), stored.documents.leaves(name)

    stored.documents.replicate(backup.name, name)
    assert stored.documents.leaves(name) == leaves, "it answers that all is well, and has changed nothing"

    with writing(stored, name) as wrote:
        restored = stored.go_back(backup.name[-15:])
    assert wrote, "somebody who could not be stopped wrote meanwhile"
    assert (restored.ending, restored.error, restored.notes) == (Ending.RESTORED, None, ())
    assert {d: said for d, said in stored.says(name).items() if not d.startswith("meanwhile")} == then
    security = couchdb.ask("GET", stored.path(name, "/_security"))
    assert security["members"]["names"] == ["app"]
    assert couchdb.ask("GET", stored.path(name, "/_local/settings"))["mine"] == 1
    assert couchdb.answer("GET", stored.path(name, "/_local/reconcile-restore"))[0] == 404
    (one,) = restored.differences
    assert (one.changes, one.returns) == (documents // 10 + 5, documents // 20)
    assert 0 <= one.goes - (documents // 20 + 1) <= len(wrote)
    (present,) = restored.present
    assert {d: said for d, said in stored.says(present).items() if not d.startswith("meanwhile")} == now
    (export,) = restored.exports
    assert stat.S_IMODE(Path(export).stat().st_mode) == 0o600
    assert len(Path(export).read_text().splitlines()) > documents // 5


@contextmanager
def writing(stored: Stored, database: str) -> Iterator[list[str]]:
    """Somebody who cannot be stopped writes a document now and then."""
    wrote: list[str] = []
    over = threading.Event()

    def write() -> None:
        while not over.wait(0.1) and len(wrote) < 4:
            stored.update(database, f"meanwhile-{len(wrote)}", n=1)
            wrote.append(database)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield wrote
    finally:
        over.set()
        thread.join()


def small(couchdb: CouchDb, tmp_path: Path) -> tuple[Stored, str, str]:
    """Backed up and then ruined: the name of the database, and the stamp of its backup."""
    name = couchdb.database()
    stored = Stored.stage(couchdb, tmp_path, name)
    fill(stored, name, 100)
    stamp = stored.back_up().backups[0].name[-15:]
    return stored, name, stamp


def test_b_03_a_newer_rule_for_documents_does_not_refuse_what_comes_back(
    couchdb: CouchDb, tmp_path: Path
) -> None:
    stored, name, stamp = small(couchdb, tmp_path)
    then = stored.says(name)
    ruin(stored, name, 100)
    stored.update(name, "_design/app", **refusing("!doc.text"))
    restored = stored.go_back(stamp)
    assert (restored.ending, restored.error, stored.says(name)) == (Ending.RESTORED, None, then)


def test_b_03_documents_that_are_refused_are_named_and_what_was_there_is_still_had(
    couchdb: CouchDb, tmp_path: Path
) -> None:
    stored, name, stamp = small(couchdb, tmp_path)
    then = stored.says(name)
    stored.update(name, "00001", n=-1)
    couchdb.put(name, {"_id": "_design/later", **refusing("doc._id == '00001'")})
    restored = stored.go_back(stamp)
    assert (restored.ending, restored.error, stored.says(name)) == (Ending.RESTORED, None, then)

    stored.update(name, "_design/app", **refusing("doc._deleted"))
    stamp = stored.back_up().backups[0].name[-15:]
    couchdb.put(name, {"_id": "new", "n": 1})
    half = stored.go_back(stamp)
    assert half.ending is Ending.HALF
    assert isinstance(half.error, DataFailed)
    assert "'new'" in half.error.problem
    assert stored.passes.scene.running() == "proxy-1=1"
    stored.update(name, "_design/app", **VIEW)
    back = stored.go_back(half.present[0][-15:])
    assert (back.ending, "new" in stored.says(name)) == (Ending.RESTORED, True)


def refusing(what: str) -> dict[str, Any]:
    """A design document that refuses to have documents written that are ``what``."""
    rule = f"function (doc) {{ if ({what}) throw({{forbidden: 'no'}}); }}"
    return {"validate_doc_update": rule}


@pytest.mark.parametrize("late", [False, True])
def test_b_07_a_server_that_goes_away_or_refuses_us_loses_nothing(tmp_path: Path, late: bool) -> None:
    with CouchDbProcess(keep=True) as process:
        stored, name, stamp = small(process.server, tmp_path)
        then = stored.says(name)
        ruin(stored, name, 100)
        now = stored.says(name)
        real = stored.documents
        stored.documents = process.server.adapter(password="wrong")
        with pytest.raises(PermissionRefused):
            stored.go_back(stamp)
        stored.documents = process.server.adapter(url=f"http://127.0.0.1:{free_port()}")
        with pytest.raises(DataUnreachable):
            stored.go_back(stamp)
        stored.documents = real
        point = "documents.write:after" if late else "documents.replicate:after"
        stored.passes.scene.failpoint = lambda reached: process.kill() if reached == point else None
        restored = died(stored, stamp)
        stored.passes.scene.failpoint = lambda _reached: None
        process.start()
        if late:
            assert restored is Ending.HALF
            assert stored.passes.scene.running() == "proxy-1=1"
        else:
            assert (restored, stored.says(name)) == (Ending.UNTOUCHED, now)
            assert stored.passes.scene.running() == "proxy-1=1 web-1=1"
        again = stored.go_back(stamp)
        assert (again.ending, stored.says(name)) == (Ending.RESTORED, then)
        assert stored.passes.scene.running() == "proxy-1=1 web-1=1"
        assert stored.says(again.present[0]) == now


def died(stored: Stored, stamp: str) -> Ending:
    """What a restore came to whose server went away meanwhile."""
    try:
        restored = stored.go_back(stamp)
    except DataUnreachable:
        return Ending.UNTOUCHED
    assert isinstance(restored.error, DataUnreachable)
    return restored.ending


def test_b_11_a_peer_does_not_bring_the_bad_data_back(couchdb: CouchDb, tmp_path: Path) -> None:
    stored, name, stamp = small(couchdb, tmp_path)
    then = stored.says(name)
    ruin(stored, name, 100)
    peer = couchdb.database("peer")
    stored.documents.replicate(name, peer)
    stored.go_back(stamp)
    stored.documents.replicate(peer, name)
    assert stored.says(name) == then, "its newer revisions are ours to go on from"
    stored.documents.replicate(name, peer)
    assert stored.says(peer) == then, "and it learns of that"


def test_what_is_exported_can_be_written_again(couchdb: CouchDb, tmp_path: Path) -> None:
    stored, name, stamp = small(couchdb, tmp_path)
    ruin(stored, name, 100)
    now = stored.says(name)
    (export,) = stored.go_back(stamp).exports
    copy = couchdb.database("copy")
    stored.documents.replicate(f"{name}_backup_{stamp}", copy)
    lines = [json.loads(line) for line in Path(export).read_text().splitlines()]
    couchdb.put(copy, *lines, new_edits=False)
    assert stored.says(copy) == now
