"""Faults of a document database, on the CouchDB of the tests: rows B of docs/faults.md."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from reconciler.errors import DataUnreachable
from tests.bed.couchdb import CouchDb, CouchDbProcess
from tests.bed.tools import wait_until

DOCUMENTS = 500


@pytest.fixture
def slow() -> Iterator[CouchDbProcess]:
    """A server that takes a second for the documents of a replication, and keeps what it has."""
    with CouchDbProcess(keep=True, pause_seconds=0.2) as process:
        yield process


def filled(server: CouchDb) -> str:
    database = server.database()
    server.put(database, *({"_id": f"{n:04}", "n": n} for n in range(DOCUMENTS)))
    return database


def written(server: CouchDb, database: str) -> int:
    return int(server.ask("GET", f"/{database}")["doc_count"])


def test_b_04_a_replication_goes_on_when_its_client_gives_up_and_is_joined(slow: CouchDbProcess) -> None:
    server = slow.server
    source, target = filled(server), server.database()
    documents = server.adapter(deadline_seconds=0.5)
    documents.replicate(source, target)
    assert documents.leaves(target) == documents.leaves(source)
    told = _replicated(server, source, target)
    assert told["no_changes"] is True
    assert [one["docs_written"] for one in told["history"]] == [DOCUMENTS]


def _replicated(server: CouchDb, source: str, target: str) -> Any:
    """What the server tells of the replications that there were, when it is asked for another one."""
    return server.ask("POST", "/_replicate", {"source": server.end(source), "target": server.end(target)})


def test_b_06_a_server_that_is_killed_in_a_replication_leaves_part_of_it_and_is_asked_again(
    slow: CouchDbProcess,
) -> None:
    server = slow.server
    source, target = filled(server), server.database()
    documents = server.adapter()
    with ThreadPoolExecutor(1) as pool:
        replicating = pool.submit(documents.replicate, source, target)
        wait_until(lambda: written(server, target) > 0, seconds=20, what="the first documents")
        slow.kill()
        with pytest.raises(DataUnreachable) as caught:
            replicating.result(20)
    assert "Check that CouchDB runs" in caught.value.hint
    slow.start()
    assert 0 < written(server, target) < DOCUMENTS
    assert server.ask("GET", "/_active_tasks") == []
    documents.replicate(source, target)
    assert documents.leaves(target) == documents.leaves(source)


def test_what_the_server_has_acknowledged_survives_a_kill(slow: CouchDbProcess) -> None:
    """Of the server of the tests: a fault that it did not survive itself would prove nothing."""
    server, documents = slow.server, slow.server.adapter()
    database, gone = server.database(), server.database()
    content = {"x": {"content_type": "text/plain", "data": "aGVsbG8="}}
    revs = server.put(database, {"_id": "a", "n": 1}, {"_id": "b", "_attachments": content})
    server.put(database, {"_id": "a", "_rev": revs[0], "n": 2})
    documents.set_note(database, "marker", '{"a":1}')
    documents.set_note(database, "marker", '{"a":2}')
    documents.set_security(database, '{"members":{"roles":["crew"]}}')
    documents.delete(gone)
    before = documents.read(database, ["a", "b"], attachments=True), documents.state(database)
    slow.kill()
    slow.start()
    assert (documents.read(database, ["a", "b"], attachments=True), documents.state(database)) == before
    assert documents.note(database, "marker") == '{"a":2}'
    assert documents.security(database) == '{"members":{"roles":["crew"]}}'
    assert documents.databases() == (database,)
