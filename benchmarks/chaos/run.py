"""Do the same again and again, and count what goes wrong: see ../README.md."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks import bed, machine  # found through the line above
from benchmarks.chaos import (
    availability,
    bad_versions,
    engine_restarts,
    failpoints,
    kills,
    long_tests,
    outages,
    pin_back,
    redeploys,
    together,
    turns,
)
from benchmarks.figures import Figure, table

RUNS = {
    "availability": (availability.measure, 21),
    "bad-versions": (bad_versions.measure, 5),
    "pin-back": (pin_back.measure, 50),
    "redeploys": (redeploys.measure, 10),
    "together": (together.measure, 1),
    "turns": (turns.measure, 20),
    "failpoints": (failpoints.measure, 1),
    "kills": (kills.measure, 40),
    "engine-restarts": (engine_restarts.measure, 10),
    "outages": (outages.measure, 6),
    "long": (long_tests.measure, 1),
}
"""What there is, and how much is usual: releases, of each kind, rollbacks, passes, turns, kills, minutes."""


def main() -> int:
    """Run what was asked for, print it, and say with 1 that something went wrong."""
    parser = argparse.ArgumentParser(prog="scripts/chaos", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(RUNS)} (default: all)")
    parser.add_argument("--count", type=int, default=0, help="how often (default: something usual)")
    given = parser.parse_args()
    if unknown := set(given.names) - RUNS.keys():
        parser.error(f"no such run: {', '.join(sorted(unknown))}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started is cleaned up
    print(machine.described(), flush=True)
    figures: list[Figure] = []
    try:
        for name in given.names or list(RUNS):
            measure, usual = RUNS[name]
            started = time.monotonic()
            for figure in measure(given.count or usual):  # told at once: the rest may take an hour
                figures.append(figure)
                print(f"{figure.name}: {figure.measured}; {figure.detail}", file=sys.stderr, flush=True)
            print(f"{name} took {time.monotonic() - started:.0f} s", file=sys.stderr)
    finally:
        bed.forget(["benchmark/web"])
    print(table(figures))
    return not all(figure.met for figure in figures)


if __name__ == "__main__":
    sys.exit(main())
