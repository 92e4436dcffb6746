"""T-1, T-2: releases whose program is killed at random, once or twice, then one fresh pass."""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import partial
from itertools import cycle, islice

from benchmarks.chaos.trials import judged, of_other_kinds, repeated, told, usual
from benchmarks.figures import Figure
from tests.bed.registry import Registry
from tests.e2e.images import Images
from tests.e2e.killing import After, Kill, Kind, Trial, tried
from tests.e2e.killing_scenes import OF_OTHER_KINDS, Scene
from tests.e2e.origin import Origin

MOST_SECONDS = 15.0
DOUBLE_SHARE = 4
"""For so many random kills there is one pair of kills, the second one in the recovery."""
OTHER_KINDS_SHARE = 8
OTHER_KINDS_SECONDS = 12.0
"""A release of them is over by then."""


def measure(count: int) -> Iterator[Figure]:
    """``count`` random kills, some pairs of them, and some of services of other kinds."""
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
            others = [
                partial(_killed_in, scene, [_random(OTHER_KINDS_SECONDS)])
                for scene in islice(cycle(OF_OTHER_KINDS), -(-count // OTHER_KINDS_SHARE))
            ]
            trials = repeated(partial(of_other_kinds, images), others)
            yield from judged("T-1 killed at random, services of other kinds", trials, MOST_SECONDS)
        finally:
            images.close()


def _killed(kind: Kind, kills: list[Kill], origin: Origin) -> Trial:
    return tried(origin, kind, kills)


def _killed_in(scene: Scene, kills: list[Kill], origin: Origin) -> Trial:
    return tried(origin, scene.kind, kills, begin=scene.begin)


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
