"""Prepare a rollout: everything that can fail without touching what serves.

Images are brought to the host, ports are looked at, and successors are created beside their
predecessors. Whatever goes wrong here ends the pass with nothing changed.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from reconciler.app.host import Host
from reconciler.app.slots import Pairing, pair
from reconciler.app.successors import Successors
from reconciler.domain.desired import Desired, Port, Service
from reconciler.domain.image import ImageRef
from reconciler.domain.observed import Instance, Observed
from reconciler.domain.plan import Action, Create, Plan, Replace
from reconciler.domain.report import Verb
from reconciler.errors import ComposeFailed, EngineFailed, PullFailed, ReconcileError, Stale

PULLS_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class Prepared:
    """What the switch works with, by service name.

    ``pairings`` are the replacements, each slot with its successor; ``created`` the new containers
    of services that lack some; ``retired_images`` maps image ids that predecessors run to their
    repository, for the tags that protect them.
    """

    pairings: Mapping[str, Pairing]
    created: Mapping[str, tuple[Instance, ...]]
    retired_images: Mapping[str, str]


def prepare(
    host: Host,
    desired: Desired,
    files: Sequence[Path],
    plan: Plan,
    observed: Observed,
    reserve: int,
    stamp: object | None = None,
) -> Prepared:
    """Get everything ready; see the module's description.

    Args:
        host: the environment's outside.
        desired: what Git wants.
        files: the Compose files and the pins file, absolute.
        plan: what is to be done.
        observed: the snapshot that the plan was made from.
        reserve: bytes that must stay free where the engine keeps images.
        stamp: ``Compose.stamp`` when the files were read; None where that cannot be told.

    Raises:
        PullFailed, RegistryUnreachable, PermissionRefused: an image cannot be had.
        EngineFailed, ComposeFailed: a successor cannot be created, or a port is taken.
        Stale: the files changed while they were read.
    """
    replaces = {action.service.name: action for action in plan.actions if isinstance(action, Replace)}
    creates = {action.service.name: action for action in plan.actions if isinstance(action, Create)}
    acting = [*(a.service for a in replaces.values()), *(a.service for a in creates.values())]
    bring_images(host, acting, reserve)
    _refuse_taken_ports(host, acting, observed)
    pairings = {name: pair(action) for name, action in replaces.items()}
    created = _create(host, desired, files, creates, pairings, observed)
    successors = Successors(host, desired, files, plan, pairings, created)
    try:
        successors.make()
        if stamp is not None and host.compose.stamp(desired.environment, files) != stamp:
            raise Stale("the files changed while they were read", hint="Run the pass again")
        if host.interrupted():
            raise _interrupted()
    except ReconcileError:
        discard(host, successors.pairings, successors.created)
        raise
    return Prepared(successors.pairings, successors.created, _retired_images(plan.actions))


def bring_images(host: Host, services: Iterable[Service], reserve: int) -> None:
    """Pull what is missing, several at once; the first failure is raised when all have ended."""
    wanted: dict[ImageRef, str] = {}
    for service in services:
        if service.pin is not None:
            wanted.setdefault(service.pin.image, service.name)
        elif not service.builds:
            wanted.setdefault(ImageRef.parse(service.image), service.name)
    missing = host.engine.missing(tuple(wanted))
    if not missing:
        return
    free = host.engine.free_bytes()
    if free is not None and free < reserve:
        room = f"{free // 2**20} MiB are free where the engine keeps its images"
        raise PullFailed(
            f"{room}, and {reserve // 2**20} MiB are the reserve", hint="Remove what is not needed any more"
        )
    with ThreadPoolExecutor(PULLS_AT_ONCE, thread_name_prefix="pull") as pool:
        pulls = [pool.submit(_pull, host, image, wanted[image]) for image in missing]
    for pull in pulls:
        pull.result()


def _pull(host: Host, image: ImageRef, service: str) -> None:
    """Bring one image; an unpinned one by the digest that its tag has now."""
    with host.step(Verb.PULL, service, image.short()):
        if image.digest:
            host.engine.pull(image, partial(_go_on, host))
            return
        exact = image.with_digest(host.registry.digest(image))
        host.engine.pull(exact, partial(_go_on, host))
        host.engine.tag(exact.by_digest, image.repository, image.tag or "latest")


def _go_on(host: Host, _progress: str) -> None:
    """A pull may take long, and nothing is lost with it: the engine keeps the layers that it has.

    Raises:
        Stale: we are to end.
    """
    if host.interrupted():
        raise _interrupted()


def _interrupted() -> Stale:
    return Stale("interrupted before anything was switched", hint="Run the pass again")


def _refuse_taken_ports(host: Host, services: Sequence[Service], observed: Observed) -> None:
    """Find out before anything is stopped that a new host port belongs to somebody else's container."""
    if not any(service.ports for service in services):
        return
    ours = {instance.id for instance in observed.instances}
    for taken, (container, name) in host.engine.taken_ports().items():
        if container in ours:
            continue
        for service in services:
            for port in service.ports:
                if port.clashes(_port(taken)):
                    raise EngineFailed(
                        f"{service.name} wants host port {port}, which container {name} holds",
                        hint=f"Stop {name}, or publish {service.name} elsewhere",
                    )


def _port(text: str) -> Port:
    """``address:number/protocol`` as a value."""
    place, _, protocol = text.partition("/")
    address, _, number = place.rpartition(":")
    return Port(address, int(number), protocol)


def _create(
    host: Host,
    desired: Desired,
    files: Sequence[Path],
    creates: Mapping[str, Create],
    pairings: Mapping[str, Pairing],
    observed: Observed,
) -> dict[str, tuple[Instance, ...]]:
    """Let Compose create the containers that are missing, and say which they are."""
    counts = {name: action.count for name, action in creates.items()}
    counts.update({name: pairing.missing for name, pairing in pairings.items() if pairing.missing})
    if not counts:
        return {}
    scale = {name: len(observed.of(name)) + count for name, count in sorted(counts.items())}
    known = {instance.id for instance in observed.instances}
    try:
        with host.step(Verb.CREATE, ", ".join(scale)):
            host.compose.create(desired.environment, files, scale, desired.instead)
    except ComposeFailed:
        discard(host, {}, {"": _fresh(host, desired, known)})
        raise
    fresh = _fresh(host, desired, known)
    return {name: tuple(i for i in fresh if i.service == name) for name in scale}


def _fresh(host: Host, desired: Desired, known: Container[str]) -> tuple[Instance, ...]:
    """The containers that were not there before."""
    present = host.engine.observe(desired.environment.project)
    return tuple(instance for instance in present.instances if instance.id not in known)


def discard(host: Host, pairings: Mapping[str, Pairing], created: Mapping[str, tuple[Instance, ...]]) -> None:
    """Remove what was prepared and never started."""
    for pairing in pairings.values():
        for slot in pairing.slots:
            if slot.successor:
                _discard(host, slot.successor)
    for instances in created.values():
        for instance in instances:
            _discard(host, instance.id)


def _discard(host: Host, container: str) -> None:
    vitals = host.engine.inspect(container)
    if vitals is not None and vitals.state == "created":
        with host.step(Verb.REMOVE, vitals.name):
            host.engine.remove(container, fresh_volumes=True)


def _retired_images(actions: Iterable[Action]) -> dict[str, str]:
    """The images that are about to be replaced, by id."""
    result: dict[str, str] = {}
    for action in actions:
        if isinstance(action, Replace):
            for instance in action.predecessors:
                try:
                    result[instance.image_id] = ImageRef.parse(instance.image).repository
                except ValueError:
                    continue  # an image known by its id alone has no repository to tag it in
    return result
