"""A figure: what was to be reached, what was measured, and whether that is good enough."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table; ``met`` is decided where it is measured."""

    name: str
    target: str
    measured: str
    detail: str
    met: bool


def ratio(name: str, ours: Sequence[float], theirs: Sequence[float], most: float, against: str) -> Figure:
    """A figure that says: at most ``most`` times what ``against`` takes."""
    found = median(ours) / median(theirs)
    detail = f"{spread(ours)} / {spread(theirs)}"
    return Figure(name, f"≤ {most:g} x {against}", f"{found:.2f} x", detail, found <= most)


def faster(name: str, ours: Sequence[float], theirs: Sequence[float], least: float, than: str) -> Figure:
    """A figure that says: at least ``least`` times as fast as ``than``."""
    found = median(theirs) / median(ours)
    target = f"≥ {least:g} x faster than {than}"
    return Figure(name, target, f"{found:.1f} x", f"{spread(ours)} / {spread(theirs)}", found >= least)


def spread(took: Sequence[float]) -> str:
    """Median, and between what it lay."""
    middle, low, high = median(took), min(took), max(took)
    if middle < 0.1:
        return f"{middle * 1000:.1f} ms ({low * 1000:.1f}-{high * 1000:.1f})"
    return f"{middle:.2f} s ({low:.2f}-{high:.2f})"


def percentile(took: Sequence[float], share: int) -> float:
    """The value that ``share`` percent of all do not exceed, by nearest rank."""
    return sorted(took)[max(-(-len(took) * share // 100), 1) - 1]


def seconds(way: Callable[[], object]) -> Callable[[], float]:
    """A way that says how long it took."""

    def run() -> float:
        started = time.perf_counter()
        way()
        return time.perf_counter() - started

    return run


def alternating(runs: int, *ways: Callable[[], float]) -> list[list[float]]:
    """Each way ``runs`` times, one after the other in every round: A B A B A B."""
    rounds = [[way() for way in ways] for _ in range(runs)]
    return [list(column) for column in zip(*rounds, strict=True)]


def table(figures: Sequence[Figure]) -> str:
    """All figures below each other, for a terminal of 120 columns."""
    lines = [f"{'figure':<34} {'target':<34} {'measured':<11} {'':<7} medians (lowest-highest)"]
    lines += [
        f"{f.name:<34} {f.target:<34} {f.measured:<11} {'met' if f.met else 'MISSED':<7} {f.detail}"
        for f in figures
    ]
    return "\n".join(lines)
