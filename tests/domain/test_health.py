"""Sync and health: two axes that know nothing of each other."""

from __future__ import annotations

import pytest

from reconciler.domain.desired import Service
from reconciler.domain.environment import Unpinned
from reconciler.domain.health import health_of, service_health, sync_of
from reconciler.domain.observed import Health, Instance, State
from reconciler.domain.plan import Plan
from reconciler.domain.report import EnvironmentHealth, Sync
from tests.domain.values import box, desired, environment, observed, planned, svc

HEALTHY, PROGRESSING = EnvironmentHealth.HEALTHY, EnvironmentHealth.PROGRESSING
DEGRADED, MISSING = EnvironmentHealth.DEGRADED, EnvironmentHealth.MISSING


@pytest.mark.parametrize(
    ("instances", "health"),
    [
        ([box("web-1")], HEALTHY),
        ([box("web-1", health=Health.HEALTHY)], HEALTHY),
        ([box("web-1", health=Health.STARTING)], PROGRESSING),
        ([box("web-1", state=State.CREATED)], PROGRESSING),
        ([box("web-1", health=Health.UNHEALTHY)], DEGRADED),
        ([box("web-1", state=State.EXITED)], DEGRADED),
        ([box("web-1", state=State.PAUSED)], DEGRADED),
        ([box("web-1", state=State.RESTARTING)], DEGRADED),
        ([box("web-1", state=State.DEAD)], DEGRADED),
        ([], MISSING),
        ([box("web-1.predecessor")], MISSING),
        ([box("web-1.successor")], MISSING),
        ([box("web-1", state=State.CREATED, template=True)], MISSING),
        ([box("web-1"), box("web-1.predecessor", state=State.EXITED)], HEALTHY),
    ],
)
def test_the_health_of_a_service(instances: list[Instance], health: EnvironmentHealth) -> None:
    assert service_health(svc("web"), instances) is health


@pytest.mark.parametrize(
    ("service", "instances", "health"),
    [
        (svc("web", replicas=2), [box("web-1")], MISSING),
        (svc("web", replicas=2), [box("web-1"), box("web-2", health=Health.UNHEALTHY)], DEGRADED),
        (svc("web", replicas=0), [], HEALTHY),
        (svc("job", one_shot=True), [box("job-1", state=State.EXITED)], HEALTHY),
        (svc("job", one_shot=True), [box("job-1", state=State.EXITED, exit_code=3)], DEGRADED),
        (svc("job", one_shot=True), [box("job-1")], HEALTHY),
    ],
)
def test_replicas_and_one_shots(
    service: Service, instances: list[Instance], health: EnvironmentHealth
) -> None:
    assert service_health(service, instances) is health


def test_an_environment_is_as_healthy_as_its_worst_service() -> None:
    services = svc("a"), svc("b"), svc("c")
    worst = observed(box("a-1"), box("b-1", health=Health.STARTING))
    assert health_of(desired(*services), worst) is MISSING
    assert health_of(desired(*services[:2]), worst) is PROGRESSING
    assert health_of(desired(), worst) is HEALTHY


def test_unmanaged_services_do_not_count() -> None:
    ignoring = desired(svc("a"), svc("b", pinned=False), env=environment(unpinned=Unpinned.IGNORE))
    assert health_of(ignoring, observed(box("a-1"))) is HEALTHY


@pytest.mark.parametrize(
    ("plan", "sync"),
    [
        (planned([svc("web")], [box("web-1")]), Sync.SYNCED),
        (planned([], []), Sync.SYNCED),
        (planned([svc("web")], [box("web-1"), box("orphan-1")]), Sync.SYNCED),
        (
            planned([svc("web", pinned=False)], [], env=environment(unpinned=Unpinned.IGNORE)),
            Sync.SYNCED,
        ),
        (planned([svc("web")], [box("web-1", health=Health.UNHEALTHY)]), Sync.SYNCED),
        (planned([svc("web")], []), Sync.OUT_OF_SYNC),
        (planned([svc("web", "2")], [box("web-1")]), Sync.OUT_OF_SYNC),
        (planned([svc("web")], [box("web-1"), box("old-1")], env=environment(prune=True)), Sync.OUT_OF_SYNC),
        (planned([svc("web", definition="x")], [box("web-1", compose="2.24.0")]), Sync.OUT_OF_SYNC),
    ],
    ids=["same", "nothing", "orphan", "unmanaged", "unhealthy", "new", "change", "prune", "held"],
)
def test_in_sync_or_not(plan: Plan, sync: Sync) -> None:
    assert sync_of(plan) is sync
