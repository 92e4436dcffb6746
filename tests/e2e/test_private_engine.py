"""An engine of one's own: stopped and killed in the middle of a release, and out of disk."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.bed.fault_proxy import FaultProxy
from tests.bed.private_engine import PrivateEngine
from tests.bed.tools import docker, wait_until
from tests.e2e.images import Images
from tests.e2e.world import World

STACK = """
    services:
      web:
        image: web
        restart: always
        deploy: {{update_config: {{order: {order}}}}}
      worker:
        image: web
    """


@contextmanager
def world_on(engine: PrivateEngine, root: Path, images: Images) -> Iterator[World]:
    """A world on this engine, which reaches the registry at its usual address."""
    port = images.registry.port
    root.mkdir(exist_ok=True)
    with (
        FaultProxy(images.registry.address, listener=engine.listener(port)),
        World(root, images, engine.host) as world,
    ):
        yield world


@pytest.fixture(scope="module")
def engine() -> Iterator[PrivateEngine]:
    with PrivateEngine() as engine:
        yield engine


@pytest.fixture
def lone(engine: PrivateEngine, images: Images, tmp_path: Path) -> Iterator[World]:
    with world_on(engine, tmp_path, images) as world:
        yield world


def has_successor(world: World) -> bool:
    return any(c.name.endswith(".successor") and c.status == "running" for c in world.containers())


@pytest.mark.parametrize("way", ["stopped", "killed"])
def test_an_engine_that_goes_away_while_the_gate_is_open(
    engine: PrivateEngine, lone: World, way: str
) -> None:
    lone.stack(STACK.format(order="stop-first"), web="web:1", worker="web:1")
    lone.once().expect(0)
    lone.settings["gate"]["soak"] = "60s"
    lone.release(web="web:2")
    run = lone.start("-o", "json", "--once")
    lone.await_that("web", "2")
    engine.stop() if way == "stopped" else engine.kill(containerd=True)
    result = run.result().expect(69)
    assert "the Docker Engine does not answer" in result.environment["error"]["problem"]
    engine.start()
    lone.settings["gate"]["soak"] = "0s"
    lone.commit()
    lone.once().expect(0)
    assert lone.images_of("web", "worker") == ["2", "1"]
    assert len(lone.marks()) == 2
    lone.settle()


def test_an_engine_that_goes_away_while_a_successor_gets_ready(engine: PrivateEngine, lone: World) -> None:
    lone.stack(STACK.format(order="start-first"), web="health:1", worker="web:1")
    lone.once().expect(0)
    lone.release(web="health:2")
    run = lone.start("-o", "json", "--once")
    wait_until(lambda: has_successor(lone), seconds=30, what="a successor runs beside its predecessor")
    engine.stop()
    run.result().expect(69)
    engine.start()
    lone.once().expect(0)
    assert lone.images_of("web", "worker") == ["2", "1"]
    assert len(lone.marks()) == 2
    lone.settle()


def test_a_retired_predecessor_does_not_come_back_with_the_engine(engine: PrivateEngine, lone: World) -> None:
    """With `restart: always` the engine would start it again, beside its successor."""
    lone.stack(STACK.format(order="stop-first"), web="web:1", worker="web:1")
    lone.once().expect(0)
    lone.settings["gate"]["soak"] = "60s"
    lone.release(web="web:2")
    run = lone.start("--once")
    lone.await_that("web", "2")
    engine.stop()
    run.result().expect(69)
    engine.start()
    lone.await_that("web", "2")
    assert not lone.runs("web", "1")


def test_a_full_disk_ends_the_pull_and_what_runs_goes_on(images: Images, tmp_path: Path) -> None:
    """Once more than fits, and once less than the reserve."""
    big = images.elsewhere("web:2", 'RUN ["dd", "if=/dev/zero", "of=/big", "bs=1048576", "count=340"]\n')
    with PrivateEngine(megabytes=330) as engine, world_on(engine, tmp_path / "world", images) as world:
        world.stack("services: {web: {image: web}, worker: {image: web}}", web="web:1", worker="web:1")
        world.once().expect(0)
        before = world.marks()
        world.release(web=f"{images.registry.address}/{big}", worker="web:2")
        result = world.once().expect(1)
        assert "no space left on device" in result.environment["error"]["problem"]
        assert world.marks() == before
        ballast = engine.data / "ballast"
        ballast.write_bytes(b"\0" * (shutil.disk_usage(engine.data).free - 100 * 2**20))
        result = world.once().expect(1)
        assert "256 MiB are the reserve" in result.environment["error"]["problem"]
        assert world.marks() == before
        world.expect_no_leftovers()
        ballast.unlink()
        world.release(web="web:2")
        world.once().expect(0)
        assert world.images_of("web", "worker") == ["2", "2"]


def test_an_environment_names_its_own_engine(engine: PrivateEngine, lone: World) -> None:
    """`engine.host` wins over DOCKER_HOST, for us and for Compose."""
    lone.stack("services: {web: {image: web}}", web="web:1")
    nowhere = {"DOCKER_HOST": f"unix://{lone.root}/nobody-listens.sock"}
    lone.once(environ=nowhere).expect(0)
    assert [c.service for c in lone.containers()] == ["web"]
    assert docker("ps", "--quiet", "--filter", f"label=com.docker.compose.project={lone.project}") == ""
