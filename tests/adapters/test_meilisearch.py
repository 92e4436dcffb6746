"""A search server that says no, says nothing, or says it late."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from reconciler.adapters.meilisearch import MeiliServer
from reconciler.domain.search import IndexState
from reconciler.errors import DataFailed, DataUnreachable, PermissionRefused, ReconcileError
from tests.adapters.probe.server import Handler, listening, odd, raw
from tests.bed.fake_clock import FakeClock
from tests.bed.meilisearch import QUEUE_FULL, MeiliDouble
from tests.bed.registry import free_port

KEY = "a key that nobody may see"


@pytest.fixture
def double() -> Iterator[MeiliDouble]:
    with MeiliDouble() as found:
        yield found


def over(double: MeiliDouble, seconds: float = 600.0, *, key: str = "") -> MeiliServer:
    return MeiliServer(double.url, key or double.key, FakeClock(), patience_seconds=seconds)


def at(address: str, seconds: float = 5.0, *, key: str = KEY) -> MeiliServer:
    return MeiliServer(f"http://{address}", key, FakeClock(), limit_seconds=seconds)


def asks(server: MeiliServer) -> list[Callable[[], object]]:
    """Every method of the port."""
    return [
        server.indexes,
        lambda: server.state("customers"),
        lambda: server.create("customers"),
        lambda: server.remove("customers"),
        lambda: server.swap([("customers", "customers__8f3c2d1")]),
        lambda: server.exchanged("customers"),
        server.last_task,
        lambda: server.failed_since("customers", 0),
    ]


# --- Tasks ------------------------------------------------------------------------------------------


def test_b_17_a_task_is_followed_to_its_end_however_long_it_waits(double: MeiliDouble) -> None:
    double.fill("customers", 3)
    double.slowness = 40
    over(double).remove("customers")
    assert double.count("customers") is None


def test_b_17_a_deletion_that_was_accepted_and_fails_is_a_failure(double: MeiliDouble) -> None:
    double.fill("customers", 3)
    double.fails("indexDeletion", "internal", "the disk\nis broken")
    with pytest.raises(DataFailed) as raised:
        over(double).remove("customers")
    assert raised.value.problem == (
        f"search server {double.url} could not delete index customers: "
        "task 0 failed: the disk is broken (internal)"
    )
    assert raised.value.hint == "What the server knows of it: GET /tasks/0"
    assert double.count("customers") == 3


def test_b_17_a_canceled_task_is_a_failure(double: MeiliDouble) -> None:
    double.fill("customers", 3)
    double.cancels("indexDeletion")
    with pytest.raises(DataFailed, match="delete index customers: task 0 was canceled by task 1"):
        over(double).remove("customers")


def test_b_17_a_full_queue_takes_nothing(double: MeiliDouble) -> None:
    double.fill("customers", 3)
    double.full = True
    with pytest.raises(DataFailed) as raised:
        over(double).remove("customers")
    assert QUEUE_FULL in raised.value.problem
    assert "DELETE /tasks?statuses=succeeded,failed" in raised.value.hint
    assert double.count("customers") == 3


def test_b_17_a_task_that_never_ends_is_waited_for_no_longer_than_that(double: MeiliDouble) -> None:
    double.fill("customers", 3)
    double.stuck.add("customers")
    with pytest.raises(DataFailed, match=r"has not begun or not ended its task 0, .* after 30 s"):
        over(double, 30.0).remove("customers")


def test_a_server_that_restarts_meanwhile_keeps_its_tasks(double: MeiliDouble) -> None:
    double.fill("customers", 3)
    double.slowness, double.mute = 5, {3, 4, 5}
    over(double).remove("customers")
    assert double.count("customers") is None


def test_a_server_that_does_not_come_back_is_unreachable(double: MeiliDouble) -> None:
    double.fill("customers", 3)
    double.stuck.add("customers")
    double.mute = set(range(3, 10_000))
    with pytest.raises(DataUnreachable):
        over(double, 30.0).remove("customers")


def test_an_exchange_whose_answer_got_lost_is_not_asked_for_again(double: MeiliDouble) -> None:
    """Twice would be none at all."""
    double.fill("a", 1)
    double.fill("b", 2)
    double.mute = {1}
    with pytest.raises(DataUnreachable):
        over(double).swap([("a", "b")])
    assert [target for method, target in double.asked if method == "POST"] == ["/swap-indexes"]


def test_a_task_that_a_key_may_not_see_is_a_failure_with_a_reason(double: MeiliDouble) -> None:
    """A key for some indexes only sees no exchange, and the server says that there is no such task."""
    double.fill("a", 1)
    double.fill("b", 2)
    hidden = double._task
    double._task = lambda uid: hidden("gone")  # type: ignore[method-assign]
    with pytest.raises(DataFailed, match="does not know its task 0 any more") as raised:
        over(double).swap([("a", "b")])
    assert "good for all indexes" in raised.value.hint


# --- What is seen -----------------------------------------------------------------------------------


def test_an_index_is_busy_while_tasks_wait_also_where_the_server_says_that_it_is_not_indexing(
    double: MeiliDouble,
) -> None:
    double.fill("customers", 3)
    double.slowness = 100
    double.add("customers", [7])
    assert double._stats("customers")["isIndexing"] is False
    assert over(double).state("customers") == IndexState(3, busy=True)
    assert over(double).state("orders") == IndexState(None)


def test_an_index_that_tasks_will_create_is_not_there_and_busy(double: MeiliDouble) -> None:
    double.slowness = 100
    double.add("customers", [7])
    assert over(double).state("customers") == IndexState(None, busy=True)


def test_the_first_of_several_failures_is_told(double: MeiliDouble) -> None:
    for words in ("the cause", "a consequence"):
        double.fails("documentAdditionOrUpdate", "internal", words)
        double.add("customers", [1])
    double.add("customers", [2])
    for _ in range(6):
        double.tick()
    assert (
        over(double).failed_since("customers", -1)
        == "task 0 (documentAdditionOrUpdate) failed: the cause (internal)"
    )
    assert "a consequence" in over(double).failed_since("customers", 0)


def test_more_indexes_than_fit_on_a_page(double: MeiliDouble) -> None:
    for number in range(1003):
        double.fill(f"i{number}", 0)
    assert len(over(double).indexes()) == 1003


def test_an_exchange_is_found_behind_pages_of_others(double: MeiliDouble) -> None:
    for name in ("a", "b", "x", "y"):
        double.fill(name, 1)
    over(double).swap([("a", "b")])
    for _ in range(150):
        double._swap([["x", "y"]])
        double.tick()
        double.tick()
    assert over(double).exchanged("a") == "b"


# --- Servers that do not do as they should ----------------------------------------------------------


def failing(error: type[ReconcileError], server: MeiliServer) -> list[ReconcileError]:
    """What every method of the port raises."""
    found: list[ReconcileError] = []
    for ask in asks(server):
        with pytest.raises(error) as raised:
            ask()
        assert type(raised.value) is error
        found.append(raised.value)
    assert not any(KEY in str(one) for one in found)
    return found


def test_nothing_listens() -> None:
    address = f"127.0.0.1:{free_port()}"
    for error in failing(DataUnreachable, at(address)):
        assert error.problem.startswith(f"search server http://{address} cannot be asked: ")
        assert error.hint == "Is it running, and does it listen there?"


def test_a_server_that_is_starting(double: MeiliDouble) -> None:
    double.down = True
    for error in failing(DataUnreachable, over(double)):
        assert "is not ready: 503" in error.problem


def test_a_server_that_does_not_let_us_in(double: MeiliDouble) -> None:
    for error in failing(PermissionRefused, over(double, key=KEY)):
        assert "The provided API key is invalid. (invalid_api_key)" in error.problem
        assert "indexes.swap" in error.hint


@pytest.mark.parametrize("key", ["two\nlines", " hunter2", "naïve", "hunter3\r"])
def test_a_key_that_is_none_is_not_shown_either(double: MeiliDouble, key: str) -> None:
    for error in failing(PermissionRefused, over(double, key=key)):
        assert "has characters that no key has" in error.problem
        assert key.strip() not in str(error)
    assert double.asked == []


class Strange(Handler):
    """Answers everything with the same."""

    status = 200
    body = b""

    def do_DELETE(self) -> None:  # noqa: N802
        self.respond()

    def respond(self) -> None:
        self.content()
        self.answer(self.status, self.body)


def strange(status: int, body: object) -> type[Strange]:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return type("Own", (Strange,), {"status": status, "body": content})


@pytest.mark.parametrize(
    "answer",
    [
        (200, b"<html>"),
        (200, []),
        (200, {}),
        (200, {"results": 1, "total": []}),
        (200, b"[" * 100_000),
        (202, {"taskUid": "7"}),
        (302, b""),
        (404, b"not found"),
        (500, b""),
    ],
)
def test_what_listens_is_no_meilisearch(answer: tuple[int, Any]) -> None:
    with listening(strange(*answer)) as address:
        failing(DataUnreachable, at(address))


def test_a_refusal_that_repeats_the_key_does_not_show_it() -> None:
    body = {"code": "internal", "message": f"{KEY} {KEY}: no\n\x1b[31mgood", "type": "internal", "link": ""}
    with listening(strange(500, body)) as address:
        for error in failing(DataFailed, at(address)):
            assert "*** ***: no" in error.problem


def test_a_refusal_of_a_thousand_words_is_cut() -> None:
    body = {"code": "internal", "message": "word " * 1000, "type": "internal", "link": ""}
    with listening(strange(500, body)) as address:
        assert all(len(error.problem) < 500 for error in failing(DataFailed, at(address)))


def test_a_server_that_says_nothing_is_left_at_the_deadline() -> None:
    with odd() as (_, address), pytest.raises(DataUnreachable, match=r"did not answer within 0\.2 s"):
        MeiliServer(f"http://{address}/silent?", "", FakeClock(), limit_seconds=0.2).last_task()


def test_an_answer_that_drips_is_left_at_the_deadline() -> None:
    with odd() as (_, address), pytest.raises(DataUnreachable, match=r"did not answer within 0\.3 s"):
        MeiliServer(f"http://{address}/drip-body?", "", FakeClock(), limit_seconds=0.3).last_task()


def test_an_answer_without_an_end_is_not_read_to_it() -> None:
    with odd() as (_, address), pytest.raises(DataUnreachable, match="more than anybody asked for"):
        MeiliServer(f"http://{address}/big?", "", FakeClock(), limit_seconds=30.0).last_task()


def test_an_answer_that_breaks_off() -> None:
    def script(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")

    with raw(script) as address:
        failing(DataUnreachable, at(address))


def test_the_name_has_no_credentials_in_it() -> None:
    assert MeiliServer("http://ada:hunter2@localhost:7700/", "k", FakeClock()).name == "http://localhost:7700"


def test_the_key_goes_out_as_a_bearer_and_nowhere_else(double: MeiliDouble) -> None:
    over(double).last_task()
    assert [headers["Authorization"] for headers in double.headers] == [f"Bearer {double.key}"]
    assert not any(double.key in target for _, target in double.asked)
    assert double.key not in repr(over(double)._wire)
