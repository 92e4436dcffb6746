"""Measure reconcile side by side with Docker Compose and with the bare engine: see README.md."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks import (
    bed,
    change,
    checks,
    data,
    environments,
    flat,
    gap,
    gate,
    machine,
    noop,
    notices,
    planning,
    remote,
    swarm,
    undo,
    watch,
)  # found through the line above
from benchmarks.figures import Figure, table

Measure = Callable[[int, int], Iterator[Figure]]
FIGURES: dict[str, Measure] = {
    "noop": noop.measure,
    "change": change.measure,
    "gap": gap.measure,
    "start-first": gap.start_first,
    "undo": undo.measure,
    "swarm": swarm.measure,
    "gate": gate.measure,
    "checks": checks.measure,
    "plan": planning.measure,
    "watch": watch.measure,
    "remote": remote.measure,
    "environments": environments.measure,
    "flat": flat.measure,
    "data": data.measure,
    "notices": notices.measure,
}
ENGINELESS = frozenset({"plan", "checks", "flat", "data"})


def main() -> None:
    """Measure what was asked for, and print it."""
    parser = argparse.ArgumentParser(prog="scripts/benchmark", description=__doc__)
    parser.add_argument(
        "figures", nargs="*", metavar="FIGURE", help=f"of {', '.join(FIGURES)} (default: all)"
    )
    parser.add_argument("--runs", type=int, default=5, help="of each way, alternating (default: 5)")
    parser.add_argument("--services", type=int, default=100, help="of the large stacks (default: 100)")
    parser.add_argument(
        "--seconds", type=float, default=60.0, help="of the daemon that has nothing to do (default: 60)"
    )
    given = parser.parse_args()
    if unknown := set(given.figures) - FIGURES.keys():
        parser.error(f"no such figure: {', '.join(sorted(unknown))}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started is cleaned up
    print(machine.described())
    print(f"runs      {given.runs} of each way, alternating\n", flush=True)
    figures = FIGURES | {"watch": partial(watch.measure, seconds=given.seconds)}
    chosen = {name: figures[name] for name in given.figures or FIGURES}
    print(table(measured(chosen, given.runs, given.services)))


def measured(figures: dict[str, Measure], runs: int, services: int) -> list[Figure]:
    """What the figures are, in their order."""
    found: list[Figure] = []
    try:
        for name, measure in figures.items():
            started = time.monotonic()
            found += measure(runs, services)
            print(f"measured {name} in {time.monotonic() - started:.0f} s", file=sys.stderr)
    finally:
        if not figures.keys() <= ENGINELESS:
            bed.forget(["benchmark/idle", "benchmark/web", "benchmark/judged"])
    return found


if __name__ == "__main__":
    main()
