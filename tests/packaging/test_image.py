"""The Dockerfile, built on the engine over stand-ins for its base images, which cannot be pulled here.

The stand-ins have busybox, and of `python`, `pip`, `apt-get` and `useradd` what the Dockerfile uses of them
(tests/packaging/stand_in). So the order of its steps, what it copies, and what the image says of itself are
real; what pip and apt would install is not.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.bed.tools import docker, tool

ROOT = Path(__file__).parents[2]
DOCKERFILE = ROOT / "packaging/Dockerfile"
UID = "4711"

SHIMS = Path(__file__).with_name("stand_in")
CLIENT = "/usr/local/bin/docker"
PLUGIN = "/usr/local/libexec/docker/cli-plugins/docker-compose"
APPLETS = ("sh", "mkdir", "cp", "chmod", "chown", "rm", "ln", "ls", "id", "cat", "stat", "find")


@dataclass(frozen=True)
class Built:
    """The image, and what the engine says of it."""

    tag: str
    config: dict[str, Any]

    def run(self, *command: str, entrypoint: str = "") -> str:
        override = ("--entrypoint", entrypoint) if entrypoint else ()
        return docker("run", "--rm", "--network=none", *override, self.tag, *command).strip()


def stand_in(tag: str, context: Path) -> None:
    """A base image: busybox, the shims, and the files of the image with Docker's client."""
    root = context / "root"
    for folder in ("bin", "etc", "tmp", "var/lib", "usr/sbin"):
        (root / folder).mkdir(parents=True)
    shutil.copy(tool("busybox"), root / "bin/busybox")
    for applet in APPLETS:
        (root / "bin" / applet).symlink_to("busybox")
    for file in (CLIENT, PLUGIN):
        (root / file[1:]).parent.mkdir(parents=True)
        (root / file[1:]).write_text("a stand-in\n")
    shutil.copytree(SHIMS, root / "shim")
    (context / "Dockerfile").write_text("FROM scratch\nCOPY root /\nENV PATH=/usr/local/bin:/bin:/shim\n")
    docker("build", "--quiet", "--tag", tag, context)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    base, tag = (f"reconcile-{name}-{os.getpid()}:test" for name in ("stand-in", "image"))
    stand_in(base, tmp_path_factory.mktemp("stand-in"))
    try:
        bases = {"PYTHON": base, "DOCKER": base, "UID": UID}
        given = [f"--build-arg={name}={value}" for name, value in bases.items()]
        docker("build", "--quiet", *given, "--tag", tag, "--file", DOCKERFILE, ROOT, timeout=300)
        yield Built(tag, json.loads(docker("image", "inspect", tag))[0]["Config"])
    finally:
        docker("image", "rm", "--force", tag, base)


def test_the_program_is_what_the_image_runs(built: Built) -> None:
    assert built.run() == "reconcile watch"
    assert built.run("status") == "reconcile status"


def test_it_is_not_root_and_can_write_to_its_state_directory_alone(built: Built) -> None:
    assert built.config["User"] == "reconcile"
    assert built.run("-u", entrypoint="id") == UID
    assert built.run("-c", "%u %a", "/var/lib/reconcile", entrypoint="stat") == f"{UID} 700"
    assert built.run("/", "-xdev", "-user", UID, entrypoint="find").split() == ["/var/lib/reconcile"]


def test_it_knows_where_things_are(built: Built) -> None:
    environ = dict(entry.split("=", 1) for entry in built.config["Env"])
    assert (environ["HOME"], environ["RECONCILE_STATE_DIR"]) == ("/var/lib/reconcile", "/var/lib/reconcile")
    assert environ["DOCKER_CONFIG"] == "/etc/reconcile/docker"


def test_its_health_is_the_daemons(built: Built) -> None:
    assert built.config["Healthcheck"]["Test"] == ["CMD", "reconcile", "watch", "--alive"]


def test_what_it_needs_is_installed(built: Built) -> None:
    packages = set(built.run("/installed", entrypoint="ls").split())
    assert {"git", "openssh-client", "ca-certificates"} <= packages
    assert built.run(CLIENT, PLUGIN, entrypoint="ls").split() == [CLIENT, PLUGIN]


def test_nothing_of_the_checkout_but_the_package_is_sent_to_the_builder() -> None:
    allowed = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE.read_text(), re.MULTILINE)
    sources = {source for line in copied for source in line.split()}
    assert sources == {line.removeprefix("!") for line in allowed}
    assert all((ROOT / source).exists() for source in sources)


def test_everything_that_the_package_is_built_from_is_copied() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    needed = {*wheel["only-include"], project["project"]["readme"], "pyproject.toml"}
    assert needed <= set(re.sub(r"\./", "", DOCKERFILE.read_text()).split())


def test_bases_have_a_version_and_can_be_pinned_by_digest() -> None:
    text = DOCKERFILE.read_text()
    bases = dict(re.findall(r"^ARG (PYTHON|DOCKER)=(\S+)$", text, re.MULTILINE))
    assert set(bases) == {"PYTHON", "DOCKER"}
    assert all(re.fullmatch(r"[a-z]+:\d+[\w.-]*", base) for base in bases.values())
    assert re.findall(r"^FROM (\S+)", text, re.MULTILINE) == ["${DOCKER}", "${PYTHON}", "${PYTHON}"]
