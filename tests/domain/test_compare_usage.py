"""Memory that grows, is too much, or is more than before; and processor time."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.domain.check import Cpu, Memory
from reconciler.domain.compare import compare
from reconciler.domain.compare.slope import grows, slope
from reconciler.domain.comparison import Comparison, Measures, Reading
from reconciler.domain.gate import Evidence
from reconciler.domain.observed import Usage

GOOD, BAD, NONE = Evidence.GOOD, Evidence.BAD, Evidence.NONE
MIB = 1 << 20
MEMORY = Memory(("web",))
CPU = Cpu(("web",))


def weighed(
    *mebibytes: float, limit: float = 0, name: str = "web-1", apart: float = 1.0, cpu: Iterable[float] = ()
) -> tuple[Reading, ...]:
    """One reading a second; the processor time only grows."""
    spent = list(cpu) or [0.1 * n for n in range(len(mebibytes))]
    return tuple(
        Reading(name, 100.0 + n * apart, Usage(int(size * MIB), int(limit * MIB), spent[n], 0.0))
        for n, size in enumerate(mebibytes)
    )


def busy(*seconds: float, cpus: float = 0.0, name: str = "web-1") -> tuple[Reading, ...]:
    """One reading a second of the processor time spent so far."""
    return tuple(Reading(name, 7.0 + n, Usage(MIB, 0, spent, cpus)) for n, spent in enumerate(seconds))


def measures(*readings: tuple[Reading, ...]) -> Measures:
    return Measures(readings=tuple(one for some in readings for one in some))


STEADY = measures(weighed(100))


@pytest.mark.parametrize(
    ("before", "now", "evidence", "detail"),
    [
        (STEADY, weighed(*[100] * 5), GOOD, "web-1 uses 100 MiB"),
        (STEADY, weighed(*[100] * 4), NONE, "web-1: too few readings, 4 in 3 s"),
        (STEADY, weighed(*[100] * 9, apart=0.3), NONE, "web-1: too few readings, 9 in 2 s"),
        (STEADY, (), NONE, "web: nothing could be measured"),
        (STEADY, weighed(*[100] * 5, name="api-1"), NONE, "web: nothing could be measured"),
        (None, weighed(*[100] * 5), GOOD, "web-1 uses 100 MiB; not compared: nothing ran before"),
        # against the predecessor
        (STEADY, weighed(*[150] * 5), GOOD, "web-1 uses 150 MiB"),
        (STEADY, weighed(*[151] * 5), BAD, "web-1 uses 151 MiB, 51 % more than before (100 MiB)"),
        (STEADY, weighed(100, 100, 100, 900, 900), GOOD, "web-1 uses 900 MiB"),
        (measures(weighed(2)), weighed(*[18] * 5), GOOD, "web-1 uses 18 MiB"),
        (measures(weighed(2)), weighed(*[19] * 5), BAD, "web-1 uses 19 MiB, 850 % more than before (2 MiB)"),
        (measures(weighed(0)), weighed(*[19] * 5), BAD, "web-1 uses 19 MiB, more than before (0 MiB)"),
        (
            measures(weighed(100, name="web-1"), weighed(200, name="web-2")),
            weighed(*[250] * 5, name="web-3"), GOOD, "web-3 uses 250 MiB",
        ),
        (
            measures(weighed(100, name="web-1"), weighed(200, name="web-2")),
            weighed(*[250] * 5), BAD, "web-1 uses 250 MiB, 150 % more than before (100 MiB)",
        ),
        (measures(weighed(10, name="api-1")), weighed(*[250] * 5), GOOD, "web-1 uses 250 MiB"),
        # against its limit
        (STEADY, weighed(*[90] * 5, limit=100), GOOD, "web-1 uses 90 MiB"),
        (None, weighed(*[91] * 5, limit=100), BAD, "web-1 uses 91 % of its limit of 100 MiB"),
        (None, weighed(91, limit=100), BAD, "web-1 uses 91 % of its limit of 100 MiB"),
        (STEADY, weighed(50, 50, 50, 95, 50, limit=100), GOOD, "web-1 uses 50 MiB"),
        # growth
        (None, weighed(*range(20, 30, 2), limit=64), BAD, "web-1 grows by 2.0 MiB/s, full in 18 s"),
        (
            None, weighed(20, 22, 90, 26, 28, 30, 32, 34, 36, limit=132), BAD,
            "web-1 grows by 2.0 MiB/s, full in 48 s",
        ),
        (
            STEADY, weighed(*range(100, 110, 2)), GOOD,
            "web-1 uses 108 MiB and grows by 2.0 MiB/s, without a limit of its own",
        ),
        (
            STEADY, weighed(*range(100, 110, 2), limit=10_000), GOOD,
            "web-1 grows by 2.0 MiB/s, full in 82 min",
        ),
        (STEADY, weighed(100, 101, 102, 103, 104, limit=130), GOOD, "web-1 uses 104 MiB"),
        (STEADY, weighed(100, 120, 100, 120, 100, 120, limit=140), GOOD, "web-1 uses 120 MiB"),
        (STEADY, weighed(100, 110, 120, 120, 120, 120, 120, limit=140), GOOD, "web-1 uses 120 MiB"),
        (STEADY, weighed(*range(110, 100, -2), limit=130), GOOD, "web-1 uses 102 MiB"),
    ],
)  # fmt: skip
def test_memory(before: Measures | None, now: tuple[Reading, ...], evidence: Evidence, detail: str) -> None:
    assert compare(MEMORY, before, measures(now)) == Comparison(evidence, detail)


def test_how_soon_it_must_not_be_full() -> None:
    now = measures(weighed(*range(20, 30, 2), limit=64))
    assert compare(Memory(("web",), full_within_seconds=18.1), None, now).evidence is BAD
    assert compare(Memory(("web",), full_within_seconds=17.9), None, now).evidence is GOOD


def test_a_short_look_does_not_foretell_an_hour() -> None:
    """Both would be full in 500 s."""
    short = weighed(*[100 + n * 2 for n in range(5)], limit=1108)
    long = weighed(*[100 + n * 2 for n in range(21)], limit=1140)
    assert compare(MEMORY, None, measures(short)).evidence is GOOD
    assert compare(MEMORY, None, measures(long)).evidence is BAD


def test_what_grows_more_slowly_by_now_is_judged_by_now() -> None:
    """Its start took 60 MiB; by now it grows by 1 MiB/s."""
    now = measures(weighed(100, 120, 140, *range(160, 167), limit=266))
    found = compare(Memory(("web",), full_within_seconds=60.0), None, now)
    assert found == Comparison(
        GOOD, "web-1 grows by 1.0 MiB/s, full in 100 s; not compared: nothing ran before"
    )


def test_the_readings_before_a_restart_do_not_count() -> None:
    now = weighed(*[400] * 4, *[100] * 5, limit=420, cpu=[5, 6, 7, 8, 0.1, 0.2, 0.3, 0.4, 0.5])
    assert compare(MEMORY, STEADY, measures(now)) == Comparison(GOOD, "web-1 uses 100 MiB")
    assert compare(MEMORY, STEADY, measures(now[:6])).evidence is NONE


def test_one_bad_container_of_many_decides() -> None:
    names = [f"web-{n}" for n in range(1, 6)]
    good = [weighed(*[100] * 5, name=name) for name in names]
    found = compare(MEMORY, STEADY, measures(*good))
    assert found.detail == "web-1 uses 100 MiB; web-2 uses 100 MiB; web-3 uses 100 MiB and 2 more"
    bad = weighed(*[900] * 5, name="web-9")
    assert compare(MEMORY, STEADY, measures(*good, bad)).evidence is BAD
    few = weighed(*[100] * 2, name="web-9")
    assert compare(MEMORY, STEADY, measures(*good, few)).evidence is NONE
    assert compare(MEMORY, STEADY, measures(few, *good, bad)).evidence is BAD


@pytest.mark.parametrize(
    ("before", "now", "evidence", "detail"),
    [
        (measures(busy(0, 0.2)), busy(0, 0.2, 0.4, 0.6), GOOD, "web-1 uses 0.20 cpus"),
        (measures(busy(0, 0.2)), busy(0, 0.4, 0.8, 1.2), GOOD, "web-1 uses 0.40 cpus"),
        (
            measures(busy(0, 0.2)), busy(0, 0.5, 1.0, 1.5), BAD,
            "web-1 uses 0.50 cpus, 150 % more than before (0.20)",
        ),
        (measures(busy(0, 0.01)), busy(0, 0.1, 0.2, 0.3), GOOD, "web-1 uses 0.10 cpus"),
        (measures(busy(0, 0)), busy(0, 0.2, 0.4, 0.6), BAD, "web-1 uses 0.20 cpus, more than before (0.00)"),
        (
            measures(busy(3)), busy(0, 0.2, 0.4, 0.6), GOOD,
            "web-1 uses 0.20 cpus; not compared: nothing ran before",
        ),
        (None, busy(0, 0.2, 0.4, 0.6), GOOD, "web-1 uses 0.20 cpus; not compared: nothing ran before"),
        (None, busy(0, 0.96, 1.92, 2.88, cpus=1), BAD, "web-1 uses 0.96 cpus, 96 % of the 1 that it may use"),
        (
            None, busy(0, 0.96, 1.92, 2.88, cpus=1.5), GOOD,
            "web-1 uses 0.96 cpus; not compared: nothing ran before",
        ),
        (None, busy(0, 1, 2), NONE, "web-1: too few readings, 3 in 2 s"),
        (None, busy(0), NONE, "web-1: too few readings, 1 in 0 s"),
        (None, (), NONE, "web: nothing could be measured"),
        (None, busy(4, 0.2, 1, 2), NONE, "web-1: too few readings, 3 in 2 s"),
        (measures(busy(0, 0.2)), busy(0, 1, 2, 2.1, 2.2), GOOD, "web-1 uses 0.10 cpus"),  # only its start
        (measures(busy(0, 0.1)), busy(0, 0, 0, 0, 0, 0, 0.9), GOOD, "web-1 uses 0.15 cpus"),  # only a moment
    ],
)  # fmt: skip
def test_cpu(before: Measures | None, now: tuple[Reading, ...], evidence: Evidence, detail: str) -> None:
    assert compare(CPU, before, measures(now)) == Comparison(evidence, detail)


# --- slopes ------------------------------------------------------------------------------------------

_sizes = st.lists(st.integers(0, 10**9), min_size=2, max_size=80)


@given(_sizes, st.integers(-(10**6), 10**6))
@settings(max_examples=50, deadline=None)
def test_a_slope_is_moved_by_what_is_added_to_it(sizes: list[int], more: int) -> None:
    points = [(float(n), float(size)) for n, size in enumerate(sizes)]
    tilted = [(n, size + n * more) for n, size in points]
    assert slope(tilted) == pytest.approx(slope(points) + more, abs=0.01)


@given(_sizes)
@settings(max_examples=50, deadline=None)
def test_what_grows_does_not_shrink(sizes: list[int]) -> None:
    points = [(float(n), float(size)) for n, size in enumerate(sizes)]
    assert not (grows(points) and grows([(n, -size) for n, size in points]))


@pytest.mark.parametrize("points", [[], [(0.0, 1.0)], [(0.0, 1.0)] * 9, [(0.0, 1.0), (1.0, 9.0)]])
def test_few_points_do_not_grow(points: list[tuple[float, float]]) -> None:
    assert not grows(points)


def test_a_fifth_of_the_readings_may_be_wrong() -> None:
    points = [(float(n), 1e12 * (n % 5 == 2) or 3.0 * n) for n in range(40)]
    assert slope(points) == pytest.approx(3.0, rel=0.35)


def test_noise_alone_rarely_grows() -> None:
    grew = 0
    for seed in range(500):
        random = Random(seed)
        grew += grows([(float(n), random.gauss(100, 5)) for n in range(20)])
    assert grew <= 500 * 0.04


def test_a_leak_is_seen_through_noise() -> None:
    for seed in range(100):
        random = Random(seed)
        now = weighed(*[100 + 3 * n + random.uniform(-4, 4) for n in range(15)], limit=256)
        assert compare(MEMORY, None, measures(now)).evidence is BAD


@given(st.lists(st.floats(1, 500), min_size=1, max_size=20), st.floats(0, 400), st.none() | st.floats(1, 600))
@settings(max_examples=100, deadline=None)
def test_more_memory_at_all_times_is_never_better(
    sizes: list[float], more: float, limit: float | None
) -> None:
    """As long as its shape stays: what is only moved up grows by a smaller share."""
    question = Memory(("web",), full_within_seconds=0.0)
    one, worse = (
        compare(question, STEADY, measures(weighed(*[size + extra for size in sizes], limit=limit or 0)))
        for extra in (0.0, more)
    )
    assert one.evidence is not BAD or worse.evidence is BAD
    assert (one.evidence is NONE) == (worse.evidence is NONE) or worse.evidence is BAD
