"""One registry with its images for the whole session; one world for each test."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bed.registry import Registry
from tests.bed.tools import BedError, docker
from tests.e2e.images import Images
from tests.e2e.world import World

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
