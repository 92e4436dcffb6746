"""Registry and Git server are killed during releases and come back, then one fresh pass."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from itertools import cycle, islice

from benchmarks.chaos.trials import judged, repeated, usual
from benchmarks.figures import Figure
from tests.bed.git_daemon import GitDaemon
from tests.bed.registry import Registry
from tests.e2e.images import Images
from tests.e2e.killing import Trial
from tests.e2e.origin import Origin
from tests.e2e.outages import git_killed, registry_killed

MOST_SECONDS = 15.0
PULL_SECONDS = 2.0
"""A small image has been pulled by then."""
HOOKS = ("pre-receive", "post-receive")


def measure(count: int) -> Iterator[Figure]:
    """``count`` kills of a registry, and as many of a Git server."""
    with Registry() as registry:
        images = Images(registry)
        try:
            pulls = [partial(_pull, random.uniform(0, PULL_SECONDS)) for _ in range(count)]
            yield from judged("Registry killed", repeated(partial(usual, images), pulls), MOST_SECONDS)
            pushes = [partial(_push, hook) for hook in islice(cycle(HOOKS), count)]
            yield from judged("Git server killed", repeated(partial(usual, images), pushes), MOST_SECONDS)
        finally:
            images.close()


def _pull(seconds: float, origin: Origin) -> Trial:
    return registry_killed(origin, seconds)


def _push(hook: str, origin: Origin) -> Trial:
    with _served(origin) as daemon:
        return git_killed(origin, daemon, hook)


@contextmanager
def _served(origin: Origin) -> Iterator[GitDaemon]:
    """The remote is behind a server for a while."""
    with GitDaemon(origin.world.root) as daemon:
        origin.world.git("remote", "set-url", "origin", daemon.url(origin.bare.name))
        yield daemon
    origin.world.git("remote", "set-url", "origin", f"file://{origin.bare}")
