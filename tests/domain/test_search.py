"""When an index is whole, and what the one beside it is called."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.domain.data import Index
from reconciler.domain.search import (
    ABSENT,
    SETTLED_SECONDS,
    Filling,
    IndexState,
    beside,
    built_beside,
)

LOOK = 0.5


def seen(filling: Filling, *documents: int | None, busy: bool = False) -> tuple[Filling, float]:
    """The index after these looks, and when the last of them was."""
    now = 0.0
    for number, count in enumerate(documents):
        now = number * LOOK
        filling = filling.saw(IndexState(count, busy), now)
    return filling, now


def whole(filling: Filling, *documents: int | None, busy: bool = False) -> bool:
    found, now = seen(filling, *documents, busy=busy)
    return found.whole(now)


EXPECTED = Filling.of(Index("customers", 1000), None)
KNOWN = Filling.of(Index("customers"), 1000)
UNKNOWN = Filling.of(Index("customers"), None)


@pytest.mark.parametrize("filling", [EXPECTED, KNOWN, UNKNOWN])
def test_nothing_seen_once_is_whole(filling: Filling) -> None:
    assert not filling.whole(1e9)
    assert not whole(filling, 1000)
    assert not filling.saw(IndexState(1000), 0.0).whole(1e9)


@pytest.mark.parametrize("filling", [EXPECTED, KNOWN])
def test_with_all_that_is_expected_two_looks_are_enough(filling: Filling) -> None:
    assert whole(filling, 1000, 1000)
    assert whole(filling, 1200, 1200)
    assert not whole(filling, 1000, 1200)


def test_an_index_that_is_busy_or_not_there_is_not_whole() -> None:
    assert not whole(UNKNOWN, *[1000] * 100, busy=True)
    assert not whole(Filling.of(Index("customers", 0), None), *[None] * 100)


def test_where_nobody_knows_how_many_there_are_it_has_to_rest() -> None:
    """Between two batches of an application nothing waits and nothing runs."""
    settled = int(SETTLED_SECONDS / LOOK) + 1
    assert not whole(UNKNOWN, *[10] * (settled - 1))
    assert whole(UNKNOWN, *[10] * settled)
    assert not whole(UNKNOWN, *[10] * settled, 20)


def test_less_than_before_is_taken_where_it_rests_and_less_than_half_never() -> None:
    assert not whole(KNOWN, 500, 500)
    assert whole(KNOWN, *[500] * 100)
    assert not whole(KNOWN, *[499] * 1000)
    assert whole(Filling.of(Index("customers"), 1000, fewer=True), *[1] * 100)


def test_what_is_written_is_the_least_whatever_there_was_before() -> None:
    assert Filling.of(Index("customers", 1000), 10).least == 1000
    assert Filling.of(Index("customers", 1000), 10, fewer=True).least == 1000
    assert Filling.of(Index("customers"), 3).least == 2


def test_a_look_that_failed_begins_anew() -> None:
    found, now = seen(EXPECTED, 1000)
    assert not found.missed().saw(IndexState(1000), now).whole(now)


@given(st.lists(st.tuples(st.one_of(st.none(), st.integers(0, 3)), st.booleans()), max_size=30))
def test_it_is_never_whole_unless_the_last_two_looks_say_so(looks: list[tuple[int | None, bool]]) -> None:
    filling = Filling.of(Index("customers", 2), None)
    for number, (documents, busy) in enumerate(looks):
        filling = filling.saw(IndexState(documents, busy), number * LOOK)
    if filling.whole(len(looks) * LOOK):
        (one, _), (other, busy) = looks[-2:]
        assert one == other
        assert (other or 0) >= 2
        assert not busy


def test_how_far_it_is_in_words() -> None:
    assert (
        str(EXPECTED.saw(IndexState(12, busy=True), 0)) == "12 of at least 1000 documents, and it is indexing"
    )
    assert str(EXPECTED.saw(IndexState(12), 0)) == "12 of at least 1000 documents, and it rests"
    assert str(EXPECTED.saw(ABSENT, 0)) == "it is not there"
    assert str(EXPECTED.saw(IndexState(None, busy=True), 0)) == "it is not there, and tasks of it wait"


COMMIT = "8f3c2d1aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"


def test_the_one_beside_bears_the_release_and_is_no_other() -> None:
    assert beside("customers", COMMIT, ()) == "customers__8f3c2d1"
    taken = {"customers__8f3c2d1", "customers__8f3c2d1-2"}
    assert beside("customers", COMMIT, taken) == "customers__8f3c2d1-3"


def test_what_was_built_beside_is_told_from_what_is_the_applications_own() -> None:
    ours = ("customers__8f3c2d1", "customers__0000000-12")
    others = (
        "customers",
        "customers__archive",
        "customers__8f3c2d",
        "customers__8f3c2d1x",
        "orders__8f3c2d1",
    )
    more = ("customers2__8f3c2d1", "customers__8f3c2d1-", "xcustomers__8f3c2d1")
    assert built_beside("customers", (*others, *ours, *more)) == ours
    assert beside("customers", COMMIT, ()) in built_beside("customers", [beside("customers", COMMIT, ())])
