"""The engine and Compose as a pass may use them: nothing is changed but under a lease that is still ours.

A process may be stopped for a minute between any two lines (SIGSTOP, a suspended machine), and somebody else
may have taken the environment over meanwhile. So the lease is looked at before each change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from reconciler.app.host import Host
from reconciler.domain.desired import Service
from reconciler.domain.environment import Environment
from reconciler.domain.image import ImageRef
from reconciler.domain.observed import Instance, Observed, Usage, Vitals
from reconciler.ports import Compose, Engine, Lease, Model

CHANGES = (
    "engine.pull",
    "engine.succeed",
    "engine.start",
    "engine.stop",
    "engine.set_restart_policy",
    "engine.rename",
    "engine.remove",
    "engine.tag",
    "engine.untag",
    "compose.create",
    "compose.create_templates",
)
"""All that is changed on a host."""

Guard = Callable[[str], AbstractContextManager[None]]
"""Stands around each change; it is given what changes, as in ``engine.start``."""


def fenced(host: Host, lease: Lease) -> Host:
    """The same host, whose engine and Compose change nothing once ``lease`` is lost.

    Every method that changes something may then raise ``LeaseLost`` as well.
    """

    @contextmanager
    def guard(change: str) -> Iterator[None]:
        lease.check()
        host.failpoint(f"{change}:before")
        yield
        host.failpoint(f"{change}:after")

    return replace(host, engine=FencedEngine(host.engine, guard), compose=FencedCompose(host.compose, guard))


@dataclass(frozen=True, slots=True)
class FencedEngine:
    """The ``Engine`` port; see the module's description."""

    engine: Engine
    guard: Guard

    @property
    def name(self) -> str:
        """See ``ports.Engine``."""
        return self.engine.name

    # --- What changes something ------------------------------------------------------------------

    def pull(self, image: ImageRef, progress: Callable[[str], None] | None = None) -> None:
        """See ``ports.Engine``."""
        with self.guard("engine.pull"):
            self.engine.pull(image, progress)

    def succeed(
        self,
        template: Instance,
        predecessor: Instance,
        name: str,
        config_hash: str,
        shares: Mapping[str, str],
    ) -> str:
        """See ``ports.Engine``."""
        with self.guard("engine.succeed"):
            return self.engine.succeed(template, predecessor, name, config_hash, shares)

    def start(self, container: str) -> None:
        """See ``ports.Engine``."""
        with self.guard("engine.start"):
            self.engine.start(container)

    def stop(self, container: str, grace_seconds: float) -> None:
        """See ``ports.Engine``."""
        with self.guard("engine.stop"):
            self.engine.stop(container, grace_seconds)

    def set_restart_policy(self, container: str, policy: str) -> None:
        """See ``ports.Engine``."""
        with self.guard("engine.set_restart_policy"):
            self.engine.set_restart_policy(container, policy)

    def rename(self, container: str, name: str) -> None:
        """See ``ports.Engine``."""
        with self.guard("engine.rename"):
            self.engine.rename(container, name)

    def remove(self, container: str, *, fresh_volumes: bool = False) -> None:
        """See ``ports.Engine``."""
        with self.guard("engine.remove"):
            self.engine.remove(container, fresh_volumes=fresh_volumes)

    def tag(self, image: str, repository: str, tag: str) -> None:
        """See ``ports.Engine``."""
        with self.guard("engine.tag"):
            self.engine.tag(image, repository, tag)

    def untag(self, repository: str, tag: str) -> None:
        """See ``ports.Engine``."""
        with self.guard("engine.untag"):
            self.engine.untag(repository, tag)

    # --- What only looks -------------------------------------------------------------------------

    def observe(self, project: str) -> Observed:
        """See ``ports.Engine``."""
        return self.engine.observe(project)

    def inspect(self, container: str) -> Vitals | None:
        """See ``ports.Engine``."""
        return self.engine.inspect(container)

    def image_id(self, image: ImageRef) -> str:
        """See ``ports.Engine``."""
        return self.engine.image_id(image)

    def digest_of(self, image_id: str, repository: str) -> str:
        """See ``ports.Engine``."""
        return self.engine.digest_of(image_id, repository)

    def version(self) -> str:
        """See ``ports.Engine``."""
        return self.engine.version()

    def missing(self, images: Sequence[ImageRef]) -> tuple[ImageRef, ...]:
        """See ``ports.Engine``."""
        return self.engine.missing(images)

    def restart_policy(self, container: str) -> str:
        """See ``ports.Engine``."""
        return self.engine.restart_policy(container)

    def logs(self, container: str, lines: int, *, since: datetime | None = None) -> str:
        """See ``ports.Engine``."""
        return self.engine.logs(container, lines, since=since)

    def execute(self, container: str, command: Sequence[str], time_limit_seconds: float) -> tuple[int, str]:
        """See ``ports.Engine``. A check's own command: what it does is not a step of ours."""
        return self.engine.execute(container, command, time_limit_seconds)

    def usage(self, container: str) -> Usage | None:
        """See ``ports.Engine``."""
        return self.engine.usage(container)

    def description(self, container: str) -> str:
        """See ``ports.Engine``."""
        return self.engine.description(container)

    def tags(self, repository: str) -> Mapping[str, str]:
        """See ``ports.Engine``."""
        return self.engine.tags(repository)

    def taken_ports(self) -> Mapping[str, tuple[str, str]]:
        """See ``ports.Engine``."""
        return self.engine.taken_ports()

    def free_bytes(self) -> int | None:
        """See ``ports.Engine``."""
        return self.engine.free_bytes()


@dataclass(frozen=True, slots=True)
class FencedCompose:
    """The ``Compose`` port; see the module's description."""

    compose: Compose
    guard: Guard

    def create(
        self,
        environment: Environment,
        files: Sequence[Path],
        scale: Mapping[str, int],
        images: Mapping[str, str] | None = None,
    ) -> None:
        """See ``ports.Compose``."""
        with self.guard("compose.create"):
            self.compose.create(environment, files, scale, images)

    def create_templates(
        self,
        environment: Environment,
        files: Sequence[Path],
        scale: Mapping[str, int],
        images: Mapping[str, str] | None = None,
    ) -> None:
        """See ``ports.Compose``."""
        with self.guard("compose.create_templates"):
            self.compose.create_templates(environment, files, scale, images)

    def files(self, environment: Environment) -> tuple[Path, ...]:
        """See ``ports.Compose``."""
        return self.compose.files(environment)

    def inputs(self, environment: Environment, files: Sequence[Path]) -> tuple[Path, ...]:
        """See ``ports.Compose``."""
        return self.compose.inputs(environment, files)

    def stamp(self, environment: Environment, files: Sequence[Path]) -> object | None:
        """See ``ports.Compose``."""
        return self.compose.stamp(environment, files)

    def resolve(self, environment: Environment, files: Sequence[Path]) -> Model:
        """See ``ports.Compose``."""
        return self.compose.resolve(environment, files)

    def hashes(
        self,
        environment: Environment,
        files: Sequence[Path],
        services: Sequence[Service],
        containers: Mapping[str, str],
        images: Mapping[str, str],
    ) -> Mapping[str, str]:
        """See ``ports.Compose``."""
        return self.compose.hashes(environment, files, services, containers, images)
