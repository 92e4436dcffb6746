"""Run an environment's checks now, without deploying anything."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from reconciler.app.gatekeeper import gate
from reconciler.app.host import Host
from reconciler.app.samplers import Scope, Subject
from reconciler.domain.desired import Desired
from reconciler.domain.environment import Unpinned
from reconciler.domain.gate import Judgement
from reconciler.domain.observed import Observed, Role
from reconciler.domain.severity import Verdict


def verify(host: Host, desired: Desired, observed: Observed, *, timeout_seconds: float) -> Judgement:
    """The gate's judgement on what runs, without soak.

    Args:
        host: the environment's outside.
        desired: which services and checks there are.
        observed: which containers there are.
        timeout_seconds: how long to wait for everything to be good once.
    """
    ignored = desired.environment.unpinned is Unpinned.IGNORE
    services = {service.name: service for service in desired.services if service.pinned or not ignored}
    subjects: list[Subject] = []
    for instance in observed.instances:
        vitals = host.engine.inspect(instance.id)
        if instance.service in services and instance.role is Role.SERVING and vitals is not None:
            subjects.append(Subject(instance.id, services[instance.service], vitals.restart_count))
    there = Counter(subject.service.name for subject in subjects)
    missing = [service.name for service in services.values() if service.replicas > there[service.name]]
    if missing:
        return Judgement(Verdict.FAIL, f"{missing[0]}: it is not there")
    how = replace(desired.environment.gate, timeout_seconds=timeout_seconds, soak_seconds=0.0)
    containers = {name: tuple(s.container for s in subjects if s.service.name == name) for name in services}
    return gate(host, subjects, how, Scope(containers, comparing=False))
