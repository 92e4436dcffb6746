"""How an engine keeps containers: which it finds, starts, makes and removes, and what stands in its way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.domain.desired import Port
from reconciler.domain.observed import Instance, Observed, State
from reconciler.domain.triggers import Occurrence
from reconciler.errors import EngineFailed, HostConflict
from tests.bed.fake_container import Container, hashed

if TYPE_CHECKING:
    from tests.bed.fake_engine import FakeWorld


def find(world: FakeWorld, container: str) -> Container | None:
    """A container by its id or name."""
    named = (found for found in world.containers.values() if found.name == container)
    return world.containers.get(container) or next(named, None)


def existing(world: FakeWorld, container: str) -> Container:
    """The same, where it must be there."""
    found = find(world, container)
    if found is None:
        raise EngineFailed(f"there is no container {container}")
    return found


def snapshot(world: FakeWorld, project: str) -> Observed:
    """All containers of a project."""
    mine = [one.instance() for one in world.containers.values() if one.project == project]
    return Observed(project, tuple(sorted(mine, key=lambda one: (one.service, one.name))))


def claim(world: FakeWorld, name: str) -> None:
    """Nobody has this name."""
    if any(container.name == name for container in world.containers.values()):
        raise HostConflict(f"the container name {name} is already in use")


def add(world: FakeWorld, made: Container, *, carried: Mapping[str, str]) -> None:
    """Put a new container there, with its anonymous volumes or those that are carried over."""
    for destination in made.behaviour.volumes:
        made.volumes[destination] = carried.get(destination) or hashed(made.id, destination)
    world.volumes |= set(made.volumes.values())
    world.containers[made.id] = made
    tell(world, made, "create")


def succeed(
    world: FakeWorld, template: str, predecessor: str, name: str, config_hash: str, shares: Mapping[str, str]
) -> str:
    """Make a successor; number and anonymous volumes come from the predecessor."""
    model, old = existing(world, template), existing(world, predecessor)
    claim(world, name)
    made = replace(
        model,
        id=world.new_id(),
        name=name,
        number=old.number,
        config_hash=config_hash,
        template=False,
        network_of=shares.get(model.network_of, model.network_of),
        volumes={},
        written=[],
    )
    add(world, made, carried=old.volumes)
    return made.id


def look(world: FakeWorld, container: Container) -> None:
    """Time passes for a container; one that came back by itself is in a new network."""
    starts = container.starts
    container.look(world.clock.now())
    if container.starts != starts and container.network_of:
        container.joined_start = starts_of(world, container.network_of)


def start(world: FakeWorld, container: str) -> None:
    """Start, or unpause."""
    found = existing(world, container)
    if found.state is State.PAUSED:
        found.state = State.RUNNING
    if found.up:
        return
    if obstacle := _obstacle(world, found):
        found.error, found.exit_code = obstacle, 128
        kind = HostConflict if "port" in obstacle else EngineFailed
        raise kind(f"could not start container {found.name}: {obstacle}")
    found.restarts = 0
    found.run(world.clock.now())
    found.joined_start = starts_of(world, found.network_of)


def stop(world: FakeWorld, container: str) -> None:
    """Stop."""
    found = find(world, container)
    if found is not None and (found.up or found.state is State.PAUSED):
        found.end(0, by_hand=True)
        tell(world, found, "kill", "die", "stop")


def set_policy(world: FakeWorld, container: str, policy: str) -> None:
    """Change the restart policy."""
    existing(world, container).policy = policy


def rename(world: FakeWorld, container: str, name: str) -> None:
    """Rename."""
    found = existing(world, container)
    if found.name != name:
        claim(world, name)
        found.name = name


def remove(world: FakeWorld, container: str, *, fresh_volumes: bool) -> None:
    """Remove a stopped container."""
    found = find(world, container)
    if found is None:
        return
    if found.up or found.state is State.PAUSED:
        raise EngineFailed(f"could not remove container {found.name}: it is running")
    del world.containers[found.id]
    tell(world, found, "destroy")
    if fresh_volumes:
        used = {volume for other in world.containers.values() for volume in other.volumes.values()}
        world.volumes -= set(found.volumes.values()) - used


def taken_ports(world: FakeWorld) -> dict[str, tuple[str, str]]:
    """The ports of running containers, and `foreign_ports`."""
    return world.foreign_ports | {
        f"{port.address or '0.0.0.0'}:{port.number}/{port.protocol}": (container.id, container.name)
        for container in world.containers.values()
        if container.up
        for port in container.service.ports
    }


def tell(world: FakeWorld, container: Container, *actions: str) -> None:
    """The engine says what happened to a container."""
    for action in actions:
        exit_code = container.exit_code if action == "die" else None
        names = (container.project, container.service.name, container.name)
        world.events.tell(Occurrence(world.clock.now(), *names, action, exit_code))


def starts_of(world: FakeWorld, container: str) -> int:
    """How often a container was started; -1 where it does not run."""
    found = world.containers.get(container)
    return found.starts if found is not None and found.up else -1


def cut_off(world: FakeWorld) -> tuple[str, ...]:
    """Containers that run in a network that is no more."""
    joined = (one for one in world.containers.values() if one.up and one.network_of)
    return tuple(sorted(one.name for one in joined if one.joined_start != starts_of(world, one.network_of)))


def restart_engine(world: FakeWorld) -> None:
    """The engine goes down and comes back; restart policies decide who runs."""
    for container in world.containers.values():
        container.after_engine_restart(world.clock.now())
    for container in world.containers.values():
        if container.up and container.network_of:
            container.joined_start = starts_of(world, container.network_of)
            if container.joined_start < 0:
                container.end(128, by_hand=True)


def readable(world: FakeWorld, argument: object) -> str:
    """An argument of a call with names instead of ids."""
    if isinstance(argument, Instance):
        return argument.name
    if isinstance(argument, Mapping):
        return " ".join(f"{readable(world, key)}={readable(world, one)}" for key, one in argument.items())
    text = str(argument)
    return world.containers[text].name if text in world.containers else text


def _obstacle(world: FakeWorld, container: Container) -> str:
    """Why the engine cannot start this container now, or nothing."""
    if container.behaviour.refuses:
        return container.behaviour.refuses
    if container.network_of:
        joined = world.containers.get(container.network_of)
        if joined is None:
            return f"No such container: {container.network_of}"
        if not joined.up:
            return f"cannot join network of a non running container: {joined.id}"
    for taken in taken_ports(world):
        address, _, rest = taken.rpartition(":")
        number, _, protocol = rest.partition("/")
        for port in container.service.ports:
            if port.clashes(Port(address, int(number), protocol)):
                return f"Bind for {port} failed: port is already allocated"
    return ""
