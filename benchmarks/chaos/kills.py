"""T-1, T-2: releases whose program is killed, at failpoints and at random, then one fresh pass."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import cycle, islice

from benchmarks.chaos.trials import judged, repeated, told, usual
from benchmarks.figures import Figure
from reconciler.interface.failpoints import names
from tests.bed.registry import Registry
from tests.e2e.images import Images
from tests.e2e.killing import After, Failpoint, Kill, Kind, Trial, tried
from tests.e2e.origin import Origin

MOST_SECONDS = 15.0
DOUBLE_SHARE = 4
"""For so many random kills there is one pair of kills, the second one in the recovery."""
LEAST_POINTS = 60


def measure(count: int) -> Iterator[Figure]:
    """``count`` random kills, some pairs of them, and one at each failpoint there is."""
    with Registry() as registry:
        images = Images(registry)
        try:
            stage, taken = partial(usual, images), _usual_seconds(images)
            once = [partial(_killed, kind, [_random(taken[kind])]) for kind in _kinds(count)]
            yield from judged("T-1 killed at random", repeated(stage, once), MOST_SECONDS)
            twice = [
                partial(_killed, kind, [_random(taken[kind]) for _ in range(2)])
                for kind in _kinds(-(-count // DOUBLE_SHARE))
            ]
            yield from judged("T-2 killed again in recovery", repeated(stage, twice), MOST_SECONDS)
            each = [partial(_killed, kind, [Failpoint(name)]) for name in names() for kind in Kind]
            trials = repeated(stage, each)
            yield from judged("T-1 killed at failpoints", trials, MOST_SECONDS)
            yield _reached(trials)
        finally:
            images.close()


def _reached(trials: Sequence[Trial]) -> Figure:
    """How many failpoints any of the releases came by; the others belong to what these releases do not do."""
    passed = {one.killed[0].partition(": ")[0] for one in trials if one.killed[0].endswith("killed")}
    missed = ", ".join(name for name in names() if name not in passed)
    found = f"{len(passed)} of {len(names())}"
    return Figure(
        "T-1 failpoints reached", "≥ 60", found, f"not: {missed or 'none'}", len(passed) >= LEAST_POINTS
    )


def _killed(kind: Kind, kills: list[Kill], origin: Origin) -> Trial:
    return tried(origin, kind, kills)


def _kinds(count: int) -> list[Kind]:
    return list(islice(cycle(Kind), count))


def _random(longest: float) -> Kill:
    """Any moment of a pass that takes so long; half of the time its children survive it."""
    return After(random.uniform(0, longest), alone=random.random() < 0.5)


def _usual_seconds(images: Images) -> dict[Kind, float]:
    """How long a release of each kind takes that nobody kills."""
    taken: dict[Kind, float] = {}
    with usual(images) as origin:
        for number, kind in enumerate(Kind):
            trial = told(number, tried(origin, kind, []))
            if trial.broken:
                raise RuntimeError(f"a release that nobody kills ({kind}) goes wrong: {trial.broken}")
            taken[kind] = trial.seconds
    return taken
