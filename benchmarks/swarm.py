"""A release that answers 500 at once, undone: our whole pass, Swarm's own rollback, and Compose by hand."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from docker.api.client import APIClient

from benchmarks import bed
from benchmarks.child import run
from benchmarks.figures import Figure, alternating, faster
from benchmarks.passes import forgive
from benchmarks.stack import Stack, service, stack
from benchmarks.undo import settings
from tests.bed.fault_proxy import FaultProxy
from tests.bed.private_engine import PrivateEngine

OURS_PORT, SWARMS_PORT = 8081, 8082
SERVICE = "benchmark-web"
MONITORS = ("5s", "500ms")
"""For how long Swarm watches a task after its start: its default, and as long as our shortest soak."""
PATIENCE_SECONDS = 120.0


def measure(runs: int, _services: int) -> Iterator[Figure]:
    """All on one engine of their own, in a network of its own: a Swarm changes the engine that it is on."""
    images = [
        bed.build("benchmark/judged", tag, bed.JUDGED, f"ENV STATUS={status}", bed.HEALTHCHECK)
        for tag, status in (("good", "200"), ("bad", "500"))
    ]
    with _engine([image.pin for image in images]) as engine:
        published = f'ports: ["127.0.0.1:{OURS_PORT}:8080"]'
        compose, pins = service("web", images[0].tag, published), {"web": images[0].pin}
        with stack(compose, pins, settings(OURS_PORT, "push")) as made, _service(*images) as swarm:
            made.prefix = ("nsenter", f"--net=/run/netns/{engine.name}")
            _remote(made)
            made.reconcile()
            ours, by_compose, *by_swarm = alternating(
                runs, _ours(made, images), _compose(made, images), *(swarm(one) for one in MONITORS)
            )
    for monitor, seconds in zip(MONITORS, by_swarm, strict=True):
        yield faster(f"a 500 undone, Swarm monitor {monitor}", ours, seconds, 10, "service update")
    yield faster("a 500 undone, Compose by hand", ours, by_compose, 1, "up --wait, then up")


@contextmanager
def _engine(pins: list[str]) -> Iterator[PrivateEngine]:
    """An engine that has these images; everything below talks to it."""
    address, before = bed.registry(), os.environ["DOCKER_HOST"]
    with ExitStack() as stack:
        engine = stack.enter_context(PrivateEngine())
        listener = engine.listener(int(address.rpartition(":")[2]))
        stack.enter_context(FaultProxy(address, listener=listener))
        stack.callback(os.environ.update, DOCKER_HOST=before)
        os.environ["DOCKER_HOST"] = engine.host
        for pin in pins:
            run("docker", "pull", "--quiet", pin)
        yield engine


def _remote(made: Stack) -> None:
    """A remote, so that undoing the release in Git is part of our pass."""
    bare = made.folder / ".git/origin.git"
    run("git", "clone", "--quiet", "--bare", made.folder, bare)
    run("git", "remote", "add", "origin", f"file://{bare}", folder=made.folder)
    run("git", "push", "--quiet", "--set-upstream", "origin", "main", folder=made.folder)


def _ours(made: Stack, images: list[bed.Image]) -> Callable[[], float]:
    good, bad = (image.pin for image in images)

    def seconds() -> float:
        forgive(made)
        made.commit({"web": bad})
        run("git", "push", "--quiet", folder=made.folder)
        cost = made.reconcile(code=10)
        made.pins["web"] = good  # as the pass has written it
        return cost.seconds

    return seconds


def _compose(made: Stack, images: list[bed.Image]) -> Callable[[], float]:
    good, bad = (image.pin for image in images)

    def seconds() -> float:
        made.commit({"web": bad})
        there = made.compose("up", "-d", "--wait", code=1).seconds
        made.commit({"web": good})
        return there + made.compose("up", "-d").seconds

    return seconds


@contextmanager
def _service(good: bed.Image, bad: bed.Image) -> Iterator[Callable[[str], Callable[[], float]]]:
    """A Swarm of one node that runs the good image, on a port of the host; yields its ways to measure."""
    run("docker", "swarm", "init", "--advertise-addr", "127.0.0.1", "--listen-addr", "127.0.0.1")
    try:
        port = f"mode=host,target=8080,published={SWARMS_PORT}"
        flags = ("--quiet", "--name", SERVICE, "--publish", port, "--no-resolve-image")
        run("docker", "service", "create", *flags, "--update-failure-action", "rollback", good.pin)
        engine = APIClient(base_url=os.environ["DOCKER_HOST"], version="auto")
        engine.trust_env = False
        yield lambda monitor: _swarm(engine, monitor, good, bad)
    finally:
        run("docker", "service", "rm", SERVICE)
        run("docker", "swarm", "leave", "--force")


def _swarm(engine: APIClient, monitor: str, good: bed.Image, bad: bed.Image) -> Callable[[], float]:
    """Until the service says that its rollback is completed; the docker command itself would wait longer."""

    def update(*flags: str) -> None:
        run("docker", "service", "update", "--quiet", "--no-resolve-image", *flags, SERVICE)

    def now() -> Any:
        return engine.inspect_service(SERVICE)

    def seconds() -> float:
        update("--update-monitor", monitor, "--rollback-monitor", monitor)
        began = time.monotonic()
        update("--detach", "--image", bad.pin)
        while (state := now().get("UpdateStatus", {}).get("State")) != "rollback_completed":
            if time.monotonic() - began > PATIENCE_SECONDS:
                raise RuntimeError(f"Swarm did not roll back: {state}")
            time.sleep(0.01)
        took = time.monotonic() - began
        if now()["Spec"]["TaskTemplate"]["ContainerSpec"]["Image"] != good.pin:
            raise RuntimeError("Swarm does not run what ran before")
        print(f"Swarm, monitor {monitor}: {took:.1f} s", file=sys.stderr)
        return took

    return seconds
