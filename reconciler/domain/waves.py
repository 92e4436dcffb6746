"""The order in which services are taken: dependencies first, in waves."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.domain.desired import Service


class DependencyCycle(ValueError):
    """Services that wait for each other; ``args[0]`` is the cycle, ``("a", "b", "a")``."""


def waves(services: Iterable[Service]) -> tuple[tuple[str, ...], ...]:
    """Group service names so that each service comes after everything it depends on.

    Names within a wave are sorted and do not depend on each other. Dependencies on services that
    are not among ``services`` do not count. Linear in services plus dependencies.

    Raises:
        DependencyCycle: when some services wait for each other.
    """
    by_name = {service.name: service for service in services}
    waiting: dict[str, int] = {}
    dependents: dict[str, list[str]] = {}
    for name, service in by_name.items():
        parents = [parent for parent in service.parents if parent in by_name]
        waiting[name] = len(parents)
        for parent in parents:
            dependents.setdefault(parent, []).append(name)
    ready = sorted(name for name, count in waiting.items() if not count)
    result: list[tuple[str, ...]] = []
    placed = 0
    while ready:
        result.append(tuple(ready))
        placed += len(ready)
        freed: list[str] = []
        for name in ready:
            for dependent in dependents.get(name, ()):
                waiting[dependent] -= 1
                if not waiting[dependent]:
                    freed.append(dependent)
        ready = sorted(freed)
    if placed < len(by_name):
        stuck = {name for name, count in waiting.items() if count}
        raise DependencyCycle(_cycle({name: stuck.intersection(by_name[name].parents) for name in stuck}))
    return tuple(result)


def _cycle(waiting: dict[str, set[str]]) -> tuple[str, ...]:
    """One cycle among the services that never became ready."""
    name = min(waiting)
    seen: list[str] = []
    while name not in seen:
        seen.append(name)
        name = min(waiting[name])
    return (*seen[seen.index(name) :], name)
