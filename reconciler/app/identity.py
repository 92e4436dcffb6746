"""Recognise containers: which hash they should bear, and which image they really run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from reconciler.app.desired import Source
from reconciler.app.host import Host
from reconciler.domain.desired import Desired, Service
from reconciler.domain.observed import Instance, Observed


def joined(host: Host, source: Source, observed: Observed) -> Desired:
    """The desired state with the hashes that services get from the containers they join."""
    desired = source.desired
    ready = [service for service in desired.services if service.joins and joinable(service, observed)]
    if not ready:
        return desired
    containers = containers_joined(ready, observed)
    hashes = host.compose.hashes(desired.environment, source.files, ready, containers, {})
    services = (replace(s, config_hash=hashes.get(s.name, s.config_hash)) for s in desired.services)
    return replace(desired, services=tuple(services))


def identified(host: Host, source: Source, observed: Observed) -> Observed:
    """The snapshot with full image references, and with containers that were there before us recognised.

    A list call prints ``repository:tag`` where the container was made from ``repository:tag@digest``.
    A container with the wanted hash was made from the wanted image; the others are asked.

    One that was created from a mutable name (``repository:tag``) runs what its pin says when its
    image *is* the one with the pinned digest and nothing else in its definition differs. Then it bears
    the wanted hash here, so that adopting a running stack changes nothing.
    """
    wanted = {service.name: service for service in source.desired.services}
    instances: list[Instance] = []
    for instance in observed.instances:
        service = wanted.get(instance.service)
        if service is not None and service.config_hash == instance.config_hash:
            instances.append(replace(instance, image=service.image))
            continue
        vitals = host.engine.inspect(instance.id)
        instances.append(replace(instance, image=vitals.image) if vitals else instance)
    renamed = {i.service: i.image for i in instances if _runs_its_pin(host, wanted.get(i.service), i)}
    if not renamed:
        return replace(observed, instances=tuple(instances))
    services = [wanted[name] for name in sorted(renamed) if joinable(wanted[name], observed)]
    containers = containers_joined(services, observed)
    hashes = host.compose.hashes(source.desired.environment, source.files, services, containers, renamed)
    return replace(observed, instances=tuple(_adopted(i, wanted.get(i.service), hashes) for i in instances))


def _runs_its_pin(host: Host, service: Service | None, instance: Instance) -> bool:
    """Whether the container was made from another name of the very image that is pinned."""
    if service is None or service.pin is None or service.config_hash == instance.config_hash:
        return False
    if instance.image == service.image:
        return False  # the same name: it is something else that differs
    return host.engine.image_id(service.pin.image) == instance.image_id


def _adopted(instance: Instance, service: Service | None, hashes: Mapping[str, str]) -> Instance:
    if service is None or hashes.get(service.name) != instance.config_hash:
        return instance
    return replace(instance, config_hash=service.config_hash, image=service.image)


def joinable(service: Service, observed: Observed) -> bool:
    """Whether everything that a service joins is there: without it there is no hash to ask for."""
    return all(observed.joinable(name) is not None for name in service.shares)


def containers_joined(services: Iterable[Service], observed: Observed) -> dict[str, str]:
    """The containers that these services join, by service."""
    there = {name: observed.joinable(name) for service in services for name in service.shares}
    return {name: instance.id for name, instance in there.items() if instance is not None}
