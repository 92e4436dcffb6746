"""Desired and observed in, plan out. Every service is accounted for; nothing is asked, nothing is done.

The plan depends on the two snapshots alone, so a pass that was killed needs no notes: what it left
behind is part of what the next one observes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from reconciler.domain.causes import not_running, replaced
from reconciler.domain.desired import Desired, Service
from reconciler.domain.environment import Unpinned
from reconciler.domain.observed import Instance, Observed, Role, State
from reconciler.domain.plan import Action, Change, Create, Entry, Plan, Remove, Replace, Restart, Start
from reconciler.domain.waves import waves

_GONE = frozenset({State.DEAD, State.REMOVING})


@dataclass(slots=True)
class _Progress:
    """What the services taken so far will have become, for those that depend on them.

    ``shared`` names the services that others share; ``current`` maps them to the ids of their containers
    that stay. ``replaced`` and ``started`` name the services whose containers will be other ones, or the same
    ones started again.
    """

    shared: frozenset[str] = frozenset()
    current: dict[str, frozenset[str]] = field(default_factory=dict)
    replaced: dict[str, Change] = field(default_factory=dict)
    started: set[str] = field(default_factory=set)

    def stay(self, service: Service, instances: Iterable[Instance]) -> None:
        """Remember which containers of a service stay, where others ask for them."""
        if service.name in self.shared:
            self.current[service.name] = frozenset(instance.id for instance in instances)


def diff(desired: Desired, observed: Observed, kept: Mapping[str, str] | None = None) -> Plan:
    """What has to be done so that what runs is what Git wants.

    Args:
        desired: the environment at its revision.
        observed: a snapshot of its Compose project.
        kept: the config hash of each service when a pass last converged, where that is known. It
            tells drift (the host moved) from change (Git moved), and decides nothing else.

    Raises:
        DependencyCycle: services wait for each other.
    """
    last = kept or {}
    instances: dict[str, list[Instance]] = {}
    for instance in sorted(observed.instances, key=lambda instance: instance.name):
        instances.setdefault(instance.service, []).append(instance)
    services = {service.name: service for service in desired.services}
    order = waves(desired.services)
    progress = _Progress(frozenset(name for service in desired.services for name in service.shares))
    entries: list[Entry] = []
    for wave in order:
        for name in wave:
            entries += [_entry(services[name], instances.pop(name, []), desired, last, progress)]
    entries.extend(_unknown(name, found, desired) for name, found in instances.items())
    acting = {entry.name for entry in entries if entry.actions}
    kept_waves = (tuple(name for name in wave if name in acting) for wave in order)
    return Plan(
        environment=desired.environment.name,
        entries=tuple(sorted(entries, key=lambda entry: entry.name)),
        waves=tuple(wave for wave in kept_waves if wave),
    )


def _entry(
    service: Service, found: list[Instance], desired: Desired, last: Mapping[str, str], progress: _Progress
) -> Entry:
    """Account for one service of the Compose model."""
    progress.stay(service, found)
    if not service.pinned and desired.environment.unpinned is Unpinned.IGNORE:
        return Entry(service.name, Change.UNMANAGED, "it has no pin", _image(found), service.image, False)
    real = [i for i in found if i.role is not Role.TEMPLATE and i.state is not State.REMOVING]
    current = _one_per_name([i for i in real if _is_current(i, service, progress)])
    unused = tuple(i for i in real if i not in current and _never_served(i, real))
    outdated = tuple(i for i in real if i not in current and i not in unused)
    if outdated and not current and _other_compose(outdated, service, desired):
        other = outdated[0].compose_version
        cause = f"created by Compose {other}, whose hashes {desired.compose_version} cannot compare"
        return Entry(service.name, Change.HELD, cause, _image(found), service.image, service.pinned)
    progress.stay(service, current)
    change, cause, actions = _decide(service, current, outdated, last, progress)
    if any(isinstance(action, (Replace, Create)) for action in actions):
        progress.replaced[service.name] = change
    elif any(isinstance(action, (Start, Restart)) for action in actions):
        progress.started.add(service.name)
    leftovers = (*unused, *(i for i in found if i.role is Role.TEMPLATE))
    if leftovers:
        actions += (Remove(service.name, leftovers, "left over by an interrupted pass", leftover=True),)
        change, cause = (Change.DRIFT, actions[0].cause) if change is Change.NONE else (change, cause)
    return Entry(
        service.name, change, cause, _image(outdated or current), service.image, service.pinned, actions
    )


def _decide(
    service: Service,
    current: tuple[Instance, ...],
    outdated: tuple[Instance, ...],
    last: Mapping[str, str],
    progress: _Progress,
) -> tuple[Change, str, tuple[Action, ...]]:
    """What is the matter, why, and what to do about it."""
    moved = Change.DRIFT if last.get(service.name) == service.config_hash else Change.CHANGE
    actions: tuple[Action, ...]
    if service.replicas == 0 and (outdated or current):
        actions = (Remove(service.name, outdated + current, "scaled to 0"),)
        return moved, actions[0].cause, actions
    joined = [name for name in service.shares if name in progress.replaced]
    same_image = all(instance.image == service.image for instance in outdated)
    if outdated and not (joined and same_image):
        cause = replaced(service, outdated, current, drift=moved is Change.DRIFT)
        return moved, cause, (Replace(service, outdated, current, cause),)
    if joined and (outdated or current):
        cause = f"shares what {joined[0]} has, and {joined[0]} is replaced"
        return (
            progress.replaced[joined[0]],
            cause,
            (Replace(service, outdated or current, current if outdated else (), cause),),
        )
    if not current and service.replicas:
        new = Change.DRIFT if service.name in last else Change.NEW
        cause = "removed outside Git" if new is Change.DRIFT else "it is not there yet"
        return new, cause, (Create(service, service.replicas, cause),)
    actions = tuple(_adjust(service, current, progress))
    scaled = any(isinstance(action, (Create, Remove)) for action in actions) and moved is Change.CHANGE
    change = Change.NONE if not actions else Change.CHANGE if scaled else Change.DRIFT
    return change, "; ".join(dict.fromkeys(action.cause for action in actions)), actions


def _adjust(service: Service, current: tuple[Instance, ...], progress: _Progress) -> Iterable[Action]:
    """Corrections to containers whose definition is right."""
    own = service.container_name
    by_use = list(current)
    if len(by_use) > 1:
        by_use.sort(key=lambda i: (not i.named_for(own), not i.running, i.number, i.name))
    stay, extra = by_use[: service.replicas], by_use[service.replicas :]
    if extra:
        yield Remove(service.name, tuple(extra), f"{len(current)} containers, {service.replicas} wanted")
    again = _restart_cause(service, progress)
    lively = (State.RUNNING, State.PAUSED) if again else (State.RUNNING,)
    busy = tuple(i for i in stay if i.role is Role.SERVING and i.state in lively)
    idle = [i for i in stay if i not in busy and (i.role is not Role.SERVING or not_running(service, i))]
    if idle:
        cause = not_running(service, idle[0]) or "left under its temporary name by an interrupted pass"
        yield Start(service, tuple(idle), cause)
    missing = service.replicas - len(stay)
    if missing:
        yield Create(service, missing, f"{len(stay)} of {service.replicas} containers are there")
    if busy and again:
        yield Restart(service, busy, again)


def _restart_cause(service: Service, progress: _Progress) -> str:
    """Why running containers have to be started again, or nothing."""
    for name in service.shares:
        if name in progress.started:  # a started container gets a new network namespace
            return f"shares what {name} has, and {name} is started again"
    for dependency in service.depends_on:
        if dependency.restart and dependency.service in progress.replaced:
            return f"depends on {dependency.service} with restart: true"
    return ""


def _is_current(instance: Instance, service: Service, progress: _Progress) -> bool:
    """Whether this container was made from exactly what Git wants now."""
    if instance.config_hash != service.config_hash or instance.state in _GONE:
        return False
    if instance.made_from and instance.made_from != instance.image_id:
        return False  # labels of one image, container of another: not what Compose made
    if not instance.network_of:
        return True
    return any(instance.network_of in progress.current.get(name, ()) for name in service.shares)


def _one_per_name(current: list[Instance]) -> tuple[Instance, ...]:
    """Those that are right, without any that was replaced already, or was to replace, by one as right."""
    if len(current) < 2:
        return tuple(current)
    served = {i.name for i in current if i.role is Role.SERVING}
    return tuple(i for i in current if i.role is Role.SERVING or i.serving_name not in served)


def _never_served(instance: Instance, real: Iterable[Instance]) -> bool:
    """Whether an outdated container only waited for its turn, or was rejected: nobody misses it."""
    if instance.role is not Role.SUCCESSOR:
        return False
    return not instance.running or any(other.running for other in real if other is not instance)


def _other_compose(outdated: tuple[Instance, ...], service: Service, desired: Desired) -> bool:
    """Whether the hashes differ only because another Compose computed them, as far as can be told.

    An upgrade of Compose must not restart production unasked
    (https://github.com/docker/compose/issues/11335): the same image created by another version is
    held until the next release, which replaces it anyway.
    """
    return all(
        i.compose_version not in ("", desired.compose_version)
        and i.image == service.image
        and i.role is Role.SERVING
        and i.state not in _GONE
        for i in outdated
    )


def _unknown(name: str, found: list[Instance], desired: Desired) -> Entry:
    """Account for containers of the project whose service the Compose files do not have."""
    instances = tuple(found)
    if name in desired.inactive:
        return Entry(name, Change.UNMANAGED, "its profile is not active", _image(found), "", False)
    if not desired.environment.prune:
        cause = "not in the Compose files; left alone (prune: false)"
        return Entry(name, Change.ORPHAN, cause, _image(found), "", False)
    cause = "not in the Compose files (prune: true)"
    return Entry(name, Change.REMOVED, cause, _image(found), "", False, (Remove(name, instances, cause),))


def _image(instances: Iterable[Instance]) -> str:
    """The image that these containers run; that of the one that runs, if one does."""
    ordered = sorted(instances, key=lambda instance: (not instance.running, instance.name))
    return ordered[0].image if ordered else ""
