"""How many answers say 5xx, or do not come at all, against a rate and against the predecessor's."""

from __future__ import annotations

from itertools import dropwhile
from math import sqrt

from reconciler.domain.check import Errors
from reconciler.domain.comparison import Comparison, Measures
from reconciler.domain.gate import Evidence

STARTING = frozenset({0, 502, 503, 504})
"""What something answers that is not up yet."""
Z = 1.96
"""The bounds hold with 95 %."""


def failing(question: Errors, before: Measures | None, now: Measures) -> Comparison:
    """Compare the share of answers that are errors.

    What comes before the first answer of something that is up is not counted: it is the start.

    Args:
        question: the rate that is too much, and how many samples are needed.
        before: measured on the predecessor; None where nothing could be.
        now: measured on the successor.
    """
    statuses = tuple(dropwhile(STARTING.__contains__, now.statuses))
    if now.statuses and not statuses:
        return Comparison(Evidence.UNREADY, "it has not come up yet")
    if not statuses or len(statuses) < question.samples:
        return Comparison(Evidence.NONE, f"{len(statuses)} of {question.samples} samples")
    bad = _count(statuses)
    detail = f"{bad} of {len(statuses)} answers were errors"
    if round(bad / len(statuses) - question.rate, 9) > 0:
        return Comparison(Evidence.BAD, f"{detail}, more than {100 * question.rate:g} %")
    if before is None:
        return Comparison(Evidence.GOOD, f"{detail}; not compared: nothing ran before")
    old = before.statuses
    if not old:
        return Comparison(Evidence.GOOD, f"{detail}; not compared: nothing answered before")
    detail = f"{detail}, {_count(old)} of {len(old)} before"
    worse = surely_more(_count(old), len(old), bad, len(statuses))
    return Comparison(Evidence.BAD if worse else Evidence.GOOD, detail)


def surely_more(old_bad: int, old: int, new_bad: int, new: int) -> bool:
    """Whether the second share is greater, beyond what so few samples leave open.

    The lower bound of the difference is above zero: Newcombe, "Interval Estimation for the Difference Between
    Independent Proportions", Statistics in Medicine 17, 1998, method 10. One error among twenty answers after
    none among twenty is not.
    """
    share, before = new_bad / new, old_bad / old
    low, high = wilson(new_bad, new)[0], wilson(old_bad, old)[1]
    return share - before > sqrt((share - low) ** 2 + (high - before) ** 2)


def wilson(count: int, total: int) -> tuple[float, float]:
    """The bounds of a share: Wilson, Journal of the American Statistical Association 22, 1927."""
    share, square = count / total, Z * Z
    middle = share + square / (2 * total)
    margin = Z * sqrt(share * (1 - share) / total + square / (4 * total * total))
    whole = 1 + square / total
    return (middle - margin) / whole, (middle + margin) / whole


def _count(statuses: tuple[int, ...]) -> int:
    return sum(1 for status in statuses if status == 0 or status >= 500)
