"""Thousands of passes of a daemon's worker in one process: does it grow?"""

from __future__ import annotations

import gc
import json
import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.child import run  # found through the line above
from benchmarks.daemon import Usage, usage_of
from benchmarks.figures import Figure

PASSES, BEFORE = 5_000, 500
MOST_MIB = 1.0
SERVICES = 20


def measure(_runs: int, _services: int) -> Iterator[Figure]:
    """Memory and open files before and after, in a process that does nothing else."""
    found = json.loads(run(sys.executable, __file__))
    grown, files = found["grown_mib"], found["files"]
    detail = f"after {BEFORE} others, {SERVICES} services; {found['rss_mib']:.0f} MiB then"
    yield Figure(
        f"{PASSES:,} passes, growth", f"< {MOST_MIB:g} MiB", f"{grown:+.2f} MiB", detail, grown < MOST_MIB
    )
    yield Figure(f"{PASSES:,} passes, open files", "no more", f"{files:+d}", "", files <= 0)


def main() -> None:
    """The process: pass after pass over a fake engine, and what that left."""
    from benchmarks.workers import WAKES, Counted, fake_worker

    log = Counted()
    one = fake_worker(log, 0, SERVICES)

    def passes(count: int) -> Usage:
        for _ in range(count):
            one.turn(WAKES)
        gc.collect()
        return usage_of("self")

    before = passes(BEFORE)
    after = passes(PASSES)
    log.require_nothing_done()
    grown, files = after.rss_mib - before.rss_mib, after.files - before.files
    print(json.dumps({"grown_mib": grown, "rss_mib": before.rss_mib, "files": files}))


if __name__ == "__main__":
    main()
