"""Slower than before: by how much, and whether it is more than chance."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.domain.check import Latency
from reconciler.domain.compare import WARM_UP, compare
from reconciler.domain.compare.latency import CHANCE, chance, percentile
from reconciler.domain.comparison import Comparison, Measures
from reconciler.domain.gate import Evidence
from reconciler.domain.severity import Severity

GOOD, BAD, NONE = Evidence.GOOD, Evidence.BAD, Evidence.NONE
QUESTION = Latency("backend")
P95 = Latency("backend", percentile=95)


def answers(milliseconds: float, count: int = 20, *outliers: float) -> Measures:
    """After a slow start, answers that all take as long, and some outliers after them."""
    times = (*[9000.0] * WARM_UP, *[milliseconds] * (count - len(outliers)), *outliers)
    return Measures(seconds=tuple(time / 1000 for time in times))


@pytest.mark.parametrize(
    ("before", "now", "evidence", "severity", "detail"),
    [
        (100, 160, BAD, Severity.HIGH, "p50 160 ms, 60 % slower than before (100 ms)"),
        (100, 151, BAD, Severity.HIGH, "p50 151 ms, 51 % slower than before (100 ms)"),
        (100, 150, BAD, Severity.MEDIUM, "p50 150 ms, 50 % slower than before (100 ms)"),
        (22, 33, BAD, Severity.MEDIUM, "p50 33 ms, 50 % slower than before (22 ms)"),  # not quite 50
        (100, 130, BAD, Severity.MEDIUM, "p50 130 ms, 30 % slower than before (100 ms)"),
        (100, 121, BAD, Severity.MEDIUM, "p50 121 ms, 21 % slower than before (100 ms)"),
        (100, 120, GOOD, None, "p50 120 ms, 20 % slower than before (100 ms)"),
        (100, 110, GOOD, None, "p50 110 ms, 10 % slower than before (100 ms)"),
        (100, 100, GOOD, None, "p50 100 ms, as before (100 ms)"),
        (100, 50, GOOD, None, "p50 50 ms, 50 % faster than before (100 ms)"),
        (2, 6, GOOD, None, "p50 6.0 ms, 200 % slower than before (2.0 ms)"),
        (2, 8, BAD, Severity.HIGH, "p50 8.0 ms, 300 % slower than before (2.0 ms)"),
        (0, 8, GOOD, None, "p50 8.0 ms, as before (0.0 ms)"),
    ],
)
def test_how_much_slower(
    before: float, now: float, evidence: Evidence, severity: Severity | None, detail: str
) -> None:
    expected = Comparison(evidence, detail, severity)
    assert compare(QUESTION, answers(before), answers(now)) == expected


@pytest.mark.parametrize("count", [0, 1, 19])
def test_too_few_samples_are_no_evidence(count: int) -> None:
    found = compare(QUESTION, answers(100), answers(900, count))
    assert found == Comparison(NONE, f"{count} of 20 samples")


def test_the_warm_up_alone_is_no_evidence() -> None:
    now = Measures(seconds=(0.1,) * WARM_UP)
    assert compare(Latency("backend", samples=0), answers(100), now).evidence is NONE


@pytest.mark.parametrize(
    ("before", "words"),
    [
        (None, "nothing ran before"),
        (Measures(), "0 of 20 samples before"),
        (answers(1, 19), "19 of 20 samples before"),
    ],
)
def test_without_a_baseline_nothing_is_slower(before: Measures | None, words: str) -> None:
    found = compare(QUESTION, before, answers(900))
    assert found == Comparison(GOOD, f"p50 900 ms; not compared: {words}")


@pytest.mark.parametrize("question", [QUESTION, P95])
def test_one_outlier_changes_nothing(question: Latency) -> None:
    assert compare(question, answers(100), answers(100, 20, 5000)).evidence is GOOD
    assert compare(question, answers(100, 20, 5000), answers(160)).severity is Severity.HIGH


@pytest.mark.parametrize("count", range(2, 60))
@pytest.mark.parametrize("percent", [50, 95])
def test_no_percentile_is_a_lone_outlier(percent: int, count: int) -> None:
    assert percentile((*[1.0] * (count - 1), 99.0), percent) == 1.0


@pytest.mark.parametrize(("percent", "expected"), [(50, 10), (95, 19), (90, 18), (1, 1)])
def test_the_nearest_rank(percent: int, expected: int) -> None:
    assert percentile(tuple(float(n) for n in range(20, 0, -1)), percent) == expected


def test_a_slow_tail_is_seen_by_the_95th_percentile_alone() -> None:
    now = answers(100, 20, *[400] * 8)
    assert compare(QUESTION, answers(100), now).evidence is GOOD
    assert compare(P95, answers(100), now).severity is Severity.HIGH


def test_a_difference_that_chance_explains_is_not_held_against_a_release() -> None:
    """Both answer in 50 to 250 ms; the median of one is 40 % above the other's by luck."""
    before = Measures(seconds=(0.1,) * WARM_UP + tuple((50 + 10 * n) / 1000 for n in range(20)))
    now = Measures(
        seconds=(0.1,) * WARM_UP + tuple((50 + 10 * n + 55 * (n in (8, 9))) / 1000 for n in range(20))
    )
    found = compare(Latency("backend", low=0.05), before, now)
    assert (found.evidence, found.detail[-21:]) == (GOOD, ", which may be chance")


def test_with_very_few_samples_all_must_be_slower() -> None:
    question = Latency("backend", samples=3)
    assert compare(question, answers(100, 3), answers(160, 3)).severity is Severity.HIGH
    assert compare(question, answers(100, 3), answers(160, 4, 90)).evidence is GOOD


# --- the chances -------------------------------------------------------------------------------------


@given(st.integers(1, 30), st.integers(1, 30), st.data())
@settings(max_examples=50, deadline=None)
def test_chances_add_up(old: int, new: int, data: st.DataObject) -> None:
    rank = data.draw(st.integers(1, old))
    likely = [chance(old, rank, new, exceeding) for exceeding in range(new + 1)]
    assert likely[0] == pytest.approx(1.0)
    assert likely == sorted(likely, reverse=True)


def test_chances_are_those_of_a_simulation() -> None:
    random, hits, rounds = Random(1), 0, 4000
    for _ in range(rounds):
        tenth = sorted(random.random() for _ in range(20))[9]
        hits += sum(random.random() > tenth for _ in range(20)) >= 14
    assert hits / rounds == pytest.approx(chance(20, 10, 20, 14), abs=0.02)


def measured(random: Random, milliseconds: float, noise: float, spikes: float = 0.03) -> Measures:
    """Twenty answers with noise on both sides, and now and then one that is far too slow."""

    def one() -> float:
        spike = milliseconds * random.uniform(1, 5) if random.random() < spikes else 0.0
        return max(0.1, random.gauss(milliseconds, noise) + spike) / 1000

    return Measures(seconds=tuple(one() for _ in range(20 + WARM_UP)))


@pytest.mark.parametrize("percent", [50, 95])
@pytest.mark.parametrize(
    ("slower", "expected"),
    [(1.6, Severity.HIGH), (1.3, Severity.MEDIUM), (1.1, None), (1.0, None), (0.7, None)],
)
def test_with_noise_of_a_few_milliseconds_it_comes_out_right(
    slower: float, expected: Severity | None, percent: int
) -> None:
    """The runbook's rows, at 100 ms and 20 samples; the 95th percentile of so few feels the spikes."""
    question, wrong, rounds = Latency("backend", percentile=percent), 0, 1000
    spikes = 0.03 if percent == 50 else 0.0
    for seed in range(rounds):
        random = Random(f"{seed} {slower}")
        before, now = measured(random, 100, 3, spikes), measured(random, 100 * slower, 3, spikes)
        wrong += compare(question, before, now).severity is not expected
    assert wrong <= rounds // 500


@pytest.mark.parametrize("noise", [3, 30, 60])
@pytest.mark.parametrize("percent", [50, 95])
@pytest.mark.parametrize(
    ("slower", "wrong"),
    [
        (1.0, {Severity.MEDIUM, Severity.HIGH}),
        (1.1, {Severity.MEDIUM, Severity.HIGH}),
        (1.35, {Severity.HIGH}),
    ],
)
def test_chance_is_held_against_a_release_no_more_often_than_promised(
    slower: float, wrong: set[Severity], percent: int, noise: float
) -> None:
    """Whatever the noise, and with spikes; at half of each limit."""
    question, errors, rounds = Latency("backend", percentile=percent), 0, 600
    for seed in range(rounds):
        random = Random(f"{seed} {slower} {noise}")
        before, now = measured(random, 100, noise), measured(random, 100 * slower, noise * slower)
        errors += compare(question, before, now).severity in wrong
    assert errors / rounds <= CHANCE * 2


_times = st.lists(st.floats(0.001, 10.0), min_size=1, max_size=60).map(tuple)


@given(_times, _times, st.integers(1, 20), st.floats(1.0, 10.0))
@settings(max_examples=100, deadline=None)
def test_slower_answers_are_never_judged_better(
    before: tuple[float, ...], now: tuple[float, ...], samples: int, factor: float
) -> None:
    question = Latency("backend", samples=samples)
    order = [None, Severity.MEDIUM, Severity.HIGH]
    old = Measures(seconds=before)
    one = compare(question, old, Measures(seconds=now))
    worse = compare(question, old, Measures(seconds=tuple(time * factor for time in now)))
    assert order.index(worse.severity) >= order.index(one.severity)
    assert (worse.evidence is NONE) == (one.evidence is NONE)
