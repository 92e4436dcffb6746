"""When the holder of a lease counts as gone: whatever clocks do, never while it renews."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.domain.turns import Holder, Pace, Seen, Standing, Watch, end_of

NOW = datetime(2026, 9, 30, 14, 0, 0, tzinfo=UTC)
PACE = Pace(ttl_seconds=30.0, renew_seconds=5.0)


def seen(left: float, *, id: str = "one") -> Seen:  # noqa: A002
    """A lease that has ``left`` seconds to go, by the engine's clock at NOW."""
    return Seen(id, "elsewhere", Holder("process 1 on web-1", NOW, NOW + timedelta(seconds=left)))


def standing(left: float, silent: float) -> Standing:
    """What is said of such a lease, watched for ``silent`` seconds without a renewal."""
    return Watch(seen(left), 100.0).standing(NOW, 100.0 + silent, PACE)


@pytest.mark.parametrize(
    ("left", "silent", "expected"),
    [
        (30, 0, Standing.ALIVE),
        (1, 29, Standing.ALIVE),
        (0, 0, Standing.DOUBTFUL),
        (0, 9.9, Standing.DOUBTFUL),
        (0, 10, Standing.GONE),
        (-3600, 0, Standing.DOUBTFUL),
        (-3600, 9.9, Standing.DOUBTFUL),
        (-3600, 10, Standing.GONE),
        (35, 0, Standing.ALIVE),
        (36, 0, Standing.DOUBTFUL),
        (3600, 29.9, Standing.DOUBTFUL),
        (3600, 30, Standing.GONE),
        (20, 30, Standing.GONE),
    ],
)
def test_a_holder_that_is_silent(left: float, silent: float, expected: Standing) -> None:
    assert standing(left, silent) is expected


def test_one_that_was_seen_to_renew_is_alive_whatever_the_clocks_say() -> None:
    watch = Watch(seen(-3600), 100.0).saw(seen(-3595), 104.0)
    assert watch.standing(NOW, 113.9, PACE) is Standing.ALIVE
    assert watch.standing(NOW, 114.0, PACE) is Standing.GONE


def test_another_lease_is_watched_from_its_own_beginning() -> None:
    watch = Watch(seen(-1), 100.0).saw(seen(-1, id="two"), 109.0)
    assert watch.standing(NOW, 110.0, PACE) is Standing.DOUBTFUL
    assert not watch.renewed


def test_looking_again_at_the_same_changes_nothing() -> None:
    watch = Watch(seen(-1), 100.0)
    assert watch.saw(seen(-1), 105.0) == watch


@given(
    jumps=st.lists(st.floats(-7200, 7200), min_size=1, max_size=30),
    every=st.floats(0.1, 9.9),
    start=st.floats(-7200, 7200),
)
def test_a_holder_that_renews_in_time_is_never_gone(jumps: list[float], every: float, start: float) -> None:
    """The engine's clock jumps before each look; the holder renews between any two of them."""
    at, engine = 0.0, NOW + timedelta(seconds=start)
    watch = Watch(seen(30), at)
    for jump in jumps:
        at, engine = at + every, engine + timedelta(seconds=jump)
        until = end_of(engine, PACE, watch.seen.holder.until)
        assert watch.standing(engine, at, PACE) is not Standing.GONE
        watch = watch.saw(Seen("one", "elsewhere", Holder("it", NOW, until)), at)


@given(left=st.floats(-1e6, 1e6))
def test_a_holder_that_is_dead_is_gone_after_a_whole_lease_at_the_latest(left: float) -> None:
    assert standing(left, PACE.ttl_seconds) is Standing.GONE


@given(moment=st.datetimes(datetime(2020, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)))
def test_a_lease_lasts_for_whole_seconds_and_not_less_than_it_should(moment: datetime) -> None:
    end = end_of(moment, PACE)
    assert end.microsecond == 0
    assert 30.0 <= (end - moment).total_seconds() < 31.0


@given(moment=st.datetimes(datetime(2020, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)))
def test_a_renewal_can_be_seen_even_where_the_clock_stands_still(moment: datetime) -> None:
    first = end_of(moment, PACE)
    second = end_of(moment, PACE, first)
    assert first != second != end_of(moment, PACE, second)
