"""Whether something grows, and how fast, as few wrong values as well as many cannot tell otherwise.

The speed is the median of the slopes between all pairs of points: up to 29 % of the points may be wrong
(Sen, "Estimates of the Regression Coefficient Based on Kendall's Tau", Journal of the American Statistical
Association 63, 1968). Whether there is a trend at all is asked of the signs of the same slopes (Mann,
"Nonparametric Tests Against Trend", Econometrica 13, 1945).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from math import sqrt
from statistics import median

MOST_POINTS = 60
"""Of more points every n-th is used: all pairs are looked at, with each sample of the gate."""
Z = 1.96
"""How many standard deviations above chance the signs must be: 2.5 % on one side."""

Point = tuple[float, float]


def slope(points: Sequence[Point]) -> float:
    """The speed of growth, per unit of the first coordinate; 0 where there are fewer than two points."""
    return median(list(_slopes(points)) or [0.0])


def grows(points: Sequence[Point]) -> bool:
    """Whether the points rise, beyond what chance explains; five points must rise without an exception."""
    count = len(_thinned(points))
    signs = sum((one > 0) - (one < 0) for one in _slopes(points))
    deviation = sqrt(count * (count - 1) * (2 * count + 5) / 18)
    return signs > 0 and (signs - 1) >= Z * deviation


def _slopes(points: Sequence[Point]) -> Iterator[float]:
    for (x, y), (later, other) in combinations(_thinned(points), 2):
        if later > x:
            yield (other - y) / (later - x)


def _thinned(points: Sequence[Point]) -> Sequence[Point]:
    return points[:: 1 + (len(points) - 1) // MOST_POINTS] if points else points
