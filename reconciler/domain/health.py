"""The two axes of status: is what runs what Git wants, and does what runs work."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.domain.desired import Desired, Service
from reconciler.domain.environment import Unpinned
from reconciler.domain.observed import Health, Instance, Observed, Role, State
from reconciler.domain.plan import Change, Plan
from reconciler.domain.report import EnvironmentHealth, Sync

_WORST_FIRST = (
    EnvironmentHealth.DEGRADED,
    EnvironmentHealth.MISSING,
    EnvironmentHealth.PROGRESSING,
    EnvironmentHealth.HEALTHY,
)


def sync_of(plan: Plan, *, paused: bool = False) -> Sync:
    """Whether what runs is what Git wants; orphans and unmanaged services are nobody's wish.

    Args:
        plan: what would be done.
        paused: whether a person's pause holds some of it.
    """
    if paused:
        return Sync.PAUSED
    fine = (Change.NONE, Change.ORPHAN, Change.UNMANAGED)
    return Sync.SYNCED if all(entry.change in fine for entry in plan.entries) else Sync.OUT_OF_SYNC


def health_of(desired: Desired, observed: Observed) -> EnvironmentHealth:
    """The health of an environment: that of its worst service."""
    instances = observed.by_service()
    ignore = desired.environment.unpinned is Unpinned.IGNORE
    healths = [
        service_health(service, instances.get(service.name, ()))
        for service in desired.services
        if service.pinned or not ignore
    ]
    return next((health for health in _WORST_FIRST if health in healths), EnvironmentHealth.HEALTHY)


def service_health(service: Service, instances: Iterable[Instance]) -> EnvironmentHealth:
    """The health of one service: that of its worst serving container."""
    serving = [i for i in instances if i.role is Role.SERVING]
    if len(serving) < service.replicas:
        return EnvironmentHealth.MISSING
    healths = [_instance_health(service, instance) for instance in serving]
    return next((health for health in _WORST_FIRST if health in healths), EnvironmentHealth.HEALTHY)


def _instance_health(service: Service, instance: Instance) -> EnvironmentHealth:
    if instance.state is State.EXITED and service.one_shot and instance.exit_code == 0:
        return EnvironmentHealth.HEALTHY
    if instance.state is State.CREATED:
        return EnvironmentHealth.PROGRESSING
    if instance.state is not State.RUNNING or instance.health is Health.UNHEALTHY:
        return EnvironmentHealth.DEGRADED
    return EnvironmentHealth.PROGRESSING if instance.health is Health.STARTING else EnvironmentHealth.HEALTHY
