"""The daemon in a container, as packaging/compose.example.yml starts it.

The image cannot be built here, for want of its base. A stand-in of a few bytes has the program, its Python
and git mounted from this machine; all else, from the user to the way in which it ends, is the example's.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.bed.tools import docker, wait_until
from tests.e2e.gated import STACK
from tests.e2e.images import Images
from tests.e2e.world import World, await_answer, published

TOP = Path(__file__).parents[2]
EXAMPLE = TOP / "packaging/compose.example.yml"
UID = 10001
SYSTEM = ("bin", "lib", "lib64")
DOCKERFILE = f"""
FROM scratch
COPY root /
COPY --chown={UID}:{UID} state /var/lib/reconcile
ENV HOME=/var/lib/reconcile RECONCILE_STATE_DIR=/var/lib/reconcile DOCKER_CONFIG=/etc/reconcile/docker
ENV PATH=/usr/local/bin:/usr/bin:/bin
USER {UID}
HEALTHCHECK --interval=1s CMD ["/opt/reconcile", "watch", "--alive"]
ENTRYPOINT ["/opt/reconcile"]
"""
PROGRAM = f"""#!/opt/python/{Path(sys.executable).resolve().relative_to(Path(sys.base_prefix).resolve())}
import sys
sys.path[:0] = ["/opt/program", "/opt/packages"]
from reconciler.interface.cli.main import main
main()
"""


@dataclass(frozen=True)
class Contained:
    """The daemon in its container, over a world."""

    world: World
    name: str

    @property
    def content(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(docker("inspect", self.name))[0]
        return found

    def lines(self) -> list[dict[str, Any]]:
        """What it told."""
        done = subprocess.run(["docker", "logs", self.name], capture_output=True, text=True, check=True)
        assert all(line.startswith("{") for line in done.stderr.splitlines()), done.stderr
        return [json.loads(line) for line in done.stderr.splitlines()]

    def results(self) -> list[str]:
        """How its passes ended."""
        assert self.content["State"]["Running"], self.lines()
        return [line["result"] for line in self.lines() if line["event"] == "pass_ended"]


def stand_in(tag: str, context: Path) -> None:
    """The image: places to mount to, a user, and the program's first lines."""
    root = context / "root"
    for folder in ("etc", "proc", "sys", "dev", "tmp", "usr", "sbin", "opt", "var/lib"):
        (root / folder).mkdir(parents=True)  # the engine puts its init into /sbin
    for link in (Path(f"/{name}") for name in SYSTEM if Path(f"/{name}").is_symlink()):
        (root / link.name).symlink_to(link.readlink())
    (root / "etc/passwd").write_text(f"reconcile:x:{UID}:{UID}::/var/lib/reconcile:/bin/sh\n")
    (root / "opt/reconcile").write_text(PROGRAM)
    (root / "opt/reconcile").chmod(0o755)
    (context / "state").mkdir(mode=0o700)
    (context / "Dockerfile").write_text(DOCKERFILE)
    docker("build", "--quiet", "--tag", tag, context)


def mounted() -> list[str]:
    """Of this machine: its programs and libraries, Python, and what is tested."""
    system = [
        f"/{name}" for name in ("usr", "bin", "lib", "lib64", "sbin") if not Path(f"/{name}").is_symlink()
    ]
    binds = {path: path for path in system if Path(path).exists()}
    binds |= {sys.base_prefix: "/opt/python", str(TOP): "/opt/program"}
    binds |= {sysconfig.get_path("purelib"): "/opt/packages"}
    return [f"{here}:{there}:ro" for here, there in binds.items()]


def compose_plugin() -> Path:
    return (Path(os.environ["DOCKER_CONFIG"]) / "cli-plugins/docker-compose").resolve()


@pytest.fixture(scope="module")
def image(images: Images, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    tag = f"reconcile-contained-{os.getpid()}:test"
    stand_in(tag, tmp_path_factory.mktemp("image"))
    yield tag
    docker("image", "rm", "--force", tag)


@contextmanager
def daemon_over(world: World, image: str, project: str) -> Iterator[Contained]:
    """The daemon over a world, in a container of a Compose project."""
    config = world.root / "etc"
    plugin = "docker/cli-plugins/docker-compose"
    (config / plugin).parent.mkdir(parents=True)
    (config / plugin).touch()
    volumes = [*mounted(), f"{compose_plugin()}:/etc/reconcile/{plugin}:ro"]
    override = config / "override.yml"
    override.write_text(json.dumps({"services": {"reconcile": {"volumes": volumes}}}))
    world.git("config", "--global", "--add", "safe.directory", "*")
    for path in (world.repository, *world.repository.rglob("*")):
        os.chown(path, UID, UID)
    socket = os.environ["DOCKER_HOST"].removeprefix("unix://")
    given = {
        "IMAGE": image,
        "PROJECT": str(world.repository),
        "SOCKET": socket,
        "CONFIG": str(config),
        "DOCKER_GID": str(Path(socket).stat().st_gid),
    }
    compose = ("compose", "--project-name", project, "--file", EXAMPLE, "--file", override)
    try:
        with pytest.MonkeyPatch.context() as patch:
            for variable, value in given.items():
                patch.setenv(variable, value)
            docker(*compose, "up", "--detach", "--pull=never")
        yield Contained(world, f"{project}-reconcile-1")
    finally:
        docker("rm", "--force", f"{project}-reconcile-1")
        docker("volume", "rm", "--force", f"{project}_state")


@pytest.fixture(scope="module")
def contained(images: Images, image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Contained]:
    with World(tmp_path_factory.mktemp("contained"), images) as world:
        port, world.url = published()
        world.settings["rollback"] = {"git": "off"}
        world.stack(STACK.format(port=port), web="web:1", worker="web:1")
        with daemon_over(world, image, f"{world.project}-daemon") as there:
            wait_until(lambda: "converged" in there.results(), seconds=60, what="a first pass has converged")
            yield there


def test_it_is_neither_root_nor_can_it_write_anywhere_but_where_it_should(contained: Contained) -> None:
    host, config = contained.content["HostConfig"], contained.content["Config"]
    assert (config["User"], host["ReadonlyRootfs"], host["CapDrop"]) == (str(UID), True, ["ALL"])
    assert host["SecurityOpt"] == ["no-new-privileges:true"]
    status = docker("exec", contained.name, "cat", "/proc/1/status", "/proc/self/status")
    lines = [line.split() for line in status.splitlines()]
    assert {words[1] for words in lines if words[0] == "CapEff:"} == {"0" * 16}
    assert {words[1] for words in lines if words[0] == "Uid:"} == {str(UID)}


def test_it_is_healthy_once_its_loop_turns(contained: Contained) -> None:
    def healthy() -> bool:
        return bool(contained.content["State"]["Health"]["Status"] == "healthy")

    wait_until(healthy, seconds=30, what="it is healthy")


def test_it_releases_what_is_committed(contained: Contained) -> None:
    contained.world.release(web="web:2")
    await_answer(contained.world.url, "version=2")
    wait_until(lambda: contained.results().count("converged") == 2, seconds=30, what="the pass has ended")
    contained.world.expect_no_leftovers()


def test_stopped_it_ends_as_asked_and_what_it_manages_runs_on(contained: Contained) -> None:
    docker("stop", contained.name)
    assert contained.content["State"]["ExitCode"] == 143
    assert "daemon_stopping" in {line["event"] for line in contained.lines()}
    await_answer(contained.world.url, "version=2")


def test_in_a_container_of_its_own_environment_it_leaves_that_alone(world: World, image: str) -> None:
    port, world.url = published()
    compose = STACK.format(port=port) + "  reconcile:\n        image: web\n"
    world.stack(compose, web="web:1", worker="web:1", reconcile="web:1")
    with daemon_over(world, image, world.project) as there:
        before = there.content["Id"]
        wait_until(lambda: "converged" in there.results(), seconds=60, what="a first pass has converged")
        world.release(web="web:2", reconcile="web:2")
        await_answer(world.url, "version=2")
        wait_until(lambda: there.results().count("converged") == 2, seconds=30, what="the pass has ended")
        assert there.content["Id"] == before
        seen_from_outside = world.reconcile("-o", "json", "plan").expect(0).service("reconcile")
        assert seen_from_outside["actions"], "anybody else would replace it"
