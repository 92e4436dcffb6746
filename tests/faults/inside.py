"""A pass inside this process, for faults that have to happen between two of its steps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace

from reconciler.adapters.docker_host import DockerHost
from reconciler.adapters.registry import HttpRegistry
from reconciler.app.converge import Reconciler
from reconciler.domain.report import Step
from reconciler.interface.settings import Settings
from reconciler.interface.wiring import Wiring
from tests.bed.tools import docker
from tests.e2e.world import World


@contextmanager
def inside(
    world: World,
    *,
    host: str = "",
    progress: Callable[[Step], None] = lambda _step: None,
    progress_seconds: float = 60.0,
) -> Iterator[Reconciler]:
    """The reconciler of the world's only environment.

    Args:
        world: it must have been committed.
        host: another way to the same engine, for everything but Compose.
        progress: called after each step of a pass.
        progress_seconds: how long a pull may go without progress.
    """
    settings = Settings(
        folder=world.state, environ=world.environ, state_directory=world.root / "memory", quiet=True
    )
    wiring = Wiring(settings)
    (environment,) = wiring.environments()
    reconciler = wiring.reconciler(environment)
    registry = HttpRegistry(lambda _host: None, timeout_seconds=2.0)
    with closing(
        DockerHost(host or world.host, registry=registry, progress_seconds=progress_seconds)
    ) as engine:
        yield replace(reconciler, host=replace(reconciler.host, engine=engine, progress=progress))


def forget(address: str) -> None:
    """Take every name that images have at a registry, or at a proxy of one, from the engine of the bed."""
    listed = docker("images", "--digests", "--format", "{{.Repository}} {{.Tag}} {{.Digest}}")
    for repository, tag, digest in (line.split() for line in listed.splitlines()):
        if repository.startswith(f"{address}/"):
            docker("rmi", f"{repository}@{digest}" if tag == "<none>" else f"{repository}:{tag}")
