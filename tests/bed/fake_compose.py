"""The Compose of the fake world: the model of its projects, and containers made of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from reconciler.domain.desired import Service
from reconciler.domain.waves import waves
from reconciler.errors import ComposeFailed
from reconciler.ports import Model
from tests.bed import fake_lifecycle as lifecycle
from tests.bed.fake_container import Behaviour, Container, hashed, local_name

if TYPE_CHECKING:
    from tests.bed.fake_engine import FakeWorld


def resolve(world: FakeWorld, files: Sequence[Path]) -> Model:
    """The services as they are, with hashes that count their pins in."""
    pinned = {service.name: service for service in _pinned(world, files)}
    services = tuple(replace(s, config_hash=pinned[s.name].config_hash) for s in world.services)
    return Model(tuple(sorted(services, key=lambda s: s.name)), world.compose_version)


def hashes(
    world: FakeWorld,
    files: Sequence[Path],
    services: Sequence[Service],
    containers: Mapping[str, str],
    images: Mapping[str, str],
) -> dict[str, str]:
    """The hashes of services that join these containers and have these images."""
    known = {service.name: service for service in _pinned(world, files, images)}
    return {one.name: _joined_hash(known[one.name], containers) for one in services}


def scale(
    world: FakeWorld,
    project: str,
    files: Sequence[Path],
    counts: Mapping[str, int],
    images: Mapping[str, str] | None = None,
    *,
    template: bool = False,
) -> None:
    """Create what is missing of the services in `counts`, of `images` where these say so."""
    services = {service.name: service for service in _pinned(world, files, images)}
    for name in counts:
        if name not in services:
            raise ComposeFailed(f"no such service: {name}")
    in_order = [name for wave in waves(services.values()) for name in wave if name in counts]
    for name, count in ((name, counts[name]) for name in in_order):
        present = lifecycle.snapshot(world, project).of(name)
        first = max((instance.number for instance in present), default=0) + 1
        for number in range(first, first + count - len(present)):
            _create(world, project, _alone(services[name], counts), number, template=template)


def _alone(service: Service, counts: Mapping[str, int]) -> Service:
    """Dependencies that are not created as well do not count in the hash."""
    others = [one.service for one in service.depends_on if one.service not in counts]
    without = hashed(service.config_hash, "without", *others)
    return replace(service, config_hash=without) if others else service


def _pinned(
    world: FakeWorld, files: Sequence[Path], images: Mapping[str, str] | None = None
) -> tuple[Service, ...]:
    """The services with `images`, or those of the pins file (the last of `files`), or of `pins`."""
    pins = dict(world.pins)
    if files and files[-1].is_file():
        written = yaml.safe_load(files[-1].read_text()) or {}
        pins = {name: service["image"] for name, service in (written.get("services") or {}).items()}
    pins |= images or {}
    services = [replace(s, image=pins.get(s.name, s.image)) for s in world.services]
    return tuple(replace(s, config_hash=hashed(s.config_hash, s.image)) for s in services)


def _create(world: FakeWorld, project: str, service: Service, number: int, *, template: bool) -> None:
    if local_name(service.image) not in world.local:
        raise ComposeFailed(f"No such image: {service.image}")
    own_name = f"{project}-{service.name}-{number}"
    name = own_name if template else service.container_name or own_name
    lifecycle.claim(world, name)
    digest = service.image.rpartition("@")[2]
    behaviours = world.behaviours
    joined = _joined(world, project, service)
    config_hash = _joined_hash(service, joined)
    made = Container(
        id=world.new_id(),
        name=name,
        project=project,
        service=service,
        number=number,
        # A template is made with an override of ours, and so it has another hash.
        config_hash=hashed(config_hash, "template") if template else config_hash,
        image=service.image,
        policy=service.restart,
        behaviour=behaviours.get(service.image) or behaviours.get(digest) or Behaviour(),
        compose_version=world.compose_version,
        template=template,
        network_of=next((joined[j.service] for j in service.joins if j.what == "network_mode"), ""),
    )
    lifecycle.add(world, made, carried={})


def _joined(world: FakeWorld, project: str, service: Service) -> dict[str, str]:
    """The containers that a new one joins, by service; Compose knows nothing of our names."""
    here = lifecycle.snapshot(world, project)
    joined: dict[str, str] = {}
    for name in service.shares:
        found = here.joinable(name) or next(iter(here.of(name)), None)
        if found is None:
            raise ComposeFailed(f"cannot share the network of service {name}: it has no container")
        joined[name] = found.id
    return joined


def _joined_hash(service: Service, containers: Mapping[str, str]) -> str:
    """Compose hashes `service:NAME` as `container:ID`, so that another container means another hash."""
    ids = [f"{join.what}={containers[join.service]}" for join in service.joins]
    return hashed(service.config_hash, *ids) if ids else service.config_hash
