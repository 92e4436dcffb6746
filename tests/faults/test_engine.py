"""Faults of the engine and of what people do to it by hand: rows E-01 to E-22 that no other suite has."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from reconciler.adapters.docker_host import DockerHost
from reconciler.domain.desired import Desired, Revision, Service
from reconciler.domain.diff import diff
from reconciler.domain.environment import Environment
from reconciler.domain.observed import Instance, Observed, State
from reconciler.domain.report import Result
from reconciler.errors import EngineUnreachable
from tests.bed.engine_proxy import EngineProxy
from tests.bed.private_engine import PrivateEngine
from tests.bed.tools import wait_until
from tests.e2e.world import World
from tests.faults.inside import inside

ONE = "services: {web: {image: web}}"


def deployed(world: World, compose: str = ONE) -> str:
    """A stack at version 1; returns the id of its web container."""
    world.stack(compose, web="web:1")
    world.once().expect(0)
    return world.container("web").id


def foreign(world: World, name: str) -> str:
    """A container of somebody else under a name that we want; returns its id."""
    world.images.pinned("web:1")
    return world.docker("create", "--name", name, world.images.tag("web:1")).strip()


def status(world: World, container: str) -> str:
    return world.docker("inspect", "--format", "{{.State.Status}} {{.Name}}", container).strip()


# --- E-01: a name that we want is somebody else's ---------------------------------------------------


def test_e_01_a_name_taken_by_a_foreign_container_at_the_first_deploy(world: World) -> None:
    name = f"{world.project}-web-1"
    other = foreign(world, name)
    try:
        world.stack(ONE, web="web:1")
        result = world.once().expect(1)
        assert name in result.said
        assert world.containers() == []
        assert status(world, other) == f"created /{name}"
    finally:
        world.docker("rm", other)
    world.once().expect(0)
    world.settle()


def test_e_01_names_of_the_switch_taken_by_foreign_containers(world: World) -> None:
    """The successor's is found out before, the predecessor's during the switch: either way it is undone."""
    serving = deployed(world)
    world.release(web="web:2")
    for ending, code in (("successor", 1), ("predecessor", 10)):
        name = f"{world.project}-web-1.{ending}"
        other = foreign(world, name)
        try:
            assert name in world.once().expect(code).said
            assert world.container("web").id == serving
            assert world.runs("web", "1")
            assert status(world, other) == f"created /{name}"
        finally:
            world.docker("rm", other)
    world.once().expect(0)
    assert world.images_of("web") == ["2"]
    world.settle()


# --- E-03, E-04, E-17, E-21: answers that do not arrive -------------------------------------------

LOST = ("POST /containers/create", "POST /start", "POST /stop", "POST /rename", "POST /update", "DELETE ")


def test_e_03_releases_whose_answers_get_lost(world: World, tmp_path: Path) -> None:
    """The engine did it and nobody heard: no duplicate, no leftover, one more pass at most."""
    deployed(world, "services: {web: {image: web, restart: always}}")
    for index, lost in enumerate(LOST):
        method, _, ending = lost.partition(" ")
        version = str(2 - index % 2)
        world.release(web=f"web:{version}")
        with EngineProxy(tmp_path / f"{index}.sock", Path(world.host.removeprefix("unix://"))) as proxy:
            proxy.lose(method, ending)
            with inside(world, host=proxy.host) as reconciler:
                report = reconciler.run_once()
            asked = [one for one in proxy.requests if one.startswith(method) and one.endswith(ending)]
        assert asked, f"{lost}: the fault never struck"
        if index == 0:
            assert len(asked) == 1, "what may have been done is looked for, not asked for again"
        assert report.result in (Result.CONVERGED, Result.FAILED), f"{lost}: {report}"
        if report.result is Result.FAILED:
            world.once().expect(0)
        assert world.images_of("web") == [version], lost
        assert list(world.marks()) == [f"{world.project}-web-1"], lost
    world.settle()


def test_e_21_connections_that_died_with_the_engine() -> None:
    """A kept connection is noticed to be dead before anything is sent on it."""
    with PrivateEngine() as private:
        engine = DockerHost(private.host, timeout_seconds=10.0)
        assert engine.observe("none").instances == ()
        private.kill(containerd=True)
        with pytest.raises(EngineUnreachable):
            engine.observe("none")
        private.start()
        assert engine.observe("none").instances == ()
        private.stop()
        private.start()
        assert engine.observe("none").instances == ()
        assert engine.version()
        engine.close()


# --- E-06, E-08: containers that do not go --------------------------------------------------------


def test_e_06_a_process_that_ignores_sigterm_is_killed_after_its_grace(world: World) -> None:
    serving = deployed(
        world, "services: {web: {image: web, stop_grace_period: 1s, environment: {IGNORE_TERM: '1'}}}"
    )
    wait_until(lambda: "listens" in world.docker("logs", serving), seconds=10, what="the trap is set")
    world.release(web="web:2")
    result = world.once().expect(0)
    assert world.images_of("web") == ["2"]
    assert result.service("web")["gap_seconds"] >= 1.0
    world.settle()


def test_e_08_containers_that_are_stuck() -> None:
    """Neither counts as what Git wants; the one that is about to go is not waited for, nor touched."""
    service = Service("web", "web:1", "hash")
    environment = Environment("production", pins="p", project="shop", directory=".", compose=("c.yml",))
    desired = Desired(environment, Revision("a" * 40), (service,))

    def stuck(state: State) -> str:
        there = Instance("id", "shop-web-1", "web", 1, "hash", "web:1", "sha256:1", state)
        return str(diff(desired, Observed("shop", (there,))))

    assert stuck(State.REMOVING) == "create web x1: it is not there yet"
    assert stuck(State.DEAD) == "replace web (shop-web-1): the engine calls it dead"
    assert stuck(State.RUNNING) == "No changes."


# --- E-11 to E-15: what people do -----------------------------------------------------------------


def clone(world: World, name: str) -> None:
    """A second container with every label of the first."""
    labels = world.container("web").content["Config"]["Labels"]
    flags = [part for key, value in labels.items() for part in ("--label", f"{key}={value}")]
    world.docker("run", "--detach", "--name", name, *flags, world.images.tag("web:1"))


def test_e_11_containers_made_by_hand_with_our_labels(world: World) -> None:
    """They call themselves the project's: reported, and removed; the one that serves is not touched."""
    deployed(world)
    before = world.marks()
    for prefix in ("a-", "z-"):
        clone(world, f"{prefix}{world.project}")
        plan = world.reconcile("plan", "--detailed-exitcode").expect(2)
        assert "2 containers, 1 wanted" in " ".join(plan.stdout.split())
        assert world.once().expect(0).service("web")["change"] == "drift"
        assert world.marks() == before
    world.settle()


def test_e_11_a_container_without_our_labels_is_not_ours_whatever_its_name(untouched: World) -> None:
    name = f"{untouched.project}-web-2"
    other = foreign(untouched, name)
    try:
        assert untouched.reconcile("--once").expect(0).stdout.startswith("No changes.")
        assert status(untouched, other) == f"created /{name}"
    finally:
        untouched.docker("rm", other)


def test_e_14_a_network_that_is_missing(world: World) -> None:
    """A stopped container cannot join a network that is gone; a new one gets a new network."""
    deployed(world)
    name = world.container("web").name
    world.docker("stop", "--time", "1", name)
    world.docker("network", "rm", f"{world.project}_default")
    result = world.once().expect(1)
    assert "network" in result.said
    assert "not found" in result.said
    world.docker("rm", name)
    world.once().expect(0)
    assert f"{world.project}_default" in world.container("web").content["NetworkSettings"]["Networks"]
    world.settle()


def test_e_15_an_external_volume_that_is_missing(untouched: World) -> None:
    """Nothing is touched, and no empty volume takes the place of the one with the data."""
    missing = f"{untouched.project}-data"
    untouched.write(
        "docker-compose.yml",
        f"services: {{web: {{image: web, volumes: ['{missing}:/data']}}}}\n"
        f"volumes: {{'{missing}': {{external: true}}}}\n",
    )
    untouched.commit()
    assert missing in untouched.once().expect(1).said
    assert missing not in untouched.docker("volume", "ls", "--quiet").split()


def test_e_15_volumes_outlive_their_service(world: World) -> None:
    stack = "services: {web: {image: web}, db: {image: web, volumes: ['data:/data']}}\nvolumes: {data: {}}\n"
    world.settings["prune"] = True
    world.stack(stack, web="web:1", db="volume:1")
    world.once().expect(0)
    volumes = _volumes(world, "db")
    del world.pins["db"]
    world.stack("services: {web: {image: web}}", web="web:1")
    world.once("--allow-removal").expect(0)
    assert [container.service for container in world.containers()] == ["web"]
    assert volumes <= set(world.docker("volume", "ls", "--quiet").split())
    assert any(name.endswith("_data") for name in volumes)


def _volumes(world: World, service: str) -> set[str]:
    return {
        mount["Name"] for mount in world.container(service).content["Mounts"] if mount["Type"] == "volume"
    }


# --- E-16: what cannot start ----------------------------------------------------------------------

UNSTARTABLE: dict[str, tuple[int, str, dict[str, Any]]] = {
    "a command that does not exist": (10, "no such file or directory", {"command": ["/no/such"]}),
    "a binary of another kind": (10, "exec format error", {"command": ["/app/garbage"]}),
    "a device that does not exist": (10, "/dev/no-such", {"devices": ["/dev/no-such:/dev/x"]}),
    "too little memory": (
        10,
        "exited with 137",  # that it was for memory, the engine may say too late
        {
            "command": ["dd", "if=/dev/zero", "of=/dev/null", "bs=64M"],
            "mem_limit": "6m",
            "memswap_limit": "6m",
        },
    ),
    "a folder that does not exist": (
        1,
        "bind source path does not exist",
        {
            "volumes": [
                {"type": "bind", "source": "./no", "target": "/no", "bind": {"create_host_path": False}}
            ]
        },
    ),
}


def test_e_16_what_cannot_start_is_undone_and_says_why(world: World) -> None:
    world.settings["gate"]["soak"] = "1s"
    serving = deployed(world)
    (world.app / "bin").mkdir()
    (world.app / "bin/garbage").write_bytes(b"\x7fELF\2garbage")
    (world.app / "bin/garbage").chmod(0o755)
    for what, (code, words, more) in UNSTARTABLE.items():
        service = {"image": "web", "volumes": ["./bin:/app:ro"], **more}
        world.write("docker-compose.yml", json.dumps({"services": {"web": service}}))
        world.commit(what)
        allow = {"RECONCILE_ALLOW": "web:device:/dev/no-such"}
        result = world.once(environ=allow).expect(code)
        assert words in result.said, f"{what}\n{result.said}"
        assert world.container("web").id == serving, what
        assert world.runs("web", "1"), what
        world.expect_no_leftovers()


# --- E-18, E-19: which engine  -------------------------------------------------------------------


def test_e_18_an_option_that_the_engine_is_too_old_for(untouched: World) -> None:
    """Engine 20.10 would drop `start_interval` without a word; Compose refuses it, and nothing is touched."""
    check = "{test: ['CMD', 'true'], interval: 1s, start_period: 5s, start_interval: 1s}"
    untouched.write("docker-compose.yml", f"services: {{web: {{image: web, healthcheck: {check}}}}}")
    untouched.commit()
    assert "start_interval" in untouched.once().expect(1).said


def test_e_19_the_current_context_leads_nowhere_else(world: World, tmp_path: Path) -> None:
    """`engine.host` wins over the docker command's context, for the program and for Compose alike."""
    folder = tmp_path / "docker-config"
    folder.mkdir()
    plugins = Path(os.environ["DOCKER_CONFIG"]) / "cli-plugins"
    if plugins.is_dir():
        shutil.copytree(plugins, folder / "cli-plugins", symlinks=True)
    (folder / "config.json").write_text(json.dumps({"currentContext": "other"}))
    _write_context(folder, "other", f"unix://{tmp_path}/nowhere.sock")
    surroundings = {"DOCKER_CONFIG": str(folder), "DOCKER_HOST": ""}
    world.stack(ONE, web="web:1")
    world.once(environ=surroundings).expect(69)
    assert world.containers() == []
    world.settings["engine"] = {"host": world.host}
    world.commit()
    world.once(environ=surroundings).expect(0)
    assert world.images_of("web") == ["1"]


def _write_context(folder: Path, name: str, host: str) -> None:
    from hashlib import sha256

    place = folder / "contexts" / "meta" / sha256(name.encode()).hexdigest()
    place.mkdir(parents=True)
    content = {"Name": name, "Metadata": {}, "Endpoints": {"docker": {"Host": host, "SkipTLSVerify": False}}}
    (place / "meta.json").write_text(json.dumps(content))
