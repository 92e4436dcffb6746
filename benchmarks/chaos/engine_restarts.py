"""T-9: the engine is killed at random moments of a release and started again, then one fresh pass."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import cycle, islice
from pathlib import Path

from benchmarks.chaos.trials import judged, repeated
from benchmarks.figures import Figure
from tests.bed.private_engine import PrivateEngine
from tests.bed.registry import Registry
from tests.e2e.engine_killing import DEAD_TASK, INSIDE, KEPT_PORT, engine_tried
from tests.e2e.images import Images
from tests.e2e.killing import Kind, Trial, staged
from tests.e2e.origin import Origin
from tests.e2e.test_private_engine import world_on

MOST_SECONDS = 10.0
RELEASE_SECONDS = 4.0
"""A release of any kind is over by then."""
ENGINES = {"": (), ", live-restore": ("--live-restore",)}


def measure(count: int) -> Iterator[Figure]:
    """``count`` kills, half of them of an engine whose containers survive it."""
    with Registry() as registry:
        images = Images(registry)
        try:
            for name, options in ENGINES.items():
                with PrivateEngine(options=options) as engine:
                    kinds = islice(cycle(Kind), -(-count // len(ENGINES)))
                    asked = [partial(_killed, engine, kind) for kind in kinds]
                    trials = repeated(partial(_staged, engine, images), asked)
                yield from judged(f"T-9 engine killed{name}", trials, MOST_SECONDS)
                yield _lost(name, trials)
        finally:
            images.close()


def _lost(name: str, trials: Sequence[Trial]) -> Figure:
    """How often the engine itself came back without knowing any more what it was doing."""
    ports, tasks = (sum(lost in one.killed for one in trials) for lost in (KEPT_PORT, DEAD_TASK))
    detail = f"{ports} kept a port, {tasks} could not start a container again: further passes were needed"
    return Figure(f"T-9 engine{name}: lost its way", "told, not judged", f"{ports + tasks}", detail, True)


def _killed(engine: PrivateEngine, kind: Kind, origin: Origin) -> Trial:
    return engine_tried(engine, origin, kind, random.uniform(0, RELEASE_SECONDS))


@contextmanager
def _staged(engine: PrivateEngine, images: Images) -> Iterator[Origin]:
    with (
        tempfile.TemporaryDirectory(prefix="reconcile-chaos-") as folder,
        world_on(engine, Path(folder), images) as world,
    ):
        yield staged(world, INSIDE)
