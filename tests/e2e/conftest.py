"""One registry with its images for the whole session; one world for each test."""

from __future__ import annotations

import copy
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bed.registry import Registry
from tests.bed.tools import BedError, docker
from tests.e2e.gated import for_a_while, gated
from tests.e2e.images import Images
from tests.e2e.origin import Origin
from tests.e2e.stage import STACK
from tests.e2e.world import World, await_answer, published

COMMAND = 'scripts/bed up && eval "$(scripts/bed env)"'


@pytest.fixture(scope="session")
def images() -> Iterator[Images]:
    """The images, on the engine of the bed and in a registry of their own; fails where there is no bed."""
    if "RECONCILE_BED" not in os.environ:
        pytest.fail(f"the bed is not up: {COMMAND}", pytrace=False)
    try:
        docker("version")
    except BedError as error:
        pytest.fail(f"{error}\nStart one: {COMMAND}", pytrace=False)
    with Registry() as registry:
        images = Images(registry)
        yield images
        images.close()


@pytest.fixture
def world(images: Images, tmp_path: Path) -> Iterator[World]:
    """A world on the engine of the bed, removed afterwards."""
    with World(tmp_path, images) as world:
        yield world


@pytest.fixture(scope="module")
def common_world(images: Images, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world in which version 1 runs and answers at ``url``, for all tests that must not touch it."""
    with World(tmp_path_factory.mktemp("common"), images) as world:
        port, world.url = published()
        compose = f"""
        services:
          web:
            image: web
            ports: ["127.0.0.1:{port}:8080"]
        """
        world.stack(compose, web="web:1")
        world.once().expect(0)
        await_answer(world.url, "version=1")
        yield world


@pytest.fixture
def untouched(common_world: World) -> Iterator[World]:
    """The common world: a test that touches what runs there fails, and its edits are taken back."""
    world = common_world
    before, commit = world.marks(), world.git("rev-parse", "HEAD")
    pins, settings = dict(world.pins), copy.deepcopy(world.settings)
    yield world
    world.git("checkout", "--quiet", "--force", "main")
    world.git("reset", "--quiet", "--hard", commit)
    world.git("clean", "--quiet", "-ffdx")
    world.pins, world.settings = pins, settings
    assert world.marks() == before, "what ran was touched"
    await_answer(world.url, "version=1")
    world.expect_no_leftovers()


@pytest.fixture(scope="module")
def stage(images: Images, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world at version 1, in which everybody takes back what they did."""
    with World(tmp_path_factory.mktemp("stage"), images) as world:
        port, world.url = published()
        world.write(".gitignore", "*.ignored\n")
        world.stack(STACK.format(port=port), web="web:1", worker="web:1")
        world.once().expect(0)
        await_answer(world.url, "version=1")
        yield world


@pytest.fixture(scope="module")
def common_origin(images: Images, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Origin]:
    """The world and the remote of `origin`."""
    with World(tmp_path_factory.mktemp("gated"), images) as world:
        yield gated(world)


@pytest.fixture
def origin(common_origin: Origin) -> Iterator[Origin]:
    """A remote with a world in which version 1 runs; both are as they were when the test is over."""
    with for_a_while(common_origin):
        yield common_origin
