"""The daemon over one checkout: how soon it begins after a commit, and what it costs at rest."""

from __future__ import annotations

import time
from collections.abc import Iterator
from statistics import median

from benchmarks import bed
from benchmarks.child import run
from benchmarks.daemon import Daemon, watching
from benchmarks.figures import Figure, spread
from benchmarks.stack import Stack, service, stack

COMMITS = 20
SOON_SECONDS = 0.2
SHARE = 0.01
MEMORY_MIB = 90
SETTLE_SECONDS = 5.0


def measure(runs: int, services: int, seconds: float = 60.0) -> Iterator[Figure]:
    """From a commit to its pass; then a daemon that has nothing to do for so many ``seconds``."""
    image = bed.build("benchmark/idle", "1", bed.IDLE)
    names = [f"s{number:03d}" for number in range(services)]
    with stack("".join(service(n, image.tag) for n in names), dict.fromkeys(names, image.pin)) as made:
        made.up()
        made.reconcile()
        with watching(made.folder) as daemon:
            yield _commits(made, daemon, max(runs, COMMITS))
        with watching(made.folder) as daemon:  # a new one: commits have left their traces in the memory
            yield from _idle(daemon, services, seconds)


def _commits(made: Stack, daemon: Daemon, count: int) -> Figure:
    """From the moment at which git had moved the branch to the line that says that a pass begins."""
    took = [_commit(made, daemon) for _ in range(count)]
    detail = f"median {median(took) * 1000:.0f} ms of {count} ({spread(took)})"
    target = f"< {SOON_SECONDS * 1000:.0f} ms, each time"
    return Figure(
        "local commit → pass begins", target, f"{max(took) * 1000:.0f} ms", detail, max(took) < SOON_SECONDS
    )


def _commit(made: Stack, daemon: Daemon) -> float:
    tree = ("commit-tree", "-p", "HEAD", "-m", "again", "HEAD^{tree}")
    commit = run("git", *tree, folder=made.folder).strip()
    before = time.monotonic()
    run("git", "update-ref", "refs/heads/main", commit, folder=made.folder)
    moved = time.monotonic()
    begun = daemon.await_said("pass_begun", before)
    daemon.await_said("pass_ended", begun.at, result="no-op")
    return begun.at - moved


def _idle(daemon: Daemon, services: int, seconds: float) -> Iterator[Figure]:
    """What a daemon at rest costs, its children counted."""
    time.sleep(SETTLE_SECONDS)
    before = daemon.usage()
    time.sleep(seconds)
    after = daemon.usage()
    span = after.at - before.at
    share = (after.cpu_seconds - before.cpu_seconds) / span
    passes = sum(said.fields["event"] == "pass_ended" and said.at > before.at for said in daemon.lines)
    what = f"{services} services, {span:.0f} s, {passes} passes"
    yield Figure("daemon at rest, processor", f"< {SHARE:.0%} of a core", f"{share:.2%}", what, share < SHARE)
    detail = (
        f"{after.rss_mib - before.rss_mib:+.2f} MiB, {after.files - before.files:+d} open files meanwhile"
    )
    measured = f"{after.rss_mib:.0f} MiB"
    yield Figure(
        "daemon at rest, memory", f"< {MEMORY_MIB} MiB", measured, detail, after.rss_mib < MEMORY_MIB
    )
