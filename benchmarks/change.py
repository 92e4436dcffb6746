"""One changed image among many services."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle

from benchmarks import bed
from benchmarks.figures import Figure, alternating, ratio
from benchmarks.stack import service, stack


def measure(runs: int, services: int) -> Iterator[Figure]:
    """The same service of the same project goes back and forth between two images."""
    one, two = (bed.build("benchmark/idle", version, bed.IDLE) for version in "12")
    names = [f"s{number:03d}" for number in range(services)]
    chosen, other = names[services // 2], cycle((two, one))
    with stack("".join(service(n, one.tag) for n in names), dict.fromkeys(names, one.pin)) as made:
        made.up()
        made.reconcile()

        def ours() -> float:
            made.commit({chosen: next(other).pin})
            return made.reconcile().seconds

        def theirs() -> float:
            made.commit({chosen: next(other).pin})
            return made.up().seconds

        by_us, by_compose = alternating(runs, ours, theirs)
    yield ratio(f"one changed of {services} services", by_us, by_compose, 0.7, "compose up -d")
