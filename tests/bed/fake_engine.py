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
from dataclasses import replace
from pathlib import Path

import yaml

from reconciler.domain.desired import Port, Service
from reconciler.domain.environment import Environment
from reconciler.domain.image import ImageRef
from reconciler.domain.observed import Instance, Observed, State, Vitals
from reconciler.domain.waves import waves
from reconciler.errors import ComposeFailed, EngineFailed, PullFailed
from reconciler.ports import Model
from tests.bed import fake_container
from tests.bed.fake_container import Behaviour, Container, hashed, local_name
from tests.bed.fake_faults import Answer, Fault, Faults, Killed

__all__ = ["Behaviour", "Container", "FakeWorld", "Killed"]


class FakeWorld:
    """The images, containers, ports and volumes of one host, and the Compose model of its projects.

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
        self.tags: dict[str, str] = {}
        self.volumes: set[str] = set()
        self.foreign_ports: dict[str, tuple[str, str]] = {}
        self.free: int | None = 10**10
        self.compose_version = "2.26.1"
        self._behaviours: dict[str, Behaviour] = {}
        self._faults = Faults()
        self._counter = itertools.count(1)

    # --- What tests do to the world, and see of it ------------------------------------------------

    @property
    def name(self) -> str:
        """See `ports.Engine`."""
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
        self._behaviours[image] = behaviour

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
        return tuple(
            sorted(
                c.name
                for c in self.containers.values()
                if c.up and c.network_of and c.joined_start != self.starts_of(c.network_of)
            )
        )

    def starts_of(self, container: str) -> int:
        """How often a container was started; -1 where it does not run."""
        found = self.containers.get(container)
        return found.starts if found is not None and found.up else -1

    def crash(self, name: str, exit_code: int = 137) -> None:
        """A container ends by itself; its restart policy is obeyed."""
        container = self.named(name)
        container.end(exit_code)
        container.obey_policy()

    def vanish(self, name: str) -> None:
        """Somebody removes a container by force."""
        del self.containers[self.named(name).id]

    def restart_engine(self) -> None:
        """The engine goes down and comes back; restart policies decide who runs."""
        for container in self.containers.values():
            container.after_engine_restart()
        for container in self.containers.values():
            if container.up and container.network_of:
                container.joined_start = self.starts_of(container.network_of)
                if container.joined_start < 0:
                    container.end(128, by_hand=True)

    # --- Engine -----------------------------------------------------------------------------------

    def observe(self, project: str) -> Observed:
        """All containers of the project."""
        self._faults.strike("observe", project)
        return self._snapshot(project)

    def inspect(self, container: str) -> Vitals | None:
        """One container; every call is a look."""
        self._faults.strike("inspect", container)
        found = self._find(container)
        if found is None:
            return None
        starts = found.starts
        found.look()
        if found.starts != starts and found.network_of:
            found.joined_start = self.starts_of(found.network_of)
        return found.vitals()

    def missing(self, images: Sequence[ImageRef]) -> tuple[ImageRef, ...]:
        """Those that are not in `local`."""
        self._faults.strike("missing", *images)
        return tuple(image for image in images if local_name(str(image)) not in self.local)

    def image_id(self, image: ImageRef) -> str:
        """The id of a local image."""
        self._faults.strike("image_id", image)
        return fake_container.image_id(str(image)) if local_name(str(image)) in self.local else ""

    def digest_of(self, image_id: str, repository: str) -> str:
        """The digest of a local image of this repository."""
        self._faults.strike("digest_of", image_id, repository)
        found = (name for name in sorted(self.local) if fake_container.image_id(name) == image_id)
        digests = (
            digest for name, _, digest in (name.partition("@") for name in found) if name == repository
        )
        return next(digests, "")

    def version(self) -> str:
        """One that many have."""
        self._faults.strike("version")
        return "20.10.24"

    def pull(self, image: ImageRef, progress: Callable[[str], None] | None = None) -> None:
        """Copy a reference from `registry` to `local`."""

        def change() -> None:
            if self.registry is not None and image.by_digest not in self.registry:
                raise PullFailed(f"could not pull {image}: the registry has no such image")
            self.local.add(image.by_digest)
            if progress is not None:
                progress("Pull complete")

        self._change("pull", change, image)

    def succeed(
        self,
        template: Instance,
        predecessor: Instance,
        name: str,
        config_hash: str,
        shares: Mapping[str, str],
    ) -> str:
        """Create a successor; number and anonymous volumes come from the predecessor."""

        def change() -> str:
            model, old = self._existing(template.id), self._existing(predecessor.id)
            self._claim(name)
            made = replace(
                model,
                id=self._new_id(),
                name=name,
                number=old.number,
                config_hash=config_hash,
                template=False,
                network_of=shares.get(model.network_of, model.network_of),
                volumes={},
            )
            self._add(made, carried=old.volumes)
            return made.id

        return self._change("succeed", change, template, predecessor, name, config_hash, shares)

    def start(self, container: str) -> None:
        """Start, or unpause."""

        def change() -> None:
            found = self._existing(container)
            if found.state is State.PAUSED:
                found.state = State.RUNNING
            if found.up:
                return
            if obstacle := self._obstacle(found):
                found.error, found.exit_code = obstacle, 128
                raise EngineFailed(f"could not start container {found.name}: {obstacle}")
            found.restarts = 0
            found.run()
            found.joined_start = self.starts_of(found.network_of)

        self._change("start", change, container)

    def stop(self, container: str, grace_seconds: float) -> None:
        """Stop."""

        def change() -> None:
            found = self._find(container)
            if found is not None and (found.up or found.state is State.PAUSED):
                found.end(0, by_hand=True)

        self._change("stop", change, container)

    def restart_policy(self, container: str) -> str:
        """The restart policy."""
        self._faults.strike("restart_policy", container)
        return self._existing(container).policy

    def set_restart_policy(self, container: str, policy: str) -> None:
        """Change the restart policy."""

        def change() -> None:
            self._existing(container).policy = policy

        self._change("set_restart_policy", change, container, policy)

    def rename(self, container: str, name: str) -> None:
        """Rename."""

        def change() -> None:
            found = self._existing(container)
            if found.name != name:
                self._claim(name)
                found.name = name

        self._change("rename", change, container, name)

    def remove(self, container: str, *, fresh_volumes: bool = False) -> None:
        """Remove a stopped container."""

        def change() -> None:
            found = self._find(container)
            if found is None:
                return
            if found.up or found.state is State.PAUSED:
                raise EngineFailed(f"could not remove container {found.name}: it is running")
            del self.containers[found.id]
            if fresh_volumes:
                used = {volume for other in self.containers.values() for volume in other.volumes.values()}
                self.volumes -= set(found.volumes.values()) - used

        self._change("remove", change, container)

    def tag(self, image: str, repository: str, tag: str) -> None:
        """Give an image a name."""

        def change() -> None:
            self.tags[f"{repository}:{tag}"] = image

        self._change("tag", change, image, repository, tag)

    def logs(self, container: str, lines: int) -> str:
        """The last lines of what its image is said to write."""
        self._faults.strike("logs", container)
        found = self._find(container)
        written = found.behaviour.logs if found is not None and found.starts else ""
        return "".join(written.splitlines(keepends=True)[-lines:])

    def taken_ports(self) -> Mapping[str, tuple[str, str]]:
        """The ports of running containers, and `foreign_ports`."""
        self._faults.strike("taken_ports")
        return self.foreign_ports | {
            f"{port.address or '0.0.0.0'}:{port.number}/{port.protocol}": (container.id, container.name)
            for container in self.containers.values()
            if container.up
            for port in container.service.ports
        }

    def free_bytes(self) -> int | None:
        """What `free` says."""
        self._faults.strike("free_bytes")
        return self.free

    # --- Compose ----------------------------------------------------------------------------------

    def files(self, environment: Environment) -> tuple[Path, ...]:
        """One file that is never read."""
        return (Path("/compose") / environment.directory / "compose.yaml",)

    def inputs(self, environment: Environment, files: Sequence[Path]) -> tuple[Path, ...]:
        """None."""
        return ()

    def stamp(self, environment: Environment, files: Sequence[Path]) -> object | None:
        """It cannot be told."""
        return None

    def resolve(self, environment: Environment, files: Sequence[Path]) -> Model:
        """The services as they are, with hashes that count their pins in."""
        self._faults.strike("resolve", environment, files)
        pinned = {service.name: service for service in self._pinned(files)}
        services = tuple(replace(s, config_hash=pinned[s.name].config_hash) for s in self.services)
        return Model(tuple(sorted(services, key=lambda s: s.name)), self.compose_version)

    def hashes(
        self,
        environment: Environment,
        files: Sequence[Path],
        services: Sequence[Service],
        containers: Mapping[str, str],
        images: Mapping[str, str],
    ) -> Mapping[str, str]:
        """The hashes of services that join these containers and have these images."""
        self._faults.strike("hashes", environment, files, services, containers, images)
        known = {service.name: service for service in self._pinned(files, images)}
        return {one.name: _joined_hash(known[one.name], containers) for one in services}

    def create(self, environment: Environment, files: Sequence[Path], scale: Mapping[str, int]) -> None:
        """Create what is missing of the services in `scale`."""
        self._change("create", lambda: self._scale(environment.project, files, scale, template=False), scale)

    def create_templates(
        self, environment: Environment, files: Sequence[Path], scale: Mapping[str, int]
    ) -> None:
        """The same, for templates."""
        self._change(
            "create_templates",
            lambda: self._scale(environment.project, files, scale, template=True),
            scale,
        )

    # --- How the world works ----------------------------------------------------------------------

    def _change(self, method: str, change: Callable[[], Answer], *arguments: object) -> Answer:
        return self._faults.around(method, change, self._readable, *arguments)

    def _readable(self, argument: object) -> str:
        """Names instead of ids."""
        if isinstance(argument, Instance):
            return argument.name
        if isinstance(argument, Mapping):
            return " ".join(
                f"{self._readable(key)}={self._readable(value)}" for key, value in argument.items()
            )
        text = str(argument)
        return self.containers[text].name if text in self.containers else text

    def _snapshot(self, project: str) -> Observed:
        mine = [c.instance() for c in self.containers.values() if c.project == project]
        return Observed(project, tuple(sorted(mine, key=lambda one: (one.service, one.name))))

    def _pinned(self, files: Sequence[Path], images: Mapping[str, str] | None = None) -> tuple[Service, ...]:
        """The services with `images`, or those of the pins file (the last of `files`), or of `pins`."""
        pins = dict(self.pins)
        if files and files[-1].is_file():
            written = yaml.safe_load(files[-1].read_text()) or {}
            pins = {name: service["image"] for name, service in (written.get("services") or {}).items()}
        pins |= images or {}
        services = [replace(s, image=pins.get(s.name, s.image)) for s in self.services]
        return tuple(replace(s, config_hash=hashed(s.config_hash, s.image)) for s in services)

    def _scale(
        self, project: str, files: Sequence[Path], scale: Mapping[str, int], *, template: bool
    ) -> None:
        services = {service.name: service for service in self._pinned(files)}
        for name in scale:
            if name not in services:
                raise ComposeFailed(f"no such service: {name}")
        in_order = [name for wave in waves(services.values()) for name in wave if name in scale]
        for name, count in ((name, scale[name]) for name in in_order):
            present = self._of(project, name)
            first = max((container.number for container in present), default=0) + 1
            for number in range(first, first + count - len(present)):
                self._create(project, services[name], number, template=template)

    def _create(self, project: str, service: Service, number: int, *, template: bool) -> None:
        if local_name(service.image) not in self.local:
            raise ComposeFailed(f"No such image: {service.image}")
        own_name = f"{project}-{service.name}-{number}"
        name = own_name if template else service.container_name or own_name
        self._claim(name)
        digest = service.image.rpartition("@")[2]
        behaviour = self._behaviours.get(service.image) or self._behaviours.get(digest) or Behaviour()
        joined = self._joined(project, service)
        config_hash = _joined_hash(service, joined)
        made = Container(
            id=self._new_id(),
            name=name,
            project=project,
            service=service,
            number=number,
            # A template is made with an override of ours, and so it has another hash.
            config_hash=hashed(config_hash, "template") if template else config_hash,
            image=service.image,
            policy=service.restart,
            behaviour=behaviour,
            compose_version=self.compose_version,
            template=template,
            network_of=next((joined[j.service] for j in service.joins if j.what == "network_mode"), ""),
        )
        self._add(made, carried={})

    def _add(self, made: Container, *, carried: Mapping[str, str]) -> None:
        for destination in made.behaviour.volumes:
            made.volumes[destination] = carried.get(destination) or hashed(made.id, destination)
        self.volumes |= set(made.volumes.values())
        self.containers[made.id] = made

    def _joined(self, project: str, service: Service) -> dict[str, str]:
        """The containers that a new one joins, by service; Compose knows nothing of our names."""
        here = self._snapshot(project)
        joined: dict[str, str] = {}
        for name in service.shares:
            found = here.joinable(name) or next(iter(here.of(name)), None)
            if found is None:
                raise ComposeFailed(f"cannot share the network of service {name}: it has no container")
            joined[name] = found.id
        return joined

    def _obstacle(self, container: Container) -> str:
        """Why the engine cannot start this container now, or nothing."""
        if container.behaviour.refuses:
            return container.behaviour.refuses
        if container.network_of:
            joined = self.containers.get(container.network_of)
            if joined is None:
                return f"No such container: {container.network_of}"
            if not joined.up:
                return f"cannot join network of a non running container: {joined.id}"
        for taken in self.taken_ports():
            address, _, rest = taken.rpartition(":")
            number, _, protocol = rest.partition("/")
            for port in container.service.ports:
                if port.clashes(Port(address, int(number), protocol)):
                    return f"Bind for {port} failed: port is already allocated"
        return ""

    def _of(self, project: str, service: str) -> list[Container]:
        return [c for c in self.containers.values() if (c.project, c.service.name) == (project, service)]

    def _find(self, container: str) -> Container | None:
        named = (found for found in self.containers.values() if found.name == container)
        return self.containers.get(container) or next(named, None)

    def _existing(self, container: str) -> Container:
        found = self._find(container)
        if found is None:
            raise EngineFailed(f"there is no container {container}")
        return found

    def _claim(self, name: str) -> None:
        if any(container.name == name for container in self.containers.values()):
            raise EngineFailed(f"the container name {name} is already in use")

    def _new_id(self) -> str:
        return hashed("container", str(next(self._counter)))


def _joined_hash(service: Service, containers: Mapping[str, str]) -> str:
    """Compose hashes `service:NAME` as `container:ID`, so that another container means another hash."""
    ids = [f"{join.what}={containers[join.service]}" for join in service.joins]
    return hashed(service.config_hash, *ids) if ids else service.config_hash
