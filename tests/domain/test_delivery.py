"""Which commits went back, told by content, and the figures that follow from that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from reconciler.domain.delivery import delivery
from reconciler.domain.history import HistoryRow
from reconciler.domain.report import Result
from reconciler.domain.reverts import with_reverts
from tests.domain.values import image

BEGIN = datetime(2026, 9, 1, 8, 0, tzinfo=UTC)


def line(*releases: str) -> list[HistoryRow]:
    """Commits of an hour each, as ``web2`` or ``web2 api3``; returns them newest first, as history does."""
    now: dict[str, str] = {}
    rows = []
    for hour, words in enumerate(releases):
        after = now | {
            word[:-1]: "" if word.endswith("-") else image(word[:-1], word[-1]) for word in words.split()
        }
        rows.append(row(hour, now, after))
        now = {name: reference for name, reference in after.items() if reference}
    return rows[::-1]


def pinned(word: str) -> str:
    return "" if word.endswith("-") else image(word[:-1], word[-1])


def row(hour: int, before: Mapping[str, str], after: Mapping[str, str]) -> HistoryRow:
    changes = sorted(
        (name, before.get(name, ""), after[name]) for name in after if before.get(name) != after[name]
    )
    return HistoryRow("production", f"c{hour}", BEGIN + timedelta(hours=hour), "dev", "", tuple(changes))


@pytest.mark.parametrize(
    ("releases", "undone"),
    [
        (("web1", "web2", "web1"), ["c1"]),
        (("web1", "web2", "web3", "web2"), ["c2"]),
        (("web1", "web2", "web3", "web2", "web1"), ["c2", "c1"]),
        (("web1", "web2", "web3", "web1"), ["c2"]),
        (("web1", "web2", "web1", "web2"), ["c1"]),  # to release it again is a release
        (("web1 api1", "web2 api2", "web1 api1"), ["c1"]),
        (("web1 api1", "web2", "api2", "web1"), ["c1"]),
        (("web1 api1", "web2", "web1 api2"), []),  # it goes back and on: that is a release
        (("web1 api1", "web2", "web1 api-"), []),
        (("web1", "web2", "web2"), []),
    ],
    ids=" ".join,
)
def test_a_commit_that_goes_back_names_what_it_undoes(releases: tuple[str, ...], undone: list[str]) -> None:
    told = with_reverts(line(*releases))
    assert [one.rollback_of for one in reversed(told) if one.rollback_of] == undone


def test_what_the_oldest_commit_replaced_is_known_too() -> None:
    (newest, oldest) = line("web1", "web2", "web1")[:2]
    assert with_reverts([newest, oldest])[0].rollback_of == oldest.revision


def test_the_figures() -> None:
    rows = list(with_reverts(line("web1", "web2", "web3", "web2", "web4")))
    done = BEGIN + timedelta(hours=4, seconds=90)
    good = str(Result.CONVERGED)
    rows[0] = replace(rows[0], run="R", seconds=20.0, result=good, ended_at=done)
    rows[1] = replace(rows[1], run="S", seconds=12.0, result=good)
    found = delivery(rows, BEGIN - timedelta(days=90), BEGIN + timedelta(days=14))
    assert (found.releases, found.failed) == (4, 1)
    assert found.since == BEGIN, "before the first commit there was nothing to count"
    assert found.weekly == pytest.approx(2.0)
    assert found.failure_rate == pytest.approx(0.25)
    assert found.time_to_restore == pytest.approx(12.0)
    assert found.lead_time == pytest.approx(90.0)


def test_a_rollback_without_a_journal_took_from_commit_to_commit() -> None:
    rows = with_reverts(line("web1", "web2", "web1"))
    assert delivery(rows, BEGIN, BEGIN + timedelta(days=1)).time_to_restore == pytest.approx(3600.0)


def test_what_was_undone_counts_in_its_own_span_only() -> None:
    rows = with_reverts(line("web1", "web2", "web1"))
    found = delivery(rows, BEGIN + timedelta(hours=1, minutes=30), BEGIN + timedelta(days=1))
    assert (found.releases, found.failed, len(found.restored_seconds)) == (0, 0, 1)
    assert found.failure_rate is None


def test_of_nothing_nothing_is_known() -> None:
    found = delivery((), BEGIN, BEGIN)
    assert (found.releases, found.weekly, found.failure_rate) == (0, 0.0, None)
    assert (found.time_to_restore, found.lead_time) == (None, None)
