"""C-02: two daemons and CI, each on a host of its own, on one environment with pins at random."""

from __future__ import annotations

import random
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from benchmarks.figures import Figure
from tests.bed.registry import Registry
from tests.e2e.images import Images
from tests.e2e.together import CI, JOBS_END_WITH, Together, staged, together
from tests.e2e.world import World

BAD = "crash"
REJECTED = 10
MOST_SECONDS = 4.0
"""Between a commit and the next job; a release takes a little less."""


def measure(count: int) -> Iterator[Figure]:
    """``count`` minutes of random pins, some of which no gate lets through."""
    with Registry() as registry, tempfile.TemporaryDirectory(prefix="reconcile-benchmark-") as folder:
        images = Images(registry)
        images.pinned(f"web:{BAD}")
        try:
            with World(Path(folder), images) as world:
                staged(world)
                with together(world) as hosts:
                    commits = _committed(hosts, 60.0 * count)
                    yield from _judged(hosts, count, commits)
                world.settle()
        finally:
            images.close()


def _committed(hosts: Together, seconds: float) -> int:
    """How often pins were committed: somebody is at it most of the time."""
    ends, commits = time.monotonic() + seconds, 1
    while time.monotonic() < ends:
        hosts.start_ci()
        time.sleep(random.uniform(0, 1))
        hosts.commit(BAD)
        time.sleep(random.uniform(0, MOST_SECONDS))
        commits += 1
    hosts.commit()
    return commits


def _judged(hosts: Together, minutes: int, commits: int) -> Iterator[Figure]:
    hosts.settle()
    shares = {name: len(hosts.turns_of(name)) for name in (*hosts.daemons, CI)}
    told = ", ".join(f"{name} {had}" for name, had in shares.items())
    detail = f"{commits} commits in {minutes} min, {len(hosts.jobs)} jobs"
    yield Figure("C-02 turns", "of each", told, detail, all(shares.values()))
    wrong = hosts.wrong()
    for line in wrong:
        print(line)
    detail = "by the engine's events, the journals and the logs"
    yield Figure("C-02 two at once", "0", f"{len(wrong)}", detail, not wrong)
    ended = Counter(job.process.returncode for job in hosts.jobs)
    told = ", ".join(f"{times} with {code}" for code, times in sorted(ended.items()))
    good = set(ended) <= JOBS_END_WITH | {REJECTED}
    yield Figure("C-02 how jobs ended", "0, 10, 65, 75", told, "the last pins run", good)
