"""The plan alone: two snapshots in, a plan out, nothing asked of anyone."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator
from statistics import median

from benchmarks.figures import Figure, alternating, spread
from reconciler.domain.desired import Dependency, Desired, Revision, Service
from reconciler.domain.diff import diff
from reconciler.domain.environment import Environment
from reconciler.domain.observed import Instance, Observed, State

LARGE, SMALL = 10_000, 1_000


def measure(runs: int, _services: int) -> Iterator[Figure]:
    """How long a plan takes, and how that grows."""
    large, small = alternating(max(runs, 20), _planning(LARGE), _planning(SMALL))
    yield Figure(
        "plan of 10,000 services", "< 0.5 s", f"{median(large):.2f} s", spread(large), median(large) < 0.5
    )
    growth = median(large) / median(small)
    detail = f"{spread(large)} / {spread(small)}"
    yield Figure("plan, 1,000 → 10,000 services", "≤ 12 x", f"{growth:.1f} x", detail, growth <= 12)


def _planning(count: int) -> Callable[[], float]:
    desired, observed = _desired(count), _observed(count)

    def run() -> float:
        gc.collect()
        started = time.perf_counter()
        diff(desired, observed)
        return time.perf_counter() - started

    return run


def _desired(count: int) -> Desired:
    """Chains of ten services that depend on each other."""
    services = tuple(
        Service(
            name=_name(number),
            image=f"registry.example/app:2@sha256:{number:064x}",
            config_hash=f"{number:064x}",
            depends_on=(Dependency(_name(number - 1)),) if number % 10 else (),
        )
        for number in range(count)
    )
    environment = Environment(
        name="benchmark", pins="p", project="benchmark", directory=".", compose=("docker-compose.yml",)
    )
    return Desired(environment, Revision("0" * 40), services, "2.26.1")


def _observed(count: int) -> Observed:
    """Every third service runs another definition, and every seventh is not there."""
    instances = (
        Instance(
            id=f"{number:064x}",
            name=f"benchmark-{_name(number)}-1",
            service=_name(number),
            number=1,
            config_hash=f"{number + (0 if number % 3 else 1):064x}",
            image=f"registry.example/app:1@sha256:{number:064x}",
            image_id=f"sha256:{number:064x}",
            state=State.RUNNING,
            compose_version="2.26.1",
        )
        for number in range(count)
        if number % 7
    )
    return Observed("benchmark", tuple(instances))


def _name(number: int) -> str:
    return f"s{number:05d}"
