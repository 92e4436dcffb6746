"""Whether an index is there, asked of the double of a MeiliSearch server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from reconciler.adapters.probe import OutsideProbe
from reconciler.adapters.probe.meilisearch import STRANGER
from reconciler.domain.check import SearchIndex
from reconciler.domain.comparison import Seen
from reconciler.domain.gate import Evidence
from tests.adapters.probe.server import Odd
from tests.bed.meilisearch import MeiliDouble
from tests.bed.registry import free_port


@pytest.fixture
def double() -> Iterator[MeiliDouble]:
    with MeiliDouble() as found:
        found.fill("customers", 1000)
        yield found


def seen(double: MeiliDouble, index: str = "customers", documents: int = 0, key: str = "") -> Seen:
    probe = OutsideProbe({"KEY": key or double.key})
    return probe.ask(SearchIndex(double.url, index, documents, "${KEY}"), 5)


def words(found: Seen) -> tuple[Evidence, str]:
    return found.evidence, found.detail


@pytest.mark.parametrize(
    ("index", "documents", "evidence", "said"),
    [
        ("customers", 0, Evidence.GOOD, "1000 documents"),
        ("customers", 1000, Evidence.GOOD, "1000 documents"),
        ("customers", 1001, Evidence.BAD, "1000 documents, expected at least 1001"),
        ("orders", 0, Evidence.BAD, "there is no index orders"),
    ],
)
def test_what_is_there(
    double: MeiliDouble, index: str, documents: int, evidence: Evidence, said: str
) -> None:
    assert words(seen(double, index, documents)) == (evidence, said)


def test_while_it_is_indexing_too_few_are_no_answer_yet(double: MeiliDouble) -> None:
    double.slowness = 100
    double.add("customers", [1000])
    double.tasks[0].status = "processing"
    said = "1000 documents, expected at least 1001, and it is indexing"
    assert words(seen(double, documents=1001)) == (Evidence.UNREADY, said)
    assert seen(double, documents=1000).evidence is Evidence.GOOD


def test_while_tasks_wait_neither_too_few_nor_none_at_all_are_an_answer(double: MeiliDouble) -> None:
    """The server says then that it is not indexing."""
    double.slowness = 100
    double.add("customers", [1000])
    double.add("orders", [1])
    said = "1000 documents, expected at least 1001, and tasks of it wait"
    assert words(seen(double, documents=1001)) == (Evidence.UNREADY, said)
    assert words(seen(double, "orders")) == (
        Evidence.UNREADY,
        "there is no index orders, and tasks of it wait",
    )


def test_a_wrong_key_or_none_is_no_evidence(double: MeiliDouble) -> None:
    said = "the server does not let us look at the index"
    assert words(seen(double, key="wrong")) == (Evidence.NONE, f"{said} (403)")
    none = OutsideProbe({}).ask(SearchIndex(double.url, "customers"), 5)
    assert words(none) == (Evidence.NONE, f"{said} (401)")


def test_a_key_that_may_not_look_at_tasks_says_nothing_of_too_few(double: MeiliDouble) -> None:
    listing = double._list_tasks

    def refused(words: dict[str, str]) -> dict[str, object]:
        double._let_in("Bearer wrong")
        return listing(words)

    double._list_tasks = refused  # type: ignore[method-assign]
    assert seen(double).evidence is Evidence.GOOD
    found = seen(double, documents=1001)
    assert words(found) == (
        Evidence.NONE,
        "1000 documents, expected at least 1001; the key may not ask whether more is to come",
    )


def test_a_server_without_a_key(double: MeiliDouble) -> None:
    double.key = ""
    assert OutsideProbe({}).ask(SearchIndex(double.url, "customers"), 5).evidence is Evidence.GOOD


def test_health_is_asked_without_a_key_and_first(double: MeiliDouble) -> None:
    seen(double)
    assert [target for _, target in double.asked] == ["/health", "/indexes/customers/stats"]
    assert "Authorization" not in double.headers[0]


def test_a_key_without_a_value_is_no_evidence(double: MeiliDouble) -> None:
    found = OutsideProbe({}).ask(SearchIndex(double.url, "customers", 0, "${KEY}"), 5)
    assert words(found) == (Evidence.NONE, "KEY is not set, and no KEY_FILE can be read")


def test_a_server_that_starts_or_is_away_is_unready(
    double: MeiliDouble, server: tuple[type[Odd], str]
) -> None:
    double.down = True
    assert words(seen(double)) == (Evidence.UNREADY, "503 Service Unavailable")
    probe = OutsideProbe({})
    assert probe.ask(SearchIndex(f"http://127.0.0.1:{free_port()}", "a"), 5).evidence is Evidence.UNREADY
    late = probe.ask(SearchIndex(f"http://{server[1]}/silent?", "a"), 0.2)
    assert words(late) == (Evidence.UNREADY, "no whole answer within 0.2 s")


def test_what_answers_is_no_meilisearch(server: tuple[type[Odd], str]) -> None:
    found = OutsideProbe({}).ask(SearchIndex(f"http://{server[1]}", "a"), 5)
    assert words(found) == (Evidence.BAD, STRANGER)
