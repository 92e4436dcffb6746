"""Several environments in one daemon: one that fails and one that hangs delay no other."""

from __future__ import annotations

import copy
import re
from pathlib import Path

from tests.bed.engine_proxy import EngineProxy
from tests.bed.tools import docker
from tests.e2e.daemon import Daemon, beginning
from tests.e2e.world import PROJECT_LABEL, World

STACK = "services: {web: {image: web}, worker: {image: web}}"


def beside(world: World, name: str, engine: str) -> str:
    """Another environment with the same pins, on an engine of its own; returns its project."""
    project = f"{world.project}-{name}"
    own = {"project": project, "pins": "production/compose.pins.yaml", "engine": {"host": engine}}
    world.beside[name] = {**copy.deepcopy(world.settings), **own}
    return project


def test_a_release_waits_for_no_environment_that_fails_or_hangs(world: World) -> None:
    """And the one that hung goes on as soon as its engine answers."""
    engine = Path(world.host.removeprefix("unix://"))
    with EngineProxy(world.root / "proxy.sock", engine) as proxy:
        beside(world, "failing", f"unix://{world.root}/nobody-listens.sock")
        project = beside(world, "hanging", proxy.host)
        world.stack(STACK, web="web:1", worker="web:1")
        with beginning(world) as daemon:
            with proxy.silent():
                daemon.await_said("hanging  begins")
                daemon.await_said("failing  failed")
                daemon.await_said("production  converged")
                world.release(web="web:2")
                daemon.await_said("production  converged", times=2)
                assert world.images_of("web", "worker") == ["2", "1"]
                assert passes_of(daemon, "hanging") == [], "it waits for its engine all the time"
            daemon.await_said("hanging  converged")
        assert running(project) == ["web:1", "web:2"]
    assert set(passes_of(daemon, "failing")) == {"failed"}


def passes_of(daemon: Daemon, name: str) -> list[str]:
    """How the passes of an environment ended."""
    return re.findall(rf"(?m)^\S+ {name}  (no-op|converged|failed|no pass|roll\S+) ", daemon.said)


def running(project: str) -> list[str]:
    """The images that a project's containers run."""
    label = f"label={PROJECT_LABEL}={project}"
    images = docker("ps", "--filter", label, "--format", "{{.Image}}").split()
    return sorted(image.rpartition("/")[2] for image in images)
