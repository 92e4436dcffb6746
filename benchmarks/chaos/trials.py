"""Trials of a kind, one after the other: printed as they end, and counted."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from benchmarks.figures import Figure, percentile
from tests.e2e.images import Images
from tests.e2e.killing import Kind, Trial, staged
from tests.e2e.killing_scenes import staged_of_other_kinds
from tests.e2e.origin import Origin
from tests.e2e.world import World

WAYS = {
    "lost": ("I-1",),
    "doubled": ("I-2",),
    "unverified": ("I-4",),
    "left behind": ("I-7",),
    "not at rest": ("I-6", "the next pass"),
}
"""How a trial goes wrong, and how the lines begin that say so."""
AT_MOST = 20
"""So many trials share a world: what a witness reads through grows with each."""

Staged = Callable[[], AbstractContextManager[Origin]]


@contextmanager
def usual(images: Images) -> Iterator[Origin]:
    """Two services on the bed's engine."""
    with (
        tempfile.TemporaryDirectory(prefix="reconcile-chaos-") as folder,
        World(Path(folder), images) as world,
    ):
        yield staged(world)


@contextmanager
def of_other_kinds(images: Images) -> Iterator[Origin]:
    """Services that join, follow or start before others, on the bed's engine."""
    with (
        tempfile.TemporaryDirectory(prefix="reconcile-chaos-") as folder,
        World(Path(folder), images) as world,
    ):
        yield staged_of_other_kinds(world)


def repeated(stage: Staged, asked: Sequence[Callable[[Origin], Trial]]) -> list[Trial]:
    """All of them, each in a world that those before it have left as they found it.

    One that went wrong ends the world that it was in.
    """
    done: list[Trial] = []
    while len(done) < len(asked):
        with stage() as origin:
            for trial in asked[len(done) :][:AT_MOST]:
                done.append(told(len(done), trial(origin)))
                if done[-1].broken:
                    break
    return done


def told(number: int, trial: Trial) -> Trial:
    """Print a trial that is over; everything about one that went wrong."""
    lines = [f"{number:4} {trial.kind:16} {trial.seconds:6.2f} s  {', '.join(trial.killed)}"]
    if trial.broken:
        lines += ["BROKEN", *trial.broken, trial.story]
    print("\n".join(lines), file=sys.stderr, flush=True)
    return trial


def judged(name: str, trials: Sequence[Trial], most_seconds: float) -> Iterator[Figure]:
    """How many of them went wrong, in which ways, and how long the pass took that made good."""
    broken = [trial for trial in trials if trial.broken]
    kinds = ", ".join(f"{sum(1 for one in trials if one.kind is kind)} {kind}" for kind in Kind)
    ways = ", ".join(f"{_counted(trials, signs)} {way}" for way, signs in WAYS.items())
    yield Figure(name, "0 broken", f"{len(broken)} of {len(trials)}", f"{ways}; {kinds}", not broken)
    seconds = [trial.seconds for trial in trials]
    slow = percentile(seconds, 99)
    detail = f"p50 {percentile(seconds, 50):.2f} s, one pass each"
    yield Figure(
        f"{name}: converged", f"p99 ≤ {most_seconds:g} s", f"p99 {slow:.2f} s", detail, slow <= most_seconds
    )


def _counted(trials: Sequence[Trial], signs: tuple[str, ...]) -> int:
    return sum(1 for trial in trials if any(line.startswith(signs) for line in trial.broken))
