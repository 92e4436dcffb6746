"""A host that is not as it should be: ports, Compose and the engine itself."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
from pathlib import Path

import pytest

from tests.e2e.world import World, await_answer, published

STACK = """
    services:
      web:
        image: web
        ports: ["127.0.0.1:{port}:8080"]
    """


@pytest.fixture
def url(world: World) -> str:
    """Where version 1 answers."""
    port, url = published()
    world.stack(STACK.format(port=port), web="web:1")
    world.once().expect(0)
    await_answer(url, "version=1")
    return url


# -- ports ----------------------------------------------------------------------------------------


def test_a_port_that_somebody_elses_container_holds_is_found_out_before_anything_stops(
    world: World, url: str
) -> None:
    port, _ = published()
    image, name = world.images.pinned("web:1"), f"{world.project}-stranger"
    world.docker("run", "--detach", "--name", name, "--publish", f"127.0.0.1:{port}:8080", image)
    try:
        world.stack(STACK.format(port=port), web="web:2")
        before = world.marks()
        result = world.once().expect(1)
        assert world.marks() == before
        error = result.environment["error"]
        assert f"web wants host port 127.0.0.1:{port}/tcp, which container {name} holds" in error["problem"]
        assert name in error["hint"]
        assert world.docker("inspect", "--format", "{{.State.Status}}", name).strip() == "running"
    finally:
        world.docker("rm", "--force", name)
    world.once().expect(0)


def test_a_port_that_a_foreign_process_holds_undoes_the_release(world: World, url: str) -> None:
    identity = world.container("web").id
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        world.stack(STACK.format(port=port), web="web:2")
        result = world.once().expect(10)
        assert "address already in use" in result.environment["judgement"]["reason"]
        assert world.container("web").id == identity
        await_answer(url, "version=1")
        world.expect_no_leftovers()
    world.once().expect(0)
    await_answer(f"http://127.0.0.1:{port}", "version=2")


def test_two_services_with_one_port_are_refused_before_anything_happens(untouched: World) -> None:
    world = untouched
    port, _ = published()
    compose = f"""
    services:
      web: {{image: web, ports: ["127.0.0.1:{port}:8080"]}}
      other: {{image: web, ports: ["{port}:8080"]}}
    """
    world.stack(compose, web="web:2", other="web:2")
    result = world.once().expect(65)
    assert "both publish host port" in result.environment["error"]["findings"][0]["message"]


# -- Compose --------------------------------------------------------------------------------------

PLUGINS = "/usr/local/lib/docker /usr/local/libexec/docker /usr/lib/docker /usr/libexec/docker"
WITHOUT_PLUGINS = (
    "/usr/bin/unshare",
    "--mount",
    "/bin/sh",
    "-c",
    f'for d in {PLUGINS}; do [ ! -d "$d" ] || mount -t tmpfs none "$d"; done; exec "$@"',
    "sh",
)
"""Hides the plugins that the machine may have, from this one run."""


def without_compose(world: World) -> dict[str, str]:
    """A configuration without plugins, and a PATH with nothing but what the program needs."""
    tools = world.root / secrets.token_hex(4)
    config = world.root / secrets.token_hex(4)
    tools.mkdir()
    config.mkdir()
    for name in ("git", "docker", "sh", "mount", "env"):
        found = shutil.which(name)
        assert found
        (tools / name).symlink_to(found)
    return {"PATH": str(tools), "DOCKER_CONFIG": str(config)}


def with_compose(world: World, version: str) -> dict[str, str]:
    """A Compose that says it is ``version``, and can do nothing else."""
    environ = without_compose(world)
    plugin = Path(environ["DOCKER_CONFIG"]) / "cli-plugins" / "docker-compose"
    plugin.parent.mkdir()
    plugin.write_text(f'#!/bin/sh\n[ "$1" = version ] && echo {version} && exit 0\nexit 1\n')
    plugin.chmod(0o755)
    return environ


def test_a_missing_compose_is_named_with_what_to_install(untouched: World) -> None:
    world = untouched
    result = world.once(environ=without_compose(world), prefix=WITHOUT_PLUGINS).expect(1)
    assert "Docker Compose is not installed" in result.said
    assert "2.24 or newer" in result.said


@pytest.mark.parametrize("version", ["1.29.2", "2.17.3", "v2.23.9-desktop.1"])
def test_a_compose_that_is_too_old_is_named_with_what_to_install(untouched: World, version: str) -> None:
    world = untouched
    world.release(web="web:2")
    result = world.once(environ=with_compose(world, version)).expect(1)
    error = result.environment["error"]
    assert "is too old" in error["problem"]
    assert "2.24 or newer" in error["hint"]


def test_a_standalone_compose_will_do(world: World, url: str) -> None:
    environ = without_compose(world)
    real = Path(os.environ["DOCKER_CONFIG"]) / "cli-plugins" / "docker-compose"
    (Path(environ["PATH"]) / "docker-compose").symlink_to(real)
    world.release(web="web:2")
    world.once(environ=environ, prefix=WITHOUT_PLUGINS).expect(0)
    await_answer(url, "version=2")


# -- the engine -----------------------------------------------------------------------------------


@pytest.mark.parametrize("command", [("--once",), ("plan",), ("status",), ("doctor",)], ids=lambda c: c[0])
def test_an_engine_that_does_not_run(untouched: World, command: tuple[str, ...]) -> None:
    world = untouched
    dead = {"DOCKER_HOST": f"unix://{world.root}/nobody-listens.sock"}
    result = world.reconcile(*command, environ=dead).expect(69)
    assert "the Docker Engine does not answer" in result.said
    assert "docker info" in result.said, "what to do about it"


def test_an_engine_whose_socket_is_not_for_us(untouched: World) -> None:
    """As root without the capability that makes permissions void: refused as any other user is."""
    world = untouched
    path = world.root / "docker.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        os.chown(path, 65534, 65534)
        path.chmod(0o600)
        capabilities = "-dac_override,-dac_read_search"
        prefix = ("setpriv", f"--bounding-set={capabilities}", f"--inh-caps={capabilities}")
        result = world.once(environ={"DOCKER_HOST": f"unix://{path}"}, prefix=prefix).expect(77)
    error = result.environment["error"]
    assert "no permission to use the engine's socket" in error["problem"]
    assert "docker" in error["hint"]


def test_an_unsafe_way_to_an_engine_is_refused(untouched: World) -> None:
    world = untouched
    result = world.reconcile("--once", environ={"DOCKER_HOST": "tcp://engine.example:2375"}).expect(64)
    assert "TLS" in result.said


def test_a_state_directory_that_cannot_be_written(untouched: World) -> None:
    world = untouched
    (world.root / "file").touch()
    world.release(web="web:2")
    result = world.reconcile("--once", environ={"RECONCILE_STATE_DIR": str(world.root / "file" / "x")})
    assert result.code == 77, result.said
    assert "RECONCILE_STATE_DIR" in result.said
