"""What a search server does, asked of the double and, where there is one, of a real MeiliSearch server.

    MEILI_URL=http://localhost:7700 MEILI_KEY=… pytest tests/contract/test_search_contract.py

The key must be good for all indexes. Indexes of a random name are made, and removed.
"""

from __future__ import annotations

import os
import ssl
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from reconciler.adapters.clock import SystemClock
from reconciler.adapters.meilisearch import MeiliServer
from reconciler.domain.search import IndexState
from reconciler.errors import DataFailed, PermissionRefused
from tests.bed.meilisearch import MeiliDouble
from tests.bed.tools import wait_until

REAL = ["real"] if "MEILI_URL" in os.environ else []


@dataclass
class Bench:
    """A server, the port over it, and an application that uses it."""

    url: str
    key: str
    made: list[str] = field(default_factory=list)

    @property
    def server(self) -> MeiliServer:
        return MeiliServer(self.url, self.key, SystemClock(), patience_seconds=60.0)

    def new(self) -> str:
        """The name of an index that is not there."""
        self.made.append(f"reconcile-{uuid.uuid4().hex[:12]}")
        return self.made[-1]

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        """A request of the application."""
        given = headers or {"Authorization": f"Bearer {self.key}"}
        plain = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # certificates take long to load
        verify = plain if self.url.startswith("http:") else True
        return httpx.request(
            method, self.url + path, json=body, headers=given, verify=verify, trust_env=False
        )

    def changed(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        """A change by the application: the task at its end."""
        accepted = self.ask(method, path, body)
        assert accepted.status_code == 202, accepted.text
        return self.ended(accepted.json()["taskUid"])

    def ended(self, uid: int) -> dict[str, Any]:
        """The task once it has ended."""
        found: dict[str, Any] = {}

        def over() -> bool:
            found.update(self.ask("GET", f"/tasks/{uid}").json())
            return found["status"] not in ("enqueued", "processing")

        wait_until(over, seconds=60, what=f"task {uid} ends")
        return found

    def filled(self, documents: int) -> str:
        """A new index with so many documents."""
        index = self.new()
        self.changed("POST", f"/indexes/{index}/documents", [{"id": n} for n in range(documents)])
        return index


@pytest.fixture(params=["double", *REAL])
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    with ExitStack() as stack:
        if request.param == "real":
            found = Bench(os.environ["MEILI_URL"].rstrip("/"), os.environ.get("MEILI_KEY", ""))
        else:
            double = stack.enter_context(MeiliDouble())
            found = Bench(double.url, double.key)
        yield found
        for index in found.made:
            found.server.remove(index)


# --- What the port promises ---------------------------------------------------------------------------


def test_an_index_that_is_not_there_has_no_documents_and_nothing_to_do(bench: Bench) -> None:
    assert bench.server.state(bench.new()) == IndexState(None)


def test_an_index_has_so_many_documents(bench: Bench) -> None:
    assert bench.server.state(bench.filled(3)) == IndexState(3)


def test_an_index_that_is_removed_is_gone_when_the_call_returns(bench: Bench) -> None:
    index = bench.filled(3)
    assert index in bench.server.indexes()
    bench.server.remove(index)
    assert bench.server.state(index) == IndexState(None)
    assert index not in bench.server.indexes()


def test_to_remove_what_is_not_there_is_fine(bench: Bench) -> None:
    bench.server.remove(bench.new())


def test_an_index_is_created_once_and_creating_it_again_changes_nothing(bench: Bench) -> None:
    index = bench.new()
    bench.server.create(index)
    assert bench.server.state(index) == IndexState(0)
    bench.changed("POST", f"/indexes/{index}/documents", [{"id": 1}])
    bench.server.create(index)
    assert bench.server.state(index) == IndexState(1)


def test_exchanged_indexes_bear_each_others_names(bench: Bench) -> None:
    one, other = bench.filled(1), bench.filled(2)
    bench.changed("PATCH", f"/indexes/{one}/settings", {"filterableAttributes": ["id"]})
    bench.server.swap([(one, other)])
    assert (bench.server.state(one), bench.server.state(other)) == (IndexState(2), IndexState(1))
    assert bench.ask("GET", f"/indexes/{other}/settings").json()["filterableAttributes"] == ["id"]


def test_pairs_are_exchanged_all_or_none(bench: Bench) -> None:
    one, other = bench.filled(1), bench.filled(2)
    with pytest.raises(DataFailed, match="index_not_found"):
        bench.server.swap([(one, other), (bench.new(), bench.new())])
    assert (bench.server.state(one), bench.server.state(other)) == (IndexState(1), IndexState(2))


def test_what_an_index_was_exchanged_with_last_is_known(bench: Bench) -> None:
    one, first, second = bench.filled(1), bench.filled(2), bench.filled(3)
    assert bench.server.exchanged(one) == ""
    bench.server.swap([(one, first)])
    assert bench.server.exchanged(one) == first
    bench.server.swap([(second, one)])
    assert bench.server.exchanged(one) == second
    bench.server.swap([(one, second)])
    assert bench.server.exchanged(one) == second


def test_what_failed_is_told_and_what_failed_before_is_not(bench: Bench) -> None:
    index = bench.filled(1)
    since = bench.server.last_task()
    assert bench.server.failed_since(index, since) == ""
    failed = bench.changed("POST", f"/indexes/{index}/documents", [{"id": "not an id!"}])
    assert failed["status"] == "failed", failed
    assert failed["error"]["code"] in bench.server.failed_since(index, since)
    assert bench.server.failed_since(index, bench.server.last_task()) == ""


def test_to_make_sure_of_what_is_so_already_is_no_failure(bench: Bench) -> None:
    index, since = bench.filled(1), bench.server.last_task()
    assert bench.changed("POST", "/indexes", {"uid": index})["error"]["code"] == "index_already_exists"
    bench.changed("DELETE", f"/indexes/{index}")
    assert bench.changed("DELETE", f"/indexes/{index}")["error"]["code"] == "index_not_found"
    assert bench.server.failed_since(index, since) == ""


def test_each_task_is_newer_than_the_last(bench: Bench) -> None:
    before = bench.server.last_task()
    bench.filled(1)
    assert bench.server.last_task() > before


def test_a_wrong_key_and_none_are_refused(bench: Bench) -> None:
    if not bench.key:
        assert bench.ask("GET", "/tasks").status_code == 200, "this server wants no key"
        return
    for key in ("", "wrong"):
        with pytest.raises(PermissionRefused):
            MeiliServer(bench.url, key, SystemClock()).indexes()


# --- What is assumed of the server --------------------------------------------------------------------


def test_health_needs_no_key(bench: Bench) -> None:
    answer = bench.ask("GET", "/health", Accept="*/*")
    assert (answer.status_code, answer.json()) == (200, {"status": "available"})


def test_without_a_bearer_it_is_401_and_with_a_wrong_one_403(bench: Bench) -> None:
    if not bench.key:
        return
    for header in ({"Accept": "*/*"}, {"Authorization": f"Basic {bench.key}"}):
        answer = bench.ask("GET", "/indexes", **header)
        assert (answer.status_code, answer.json()["code"]) == (401, "missing_authorization_header")
    answer = bench.ask("GET", "/indexes", Authorization="Bearer wrong")
    assert (answer.status_code, answer.json()["code"]) == (403, "invalid_api_key")


def test_a_task_is_called_by_another_key_when_it_is_accepted(bench: Bench) -> None:
    accepted = bench.ask("DELETE", f"/indexes/{bench.new()}")
    assert accepted.status_code == 202
    summary = accepted.json()
    assert (summary["status"], summary["type"]) == ("enqueued", "indexDeletion")
    task = bench.ended(summary["taskUid"])
    assert task["uid"] == summary["taskUid"]
    assert (task["status"], task["error"]["code"]) == ("failed", "index_not_found")


def test_documents_make_an_index_without_settings(bench: Bench) -> None:
    """B-18: what is written between deleting and building is an index that cannot be filtered."""
    index = bench.new()
    bench.changed("PATCH", f"/indexes/{index}/settings", {"filterableAttributes": ["id"]})
    bench.changed("POST", f"/indexes/{index}/documents", [{"id": 1}])
    bench.changed("DELETE", f"/indexes/{index}")
    bench.changed("POST", f"/indexes/{index}/documents", [{"id": 1}])
    assert not bench.ask("GET", f"/indexes/{index}/settings").json().get("filterableAttributes")


def test_deleting_all_documents_keeps_the_settings(bench: Bench) -> None:
    index = bench.filled(2)
    bench.changed("PATCH", f"/indexes/{index}/settings", {"filterableAttributes": ["id"]})
    bench.changed("DELETE", f"/indexes/{index}/documents")
    assert bench.server.state(index) == IndexState(0)
    assert bench.ask("GET", f"/indexes/{index}/settings").json()["filterableAttributes"] == ["id"]


def test_the_tasks_of_an_index_are_found_by_status_and_counted(bench: Bench) -> None:
    index = bench.filled(1)
    bench.changed("POST", f"/indexes/{index}/documents", [{"id": 2}])
    found = bench.ask("GET", f"/tasks?indexUids={index}&statuses=succeeded&limit=1").json()
    assert found["total"] == 2
    assert len(found["results"]) == 1
    assert found["next"] < found["results"][0]["uid"]
    assert bench.ask("GET", f"/tasks?indexUids={index}&statuses=enqueued,processing").json()["total"] == 0


def test_an_exchange_belongs_to_no_index_in_the_list_of_tasks(bench: Bench) -> None:
    one, other = bench.filled(1), bench.filled(2)
    bench.server.swap([(one, other)])
    found = bench.ask("GET", f"/tasks?indexUids={one},{other}").json()["results"]
    assert "indexSwap" not in {task["type"] for task in found}


def test_a_canceled_task_says_by_which(bench: Bench) -> None:
    """Whether it can be canceled in time is the server's matter: one that was done says so."""
    index = bench.new()
    uid = bench.ask("POST", f"/indexes/{index}/documents", [{"id": n} for n in range(1000)]).json()["taskUid"]
    canceling = bench.ask("POST", f"/tasks/cancel?uids={uid}").json()["taskUid"]
    task = bench.ended(uid)
    assert (task["status"], task["canceledBy"]) in (("canceled", canceling), ("succeeded", None))


def test_a_name_that_is_none_is_refused(bench: Bench) -> None:
    with pytest.raises(DataFailed, match="invalid_index_uid"):
        bench.server.remove("a/b")
