"""start-first: the successor is ready before the predecessor stops, so that no request is lost."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.bed.tools import run, terminate, wait_until
from tests.e2e import client
from tests.e2e.witness import Witness
from tests.e2e.world import World, published

REQUESTS = 2000
STACK = """
    services:
      web:
        image: web
        command: ["/bin/sh", "-c", "sleep 1; exec /bin/sh /web/serve"]  # not ready at once
        deploy: {update_config: {order: start-first}}
      client:
        image: web
        command: ["/bin/sleep", "3600"]
        stop_grace_period: 1s
    """


class Client:
    """A client inside the network of a container, on its own process; see ``client.py``."""

    def __init__(self, world: World) -> None:
        self.stop = world.root / "stop"
        self.pid = world.container("client").pid
        self._said = world.root / "client.json"
        with self._said.open("wb") as said:
            self._process = subprocess.Popen([*self._inside(), "web", "8080", self.stop], stdout=said)

    def _inside(self) -> list[str]:
        return ["nsenter", f"--target={self.pid}", "--net", sys.executable, str(Path(client.__file__))]

    @property
    def requests(self) -> int:
        try:
            return int(self.stop.with_name("stop.count").read_text() or 0)
        except (OSError, ValueError):
            return 0

    def await_requests(self, count: int) -> None:
        wait_until(lambda: self.requests >= count, seconds=60, what=f"{count} requests")

    def end(self) -> dict[str, object]:
        self.stop.touch()
        try:
            assert self._process.wait(20) == 0
        finally:
            terminate(self._process)
        found: dict[str, object] = json.loads(self._said.read_text())
        return found

    def addresses(self, name: str) -> list[str]:
        found: list[str] = json.loads(run(*self._inside(), "RESOLVE", name))
        return found


@contextmanager
def asking(world: World) -> Iterator[Client]:
    asker = Client(world)
    try:
        asker.await_requests(10)
        yield asker
    finally:
        asker.stop.touch()
        terminate(asker._process)


def deployed(world: World) -> None:
    world.stack(STACK, web="health:1", client="web:1")
    world.once().expect(0)


def test_a_start_first_release_loses_no_request(world: World) -> None:
    deployed(world)
    with asking(world) as asker, Witness(world, never_without=("web",)):
        world.release(web="health:2")
        result = world.once().expect(0)
        seen = asker.requests
        asker.await_requests(max(REQUESTS, seen + 200))
        assert len(asker.addresses("web")) == 1, "the predecessor has left the name"
        told = asker.end()
    assert told["failures"] == []
    assert isinstance(told["requests"], int)
    assert told["requests"] >= REQUESTS
    versions = told["versions"]
    assert isinstance(versions, list)
    # While both are there, their common name leads to either; after the switch only to the successor.
    assert (versions[0], versions[-1]) == ("version=1", "version=2")
    assert result.service("web")["gap_seconds"] == 0


def test_a_start_first_release_that_is_never_ready_costs_nothing(world: World) -> None:
    """The predecessor is not even stopped: same container, same start."""
    deployed(world)
    before = world.marks()
    with Witness(world, never_without=("web",)):
        world.release(web="health:broken")
        world.once().expect(10)
    assert world.marks() == before


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("ports: ['127.0.0.1:{port}:8080']", "which only one container can hold"),
        ("volumes: ['data:/data']", "two would write at once"),
    ],
    ids=["host-port", "shared-volume"],
)
def test_start_first_is_refused_where_two_would_be_in_each_others_way(
    world: World, line: str, reason: str
) -> None:
    compose = f"""
    services:
      web:
        image: web
        deploy: {{update_config: {{order: start-first}}}}
        {line.format(port=published()[0])}
    volumes: {{data: {{}}}}
    """
    world.stack(compose, web="web:1")
    world.once().expect(0)
    before = world.marks()
    with Witness(world, never_without=("web",)):
        world.release(web="web:2")
        result = world.once().expect(64)
    assert "start-first" in result.environment["error"]["problem"]
    assert reason in result.environment["error"]["problem"]
    assert "stop-first" in result.environment["error"]["hint"]
    assert world.marks() == before


def test_a_start_first_volume_that_is_only_read_is_no_obstacle(world: World) -> None:
    compose = """
    services:
      web:
        image: web
        deploy: {update_config: {order: start-first}}
        volumes: ['data:/data:ro']
    volumes: {data: {}}
    """
    world.stack(compose, web="web:1")
    world.once().expect(0)
    with Witness(world, never_without=("web",)):
        world.release(web="web:2")
        world.once().expect(0)
    assert world.images_of("web") == ["2"]
