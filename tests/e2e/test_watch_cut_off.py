"""The network swallows every packet to the Git remote and to the registry for a while."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.bed.fault_proxy import FaultProxy
from tests.bed.git_server import GitServer
from tests.bed.private_engine import Cut, PrivateEngine
from tests.bed.tools import wait_until
from tests.e2e.daemon import Daemon, beginning
from tests.e2e.gated import serving
from tests.e2e.images import Images
from tests.e2e.origin import Origin
from tests.e2e.test_private_engine import world_on

STACK = "services: {web: {image: web}, worker: {image: web}}"


@dataclass(frozen=True, slots=True)
class Island:
    """An engine in a network of its own, from where remote and registry are reached at two ports."""

    engine: PrivateEngine
    origin: Origin
    remote: int
    registry: int

    @property
    def config(self) -> Path:
        """A `watch.yaml` that has the origin cloned."""
        file = self.origin.world.root / "watch.yaml"
        url = f"http://127.0.0.1:{self.remote}/origin.git"
        file.write_text(f'version: 1\npoll: 1s\nrepository: {{url: "{url}", branch: main, path: state}}\n')
        return file


@pytest.fixture
def island(images: Images, tmp_path: Path) -> Iterator[Island]:
    with (
        PrivateEngine() as engine,
        world_on(engine, tmp_path / "world", images) as world,
        GitServer(world.root, world.environ) as server,
        FaultProxy(f"127.0.0.1:{server.port}", listener=engine.listener(server.port)),
    ):
        world.stack(STACK, web="web:1", worker="web:1")
        origin = Origin.of(world, server.url("origin.git"))
        yield Island(engine, origin, server.port, images.registry.port)


@contextmanager
def following(island: Island) -> Iterator[Daemon]:
    """A daemon in that network, which clones the origin."""
    world = island.origin.world
    elsewhere = world.root / "elsewhere"
    elsewhere.mkdir()
    arguments = ("--config", str(island.config))
    with beginning(world, *arguments, prefix=island.engine.inside, folder=elsewhere) as daemon:
        yield daemon


def test_nothing_that_serves_is_touched_and_the_daemon_catches_up_by_itself(island: Island) -> None:
    """The registry refuses, and the remote does not even do that; meanwhile a service crashes."""
    origin, engine = island.origin, island.engine
    world = origin.world
    with following(island) as daemon:
        daemon.await_said("converged")
        before = serving(world)
        with engine.cut_off(island.registry, how=Cut.REFUSED):
            origin.release(web="web:2")
            daemon.await_said("could not pull")
            with engine.cut_off(island.remote):
                world.docker("kill", world.container("worker").name)
                daemon.await_said("The remote cannot be followed", seconds=60)
                wait_until(lambda: serving(world) == before, seconds=30, what="the same containers serve")
                origin.release(web="web:3")
        daemon.await_said("The remote can be followed again")
        daemon.await_said("converged    web 1 → 3")
        assert world.images_of("web", "worker") == ["3", "1"]
    world.expect_no_leftovers()


def test_releases_come_through_where_a_third_of_all_packets_is_lost(island: Island) -> None:
    origin, engine = island.origin, island.engine
    with (
        engine.cut_off(island.remote, how=Cut.LOSSY),
        engine.cut_off(island.registry, how=Cut.LOSSY),
        following(island) as daemon,
    ):
        daemon.await_said("converged    web 1, worker 1", seconds=60)
        origin.release(web="web:2")
        daemon.await_said("converged    web 1 → 2", seconds=60)
    assert origin.world.images_of("web", "worker") == ["2", "1"]
    origin.world.expect_no_leftovers()
