"""Which container one runs in, as containers of the real engine see it from inside."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.adapters.own_container import own_container
from tests.bed.engine import required_engine
from tests.bed.tools import docker
from tests.images.build import build


@pytest.fixture(scope="module")
def image() -> Iterator[str]:
    required_engine()
    tag = f"reconcile-own-container-{os.getpid()}:test"
    build(tag)
    yield tag
    docker("image", "rm", "--force", tag)


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--network=none",),
        ("--network=host",),
        ("--hostname=web", "--read-only", "--cap-drop=ALL", "--user=4711"),
        ("--volume=/:/host:ro",),
    ],
    ids=["plain", "no network", "the host's network", "hardened", "with the host's files"],
)
def test_a_container_knows_itself(image: str, tmp_path: Path, options: tuple[str, ...]) -> None:
    inside = ("--entrypoint=/bin/cat", *options, image, "/proc/self/mountinfo")
    container = docker("create", *inside).strip()
    try:
        (tmp_path / "mountinfo").write_text(docker("start", "--attach", container))
        assert own_container(tmp_path / "mountinfo") == container
    finally:
        docker("rm", "--force", container)


@pytest.mark.parametrize(
    "mount",
    [
        f"/ /var/lib/docker/containers/{'a' * 64}/mounts/shm",
        f"/var/lib/docker/containers/{'a' * 64}/hostname /srv/hostname",
        "/etc/hostname /etc/hostname",
    ],
)
def test_what_the_host_sees_of_containers_is_not_ours(tmp_path: Path, mount: str) -> None:
    (tmp_path / "mountinfo").write_text(f"9 8 0:1 {mount} rw,relatime - ext4 /dev/vda rw\n")
    assert own_container(tmp_path / "mountinfo") == ""
