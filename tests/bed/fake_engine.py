"""A tiny world in memory: one engine and the Compose that works on it, obeying both ports.

Containers go through the engine's own states. What holds for a real engine holds here: the contract
suite (tests/contract) asks both the same questions.

>>> world = FakeWorld([Service("web", "web:1", "hash")], local=["web@sha256:…"])
>>> world.behave("sha256:…", Behaviour(crashes=1))
>>> world.fail("start", error=EngineUnreachable("gone"), after=True)
>>> world.die_at(3)
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path

from reconciler.domain.desired import Service
from reconciler.domain.environment import Environment
from reconciler.domain.image import ImageRef
from reconciler.domain.observed import Instance, Observed, Usage, Vitals
from reconciler.ports import Model
from tests.bed import fake_compose, fake_images, fake_lifecycle
from tests.bed.fake_clock import FakeClock
from tests.bed.fake_container import Behaviour, Container, hashed, image_id, local_name
from tests.bed.fake_events import FakeEvents
from tests.bed.fake_faults import Answer, Fault, Faults, Killed

__all__ = ["Behaviour", "Container", "FakeWorld", "Killed"]


class FakeWorld:
    """The images, containers, ports and volumes of one host, and the Compose model of its projects.

    What is not documented here is so in the ports.

    Args:
        services: the Compose model without pins.
        pins: what the pins file says, service → image; counts unless the last of `files` exists.
        local: what is on the host: `repository@digest`, or what an unpinned service names.
        registry: `repository@digest` of what can be pulled; None means everything.
    """

    def __init__(
        self,
        services: Sequence[Service] = (),
        *,
        pins: Mapping[str, str] | None = None,
        local: Sequence[str] = (),
        registry: Sequence[str] | None = None,
    ) -> None:
        self.services = tuple(services)
        self.pins = dict(pins or {})
        self.local = set(local)
        self.registry = None if registry is None else set(registry)
        self.containers: dict[str, Container] = {}
        self.image_tags: dict[str, str] = {}
        self.volumes: set[str] = set()
        self.compose_files: tuple[Path, ...] = ()
        self.foreign_ports: dict[str, tuple[str, str]] = {}
        self.free: int | None = 10**10
        self.compose_version = "2.26.1"
        self.clock = FakeClock()
        self.events = FakeEvents()
        self.behaviours: dict[str, Behaviour] = {}
        self._faults = Faults()
        self._counter = itertools.count(1)

    # --- What tests do to the world, and see of it ------------------------------------------------

    @property
    def name(self) -> str:
        return "fake://world"

    @property
    def calls(self) -> list[tuple[str, ...]]:
        """The calls that asked for a change: the method and its arguments, containers by name."""
        return self._faults.calls

    @property
    def mutations(self) -> int:
        """How many calls asked for a change so far."""
        return len(self.calls)

    def behave(self, image: str, behaviour: Behaviour) -> None:
        """Containers of the image (a digest, or a whole reference) made from now on act so."""
        self.behaviours[image] = behaviour

    def fail(
        self,
        method: str,
        *,
        error: BaseException,
        times: int = 1,
        after: bool = False,
        matching: Callable[..., bool] = lambda *_: True,
    ) -> None:
        """Let `method` raise `error`, `times` times, where `matching` accepts its arguments.

        With `after`, a change is made first: its answer got lost.
        """
        assert hasattr(self, method), method
        self._faults.waiting.setdefault(method, []).append(Fault(error, times, after, matching))

    def forget_faults(self) -> None:
        """From now on nothing goes wrong any more."""
        self._faults.waiting.clear()

    def die_at(self, call: int, *, after: bool = False) -> None:
        """Raise `Killed` before (or `after`) the `call`-th call from now that asks for a change.

        And at every call from then on, until `revive`: a killed program does not tidy up.
        """
        self._faults.death = (len(self.calls) + call, after)

    def revive(self) -> None:
        """The program is started anew."""
        self._faults.death, self._faults.dead = None, False

    def named(self, name: str) -> Container:
        """The container called `name`."""
        return next(container for container in self.containers.values() if container.name == name)

    def names(self) -> tuple[str, ...]:
        """The names of all containers, sorted."""
        return tuple(sorted(container.name for container in self.containers.values()))

    def running(self) -> dict[str, str]:
        """The images of running containers, by name."""
        return {c.name: c.image for c in sorted(self.containers.values(), key=lambda c: c.name) if c.up}

    def cut_off(self) -> tuple[str, ...]:
        """Containers that run in a network that is no more: what they joined was started again."""
        return fake_lifecycle.cut_off(self)

    def crash(self, name: str, exit_code: int = 137) -> None:
        """A container ends by itself; its restart policy is obeyed."""
        container = self.named(name)
        container.end(exit_code)
        fake_lifecycle.tell(self, container, "die")
        container.obey_policy(self.clock.now())

    def vanish(self, name: str) -> None:
        """Somebody removes a container by force."""
        container = self.containers.pop(self.named(name).id)
        fake_lifecycle.tell(self, container, *(("kill", "die") if container.up else ()), "destroy")

    def restart_engine(self) -> None:
        """The engine goes down and comes back; restart policies decide who runs."""
        fake_lifecycle.restart_engine(self)

    def new_id(self) -> str:
        """An id that nothing has yet."""
        return hashed("container", str(next(self._counter)))

    # --- Engine -----------------------------------------------------------------------------------

    def observe(self, project: str) -> Observed:
        self._faults.strike("observe", project)
        return fake_lifecycle.snapshot(self, project)

    def inspect(self, container: str) -> Vitals | None:
        self._faults.strike("inspect", container)
        found = fake_lifecycle.find(self, container)
        if found is None:
            return None
        fake_lifecycle.look(self, found)
        return found.vitals()

    def missing(self, images: Sequence[ImageRef]) -> tuple[ImageRef, ...]:
        self._faults.strike("missing", *images)
        return tuple(image for image in images if local_name(str(image)) not in self.local)

    def image_id(self, image: ImageRef) -> str:
        self._faults.strike("image_id", image)
        return image_id(str(image)) if local_name(str(image)) in self.local else ""

    def digest_of(self, image_id: str, repository: str) -> str:
        self._faults.strike("digest_of", image_id, repository)
        return fake_images.digest_of(self, image_id, repository)

    def version(self) -> str:
        self._faults.strike("version")
        return "20.10.24"

    def pull(self, image: ImageRef, progress: Callable[[str], None] | None = None) -> None:
        self._change("pull", lambda: fake_images.pull(self, image), image)
        if progress is not None:
            progress("Pull complete")

    def succeed(
        self,
        template: Instance,
        predecessor: Instance,
        name: str,
        config_hash: str,
        shares: Mapping[str, str],
    ) -> str:
        change = partial(fake_lifecycle.succeed, self, template.id, predecessor.id, name, config_hash, shares)
        return self._change("succeed", change, template, predecessor, name, config_hash, shares)

    def start(self, container: str) -> None:
        self._change("start", lambda: fake_lifecycle.start(self, container), container)

    def stop(self, container: str, grace_seconds: float) -> None:
        self._change("stop", lambda: fake_lifecycle.stop(self, container), container)

    def restart_policy(self, container: str) -> str:
        self._faults.strike("restart_policy", container)
        return fake_lifecycle.existing(self, container).policy

    def set_restart_policy(self, container: str, policy: str) -> None:
        change = partial(fake_lifecycle.set_policy, self, container, policy)
        self._change("set_restart_policy", change, container, policy)

    def rename(self, container: str, name: str) -> None:
        self._change("rename", lambda: fake_lifecycle.rename(self, container, name), container, name)

    def remove(self, container: str, *, fresh_volumes: bool = False) -> None:
        change = partial(fake_lifecycle.remove, self, container, fresh_volumes=fresh_volumes)
        self._change("remove", change, container)

    def tag(self, image: str, repository: str, tag: str) -> None:
        self._change("tag", lambda: fake_images.tag(self, image, repository, tag), image, repository, tag)

    def tags(self, repository: str) -> Mapping[str, str]:
        self._faults.strike("tags", repository)
        return fake_images.tags(self, repository)

    def untag(self, repository: str, tag: str) -> None:
        self._change("untag", lambda: fake_images.untag(self, repository, tag), repository, tag)

    def logs(self, container: str, lines: int, *, since: datetime | None = None) -> str:
        self._faults.strike("logs", container)
        found = fake_lifecycle.find(self, container)
        return "" if found is None else found.logged(lines, since)

    def execute(self, container: str, command: Sequence[str], time_limit_seconds: float) -> tuple[int, str]:
        self._faults.strike("execute", container, command)
        return fake_lifecycle.existing(self, container).execute(command, time_limit_seconds)

    def usage(self, container: str) -> Usage | None:
        self._faults.strike("usage", container)
        found = fake_lifecycle.find(self, container)
        return None if found is None else found.measure()

    def description(self, container: str) -> str:
        self._faults.strike("description", container)
        found = fake_lifecycle.find(self, container)
        return "" if found is None else found.description()

    def taken_ports(self) -> Mapping[str, tuple[str, str]]:
        self._faults.strike("taken_ports")
        return fake_lifecycle.taken_ports(self)

    def free_bytes(self) -> int | None:
        self._faults.strike("free_bytes")
        return self.free

    # --- Compose ----------------------------------------------------------------------------------

    def files(self, environment: Environment) -> tuple[Path, ...]:
        return self.compose_files or (Path("/compose") / environment.directory / "compose.yaml",)

    def inputs(self, environment: Environment, files: Sequence[Path]) -> tuple[Path, ...]:
        return ()

    def stamp(self, environment: Environment, files: Sequence[Path]) -> object | None:
        return None

    def resolve(self, environment: Environment, files: Sequence[Path]) -> Model:
        self._faults.strike("resolve", environment, files)
        return fake_compose.resolve(self, files)

    def hashes(
        self,
        environment: Environment,
        files: Sequence[Path],
        services: Sequence[Service],
        containers: Mapping[str, str],
        images: Mapping[str, str],
    ) -> Mapping[str, str]:
        self._faults.strike("hashes", environment, files, services, containers, images)
        return fake_compose.hashes(self, files, services, containers, images)

    def create(
        self,
        environment: Environment,
        files: Sequence[Path],
        scale: Mapping[str, int],
        images: Mapping[str, str] | None = None,
    ) -> None:
        change = partial(fake_compose.scale, self, environment.project, files, scale, images)
        self._change("create", change, scale)

    def create_templates(
        self,
        environment: Environment,
        files: Sequence[Path],
        scale: Mapping[str, int],
        images: Mapping[str, str] | None = None,
    ) -> None:
        change = partial(fake_compose.scale, self, environment.project, files, scale, images, template=True)
        self._change("create_templates", change, scale)

    def _change(self, method: str, change: Callable[[], Answer], *arguments: object) -> Answer:
        return self._faults.around(method, change, partial(fake_lifecycle.readable, self), *arguments)
