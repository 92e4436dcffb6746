"""How long answers take, against the predecessor's.

Two things must hold before a release is called slower. The percentile must be worse by more than asked for,
and chance must not explain it: answers of two equal releases differ as well. The second is the exact test of
exceedances, which knows nothing of how times are spread: if the new answers were slower by half of what is
asked for, how likely is it that so many of them exceed the old percentile by that factor? So with limits of
20 % and 50 %, a release that is 10 % slower is called medium in fewer than one of 100 comparisons, and one
that is 35 % slower is called high in as few, whatever the noise.

Gumbel and von Schelling, "The Distribution of the Number of Exceedances", Annals of Mathematical Statistics
21, 1950; with the median it is Mathisen's test, the same annals 14, 1943.
"""

from __future__ import annotations

from math import ceil, comb

from reconciler.domain.check import Latency
from reconciler.domain.comparison import Comparison, Measures
from reconciler.domain.gate import Evidence
from reconciler.domain.severity import Severity

WARM_UP = 5
"""The first answers are slow for reasons of their own: connections, caches, compilation."""
LEAST_SECONDS = 0.005
"""A smaller difference is not worse: a busy machine alone adds as much, and nobody feels it."""
CHANCE = 0.01
"""How likely chance may be as the explanation of a difference that counts."""


def slower(question: Latency, before: Measures | None, now: Measures) -> Comparison:
    """Compare a percentile of the good answers' times.

    Args:
        question: which percentile, how many samples, and what is too slow.
        before: measured on the predecessor; None where nothing could be.
        now: measured on the successor.
    """
    new = now.seconds[WARM_UP:]
    if not new or len(new) < question.samples:
        return Comparison(Evidence.NONE, f"{len(new)} of {question.samples} samples")
    took = percentile(new, question.percentile)
    shown = f"p{question.percentile} {_milliseconds(took)}"
    if before is None:
        return Comparison(Evidence.GOOD, f"{shown}; not compared: nothing ran before")
    old = before.seconds[WARM_UP:]
    if not old or len(old) < question.samples:
        words = f"not compared: {len(old)} of {question.samples} samples before"
        return Comparison(Evidence.GOOD, f"{shown}; {words}")
    return _graded(question, old, new, shown)


def _graded(question: Latency, old: tuple[float, ...], new: tuple[float, ...], shown: str) -> Comparison:
    took, usual = percentile(new, question.percentile), percentile(old, question.percentile)
    change = round(took / usual - 1, 6) if usual else 0.0
    detail = f"{shown}, {_against(change)} before ({_milliseconds(usual)})"
    if change <= question.low or took - usual < LEAST_SECONDS:
        return Comparison(Evidence.GOOD, detail)
    for severity, limit, half in (
        (Severity.HIGH, question.high, (question.low + question.high) / 2),
        (Severity.MEDIUM, question.low, question.low / 2),
    ):
        if change > limit and significant(old, new, question.percentile, 1 + half):
            return Comparison(Evidence.BAD, detail, severity)
    return Comparison(Evidence.GOOD, f"{detail}, which may be chance")


def percentile(values: tuple[float, ...], percent: int) -> float:
    """The percentile by nearest rank, but never the greatest of several values: one outlier says nothing."""
    return sorted(values)[_rank(len(values), percent) - 1]


def significant(old: tuple[float, ...], new: tuple[float, ...], percent: int, factor: float) -> bool:
    """Whether more of the new values exceed the old percentile by a factor than chance explains.

    Where there are too few values for that, all of the new ones must.
    """
    bound = percentile(old, percent) * factor
    exceeding = sum(1 for value in new if value > bound)
    likely = chance(len(old), _rank(len(old), percent), len(new), exceeding)
    return likely <= CHANCE or exceeding == len(new)


def chance(old: int, rank: int, new: int, exceeding: int) -> float:
    """How likely it is that at least so many of the new values exceed the ``rank``-th smallest old one.

    Args:
        old: how many old values there are.
        rank: which of them is exceeded, from 1.
        new: how many new values there are, of the same source.
        exceeding: how many of them exceed it.
    """
    ways = sum(
        comb(old - rank + count, count) * comb(rank - 1 + new - count, new - count)
        for count in range(exceeding, new + 1)
    )
    return ways / comb(old + new, new)


def _rank(count: int, percent: int) -> int:
    return max(1, min(ceil(percent * count / 100), count - 1))


def _against(change: float) -> str:
    if abs(change) < 0.005:
        return "as"
    return f"{100 * abs(change):.0f} % {'slower' if change > 0 else 'faster'} than"


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds >= 0.0095 else f"{seconds * 1000:.1f} ms"
