"""What clients see of a release: one of a published port, and one inside the network of a start-first one."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from itertools import cycle

from docker.api.client import APIClient

from benchmarks import bed
from benchmarks.child import run
from benchmarks.client import client
from benchmarks.figures import Figure, alternating, ratio, spread
from benchmarks.stack import service, stack

START_FIRST = "deploy: {update_config: {order: start-first}}"
ENOUGH = 2000


def measure(runs: int, _services: int) -> Iterator[Figure]:
    """The gap of three ways to put one container in another's place, side by side."""
    images = [bed.build("benchmark/web", version, bed.WEB) for version in "12"]
    port, other_port = free_port(), free_port()
    published = f'ports: ["127.0.0.1:{port}:8080"]'
    pair = "".join(
        service(name, image.tag, f'ports: ["127.0.0.1:{other_port}:8080"]')
        for name, image in zip("ab", images, strict=True)
    )
    with (
        stack(service("web", images[0].tag, published), {"web": images[0].pin}) as made,
        stack(pair, {name: image.pin for name, image in zip("ab", images, strict=True)}) as by_hand,
    ):
        made.up()
        made.reconcile()
        by_hand.compose("create")
        pins = cycle((images[1].pin, images[0].pin))

        def released(release: Callable[[], object]) -> Callable[[], float]:
            def gap() -> float:
                made.commit({"web": next(pins)})
                with client("poll.py", str(port)) as seen:
                    release()
                return seen["gap"]

            return gap

        ours, theirs, hand = alternating(
            runs, released(made.reconcile), released(made.up), _swap(by_hand.container, other_port)
        )
    yield ratio("gap of a published port, by hand", ours, hand, 1.15, "stop + start by the API")
    yield ratio("gap of a published port, Compose", ours, theirs, 1.0, "compose up -d")


def _swap(container: Callable[[str], str], port: int) -> Callable[[], float]:
    """Stop one of two containers and start the other one, by nothing but the engine's API."""
    engine = APIClient(base_url=os.environ["DOCKER_HOST"], version="auto")
    engine.trust_env = False
    places = cycle(((container("a"), container("b")), (container("b"), container("a"))))
    engine.start(container("a"))

    def gap() -> float:
        predecessor, successor = next(places)
        with client("poll.py", str(port)) as seen:
            engine.stop(predecessor, timeout=10)
            engine.start(successor)
        return seen["gap"]

    return gap


def start_first(runs: int, _services: int) -> Iterator[Figure]:
    """Releases of a start-first service while a client inside its network keeps asking."""
    images = [bed.build("benchmark/web", version, bed.WEB) for version in "12"]
    services = service("web", images[0].tag, START_FIRST) + service("client", images[0].tag)
    requests = failures = retried = releases = 0
    longest: list[float] = []
    with stack(services, {"web": images[0].pin}) as made:
        made.up()
        made.reconcile()
        process = run("docker", "inspect", "--format", "{{.State.Pid}}", made.container("client")).strip()
        while releases < runs or requests < ENOUGH:
            made.commit({"web": images[(releases + 1) % 2].pin})
            with client("inside.py", "web", "8080", within=process) as seen:
                made.reconcile()
            releases += 1
            requests += int(seen["requests"])
            failures += int(seen["failures"])
            retried += int(seen["retried"])
            longest.append(seen["longest"])
    detail = f"{releases} releases, {retried} needed the next address, slowest answer {spread(longest)}"
    target = f"0 failed of ≥ {ENOUGH:,} requests"
    yield Figure(
        "start-first, client in the network", target, f"{failures} of {requests:,}", detail, not failures
    )


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
