"""reindex, as people call it: what it says, its JSON and its exit codes, over a real Git repository."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.app.reindex import Reindex
from reconciler.domain.search import Rebuilt
from reconciler.errors import DataFailed, Refused
from reconciler.interface.cli import exit_codes
from reconciler.interface.secrets import filled
from tests.app.restores import Restores, bad_release
from tests.bed.meilisearch import MeiliDouble
from tests.interface.test_commands import SETTINGS, Here
from tests.interface.test_commands import here as here
from tests.interface.test_data_commands import WITH_DATA, staged

DATA = """\
    data:
      search:
        meilisearch:
          url: "{url}"
          key: "${{MEILI_KEY}}"
          indexes: [customers, orders]
          rebuild: {{restart: backend}}
"""
DONE = (
    Rebuilt("customers", 12000, 11980, 8.2, "customers__8f3c2d1", ("customers__0000000",)),
    Rebuilt("orders", 3, None, 8.2, note="older indexes stay beside orders: the disk is broken"),
)


@pytest.fixture
def double(here: Here, monkeypatch: pytest.MonkeyPatch) -> Iterator[MeiliDouble]:
    with MeiliDouble() as found:
        here.commit({"state/reconcile.yaml": SETTINGS + DATA.format(url=found.url)}, "Search")
        monkeypatch.setenv("MEILI_KEY", found.key)
        yield found


@pytest.fixture
def done(double: MeiliDouble, monkeypatch: pytest.MonkeyPatch) -> list[tuple[object, ...]]:
    """What is asked for is done at once; the calls."""
    calls: list[tuple[object, ...]] = []

    def rebuild(_self: Reindex, names: tuple[str, ...] = (), *, fewer: bool = False) -> tuple[Rebuilt, ...]:
        calls.append(("rebuild", names, fewer))
        return DONE

    def swap_back(_self: Reindex, names: tuple[str, ...] = ()) -> tuple[Rebuilt, ...]:
        calls.append(("swap back", names))
        return (Rebuilt("customers", 11980, 12000, 0.05, "customers__8f3c2d1"),)

    monkeypatch.setattr(Reindex, "rebuild", rebuild)
    monkeypatch.setattr(Reindex, "swap_back", swap_back)
    return calls


def test_what_was_filled_is_told_in_a_table(here: Here, done: list[tuple[object, ...]]) -> None:
    said = here("reindex", "production")
    assert said.code == exit_codes.OK
    assert (
        said.out
        == """\
production: 2 indexes filled again

INDEX      DOCUMENTS  BEFORE  TOOK  DISPLACED
customers  12000      11980   8.2s  customers__8f3c2d1
orders     3          -       8.2s  -

Removed, as they were displaced earlier: customers__0000000
  ! older indexes stay beside orders: the disk is broken

What was displaced is kept. To let it serve again: reconcile reindex production --swap-back
"""
    )
    assert done == [("rebuild", (), False)]


def test_indexes_and_options_are_passed_on(here: Here, done: list[tuple[object, ...]]) -> None:
    here("reindex", "production", "orders", "customers", "--allow-fewer")
    said = here("reindex", "production", "--swap-back")
    assert said.out.startswith("production: 1 index swapped back\n")
    assert done == [("rebuild", ("orders", "customers"), True), ("swap back", ())]


@pytest.mark.parametrize("arguments", [("-o", "json", "reindex"), ("reindex", "-o", "json")])
def test_what_was_done_as_json(
    here: Here, done: list[tuple[object, ...]], arguments: tuple[str, ...]
) -> None:
    said = here(*arguments, "production")
    (environment,) = said.json["environments"]
    assert (said.code, said.json["kind"], environment["name"]) == (0, "reindex", "production")
    assert (environment["result"], environment["error"], environment["exit_code"]) == ("converged", None, 0)
    assert environment["indexes"][0] == {
        "name": "customers",
        "documents": 12000,
        "documents_before": 11980,
        "duration_seconds": 8.2,
        "displaced": "customers__8f3c2d1",
        "removed": ["customers__0000000"],
        "note": None,
    }


def test_what_failed_has_a_code_and_its_words(
    here: Here, double: MeiliDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_self: Reindex, _names: tuple[str, ...] = (), *, fewer: bool = False) -> tuple[Rebuilt, ...]:
        raise DataFailed("after 600 s, index customers: it is not there", hint="Look into the logs")

    monkeypatch.setattr(Reindex, "rebuild", fail)
    said = here("reindex", "production")
    assert (said.code, said.out) == (exit_codes.FAILED, "")
    assert "error: after 600 s, index customers: it is not there\n  = help: Look into the logs" in said.err
    said = here("reindex", "production", "-o", "json")
    (environment,) = said.json["environments"]
    assert (said.code, environment["result"], environment["exit_code"], environment["indexes"]) == (
        1,
        "failed",
        1,
        [],
    )
    assert environment["error"]["hint"] == "Look into the logs"


def test_a_key_without_a_value_is_named(
    here: Here, double: MeiliDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MEILI_KEY")
    said = here("reindex", "production")
    assert said.code == exit_codes.USAGE
    assert "data.search.meilisearch.key is ${MEILI_KEY}, and MEILI_KEY has no value here" in said.err
    assert "MEILI_KEY_FILE" in said.err
    assert double.asked == []


def test_the_key_may_be_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("a key\n")
    environ = {"MEILI_KEY_FILE": str(tmp_path / "key")}
    assert filled("${MEILI_KEY}", environ, "the key") == "a key"
    assert filled("", environ, "the key") == ""
    with pytest.raises(Refused, match="the key is \\$\\{OTHER\\}, and OTHER has no value here"):
        filled("${OTHER}", environ | {"OTHER": "", "OTHER_FILE": "/nowhere"}, "the key")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("produktion",), "There are: production"),
        (("production", "parts"), "there is no index 'parts'"),
        (("production", "--swap-back", "--allow-fewer"), "leave one of the two out"),
        ((), "Missing argument"),
    ],
)
def test_what_cannot_be_asked_for(
    here: Here, double: MeiliDouble, arguments: tuple[str, ...], says: str
) -> None:
    said = here("reindex", *arguments)
    assert (said.code, says in said.err) == (exit_codes.USAGE, True), said.err
    assert double.asked == []


def test_an_environment_without_search(here: Here) -> None:
    said = here("reindex", "production")
    assert (said.code, "production has no search server" in said.err) == (exit_codes.USAGE, True)


def test_without_an_engine_nothing_is_touched(here: Here, double: MeiliDouble) -> None:
    double.fill("customers", 3)
    double.fill("orders", 3)
    assert here("reindex", "production").code == exit_codes.UNREACHABLE
    assert double.asked == []


def test_the_key_shows_nowhere(here: Here, double: MeiliDouble, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEILI_KEY", "hunter2")
    for arguments in (
        ("reindex", "production"),
        ("reindex", "production", "--swap-back"),
        ("plan", "production"),
    ):
        said = here(*arguments)
        assert "hunter2" not in said.out + said.err


SEARCH = '{meilisearch: {url: "http://h", key: "${K}", indexes: [a], rebuild: {restart: backend}}}'


@pytest.fixture
def searched(here: Here, monkeypatch: pytest.MonkeyPatch) -> Restores:
    """Databases to be restored, and an index that is built from them."""
    settings = WITH_DATA.replace("    services:", f"      search: {SEARCH}\n    services:")
    here.commit({"state/reconcile.yaml": settings}, "Data")
    monkeypatch.setenv("K", "a key")
    restores, *_ = bad_release()
    staged(restores, monkeypatch)
    return restores


def test_after_a_restore_the_indexes_follow(
    here: Here, searched: Restores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Reindex, "follow", lambda _self: ("index a was filled again: 3 documents",))
    said = here("restore", "production", "couchdb", "--yes")
    assert (said.code, "index a was filled again: 3 documents" in said.out) == (exit_codes.OK, True), said.err


def test_an_index_that_cannot_follow_is_a_failure_and_the_data_are_back_all_the_same(
    here: Here, searched: Restores, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_self: Reindex) -> tuple[str, ...]:
        raise DataFailed("after 600 s, index a: it is not there")

    monkeypatch.setattr(Reindex, "follow", fail)
    said = here("-o", "json", "restore", "production", "couchdb", "--yes")
    (environment,) = said.json["environments"]
    assert (said.code, environment["restore"]["ending"]) == (exit_codes.FAILED, "restored")
    assert environment["error"]["problem"] == "after 600 s, index a: it is not there"
