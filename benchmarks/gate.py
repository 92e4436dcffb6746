"""A good release: how long the gate stays open after the service is ready, beyond its soak."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import cycle
from statistics import median

from benchmarks import bed
from benchmarks.client import client
from benchmarks.figures import Figure, spread
from benchmarks.gap import free_port
from benchmarks.passes import passed
from benchmarks.stack import Stack, service, stack
from benchmarks.undo import first
from reconciler.domain.report import Result

SOAK_SECONDS = 1.0
READY_AFTER = ("0.3", "0.7", "1.1", "1.6")
MOST_SECONDS = 0.1


def measure(runs: int, _services: int) -> Iterator[Figure]:
    """Releases of a service that takes a different time to be ready each time, one client asking on."""
    images = [
        bed.build("benchmark/web", f"after-{seconds}", bed.JUDGED, f"ENV READY_AFTER={seconds}")
        for seconds in READY_AFTER
    ]
    port = free_port()
    url = f"http://127.0.0.1:{port}{bed.HEALTH}"
    settings = (
        f'gate: {{timeout: 30s, soak: {SOAK_SECONDS:g}s, checks: {{web: {{http: {{url: "{url}"}}}}}}}}',
        "rollback: {git: off}",
    )
    published = f'ports: ["127.0.0.1:{port}:8080"]'
    with stack(service("web", images[0].tag, published), {"web": images[0].pin}, settings) as made:
        made.reconcile()
        release = _release(made, port, iter(cycle([*images[1:], images[0]])))
        beyond = [release() for _ in range(max(runs, len(images)))]
    middle = median(beyond)
    yield Figure(
        "gate, beyond ready and soak",
        "≤ 100 ms",
        f"{middle * 1000:.0f} ms",
        spread(beyond),
        middle <= MOST_SECONDS,
    )


def _release(made: Stack, port: int, images: Iterator[bed.Image]) -> Callable[[], float]:
    def beyond() -> float:
        image = next(images)
        version = image.tag.rpartition(":")[2]
        made.commit({"web": image.pin})
        with client("follow.py", str(port), bed.HEALTH) as seen:
            done = passed(made, Result.CONVERGED)
        opened = done.step("gate").began
        ready = max(first(seen["seen"], version, 0.0), opened)
        return done.step("gate").at - ready - SOAK_SECONDS

    return beyond
