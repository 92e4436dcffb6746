"""A release changes the image and nothing else: data, and everything that `docker inspect` shows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.bed.tools import BedError, docker, wait_until
from tests.e2e.prober import asked
from tests.e2e.world import World, await_answer, published

VOLATILE = {
    # The container itself, its process, and where the engine keeps it.
    "Id", "Created", "LogPath", "ResolvConfPath", "HostnamePath", "HostsPath",
    "State.Pid", "State.StartedAt", "State.FinishedAt", "State.Health.Status", "State.Health.Log",
    "GraphDriver.Data.LowerDir", "GraphDriver.Data.MergedDir", "GraphDriver.Data.UpperDir",
    "GraphDriver.Data.WorkDir",
    # Given by the engine: the host name is the id, addresses and sandboxes are made at start.
    "Config.Hostname", "NetworkSettings.SandboxID", "NetworkSettings.SandboxKey",
}  # fmt: skip
"""What differs between any two containers of the same definition."""

VOLATILE_OF_NETWORKS = {"EndpointID", "IPAddress", "MacAddress", "NetworkID"}

RELEASED = {
    # What a release is about: the image, its variables, and what Compose notes of both.
    "Image", "Config.Image", "Config.Env",
    "Config.Labels.com.docker.compose.image", "Config.Labels.com.docker.compose.config-hash",
}  # fmt: skip
"""What differs because the image does."""

STACK = """
    services:
      web:
        image: web
        container_name: {project}-the-web
        hostname: the-web
        command: ["/bin/sh", "/web/serve"]
        environment: {{COLOUR: blue, EMPTY: ""}}
        labels: {{team: "blue = green, yes"}}
        ports: ["127.0.0.1:{port}:8080", "127.0.0.1::8080"]
        expose: ["9000"]
        networks:
          front: {{aliases: [shop, store]}}
          back: {{ipv4_address: 10.231.{octet}.77}}
        volumes:
          - named:/named
          - /anonymous
          - ./conf:/conf:ro
          - {{type: tmpfs, target: /scratch}}
        read_only: true
        user: "0:0"
        working_dir: /tmp
        init: true
        cap_drop: [NET_RAW]
        mem_limit: 64m
        cpus: 0.5
        pids_limit: 50
        shm_size: 16m
        ulimits: {{nofile: 512}}
        sysctls: {{net.ipv4.ip_unprivileged_port_start: "0"}}
        extra_hosts: ["elsewhere:127.0.0.9"]
        dns: [127.0.0.53]
        restart: on-failure:3
        stop_grace_period: 3s
        stop_signal: SIGINT
        logging: {{driver: json-file, options: {{max-size: 1m}}}}
        security_opt: ["no-new-privileges:true"]
        group_add: ["1234"]
        healthcheck: {{test: ["CMD", "/bin/true"], interval: 1s, timeout: 2s, retries: 4}}
    networks:
      front: {{}}
      back: {{ipam: {{config: [{{subnet: 10.231.{octet}.0/24}}]}}}}
    volumes:
      named: {{}}
    """


def flat(content: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every leaf of an inspection by its path; lists are leaves."""
    for key, value in content.items():
        if isinstance(value, Mapping) and value:
            yield from flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def differing(before: Mapping[str, Any], after: Mapping[str, Any]) -> set[str]:
    """The paths at which two inspections differ, without what always does."""
    one, two = dict(flat(_prepared(before))), dict(flat(_prepared(after)))
    paths = {path for path in one.keys() | two.keys() if one.get(path) != two.get(path)}
    return {path for path in paths - VOLATILE if path.rpartition(".")[2] not in VOLATILE_OF_NETWORKS}


def _prepared(content: Mapping[str, Any]) -> dict[str, Any]:
    """An inspection whose lists without an order have one, and where ids of containers are the same word."""
    identity = content["Id"]
    aliases = {name: net["Aliases"] for name, net in content["NetworkSettings"]["Networks"].items()}
    prepared: dict[str, Any] = {**content, "Mounts": sorted(map(_mount, content["Mounts"]), key=str)}
    prepared["Config"] = {**content["Config"], "Env": sorted(content["Config"]["Env"])}
    # The same volume, asked for in another way: a fresh anonymous one first, its name afterwards.
    prepared["HostConfig"] = {k: v for k, v in content["HostConfig"].items() if k not in ("Mounts", "Binds")}
    prepared["Aliases"] = {
        name: sorted("ID" if alias == identity[:12] else alias for alias in each or ())
        for name, each in aliases.items()
    }
    networks = {
        name: {k: v or None for k, v in net.items() if k != "Aliases"}
        for name, net in content["NetworkSettings"]["Networks"].items()
    }
    prepared["NetworkSettings"] = {**content["NetworkSettings"], "Networks": networks}
    ports = content["NetworkSettings"]["Ports"]
    prepared["NetworkSettings"]["Ports"] = {port: _fixed(bound) for port, bound in ports.items()}
    return prepared


def _mount(mount: Mapping[str, Any]) -> tuple[Any, ...]:
    # Not its mode: "z" or nothing for the same volume, by its name or by the image's VOLUME.
    return tuple(mount.get(key) for key in ("Type", "Name", "Source", "Destination", "RW", "Propagation"))


def _fixed(bound: list[dict[str, str]] | None) -> list[str]:
    """Bound ports; one that the engine chose is a word."""
    return sorted(
        f"{one['HostIp']}:{one['HostPort'] if int(one['HostPort']) < 32768 else 'chosen'}"
        for one in bound or ()
    )


@pytest.fixture
def url(world: World) -> str:
    port, url = published()
    octet = 1 + int(world.project[-2:], 16) % 250
    world.write("conf/settings", "a = 1\n")
    world.stack(STACK.format(project=world.project, port=port, octet=octet), web="volume:1")
    world.once().expect(0)
    await_answer(url, "version=1")
    return url


def test_a_release_changes_the_image_and_nothing_else(world: World, url: str) -> None:
    before = world.container("web").content
    world.release(web="volume:2")
    world.once().expect(0)
    after = world.container("web").content
    assert differing(before, after) == RELEASED
    versions = [[v for v in one["Config"]["Env"] if v.startswith("VERSION=")] for one in (before, after)]
    assert versions == [["VERSION=1"], ["VERSION=2"]]
    assert set(before["Config"]["Env"]) - {"VERSION=1"} == set(after["Config"]["Env"]) - {"VERSION=2"}
    await_answer(url, "version=2")
    world.settle()


def test_a_release_and_its_rollback_together_change_nothing(world: World, url: str) -> None:
    before = world.container("web").content
    world.release(web="volume:2")
    world.once().expect(0)
    world.reconcile("rollback", "production").expect(0)
    assert differing(before, world.container("web").content) == set()
    await_answer(url, "version=1")


def test_what_we_make_is_what_compose_would_have_made(world: World, url: str) -> None:
    """The same release once by us and once by plain Compose: nothing may differ."""
    world.release(web="volume:2")
    world.once().expect(0)
    ours = world.container("web").content
    world.by_hand("up", "--detach", "--force-recreate")
    assert differing(ours, world.container("web").content) == {"Config.Labels.com.docker.compose.replace"}


@pytest.mark.parametrize(
    ("place", "volume"),
    [
        ("the image's VOLUME", ""),
        ("an anonymous entry in Compose", "volumes: [/data]"),
        ("a named volume", "volumes: ['named:/data']"),
        ("a folder of the host", "volumes: ['./data:/data']"),
    ],
    ids=["image", "anonymous", "named", "bind"],
)
def test_data_survives_a_release_and_a_rollback(world: World, place: str, volume: str) -> None:
    port, url = published()
    variant = "web" if volume else "volume"
    (world.app / "data").mkdir()
    (world.repository / ".gitignore").write_text("app/data/\n")
    named = "volumes: {named: {}}" if "named" in volume else ""
    compose = f"""
    services:
      web:
        image: web
        ports: ["127.0.0.1:{port}:8080"]
        {volume}
    {named}
    """
    world.stack(compose, web=f"{variant}:1")
    world.once().expect(0)
    await_answer(url, "version=1")
    assert asked(f"{url}/write?first") == "written"
    volumes = world.docker("volume", "ls", "--quiet").split()
    world.release(web=f"{variant}:2")
    world.once().expect(0)
    await_answer(url, "version=2")
    assert asked(f"{url}/read") == "first", place
    assert asked(f"{url}/write?second") == "written"
    world.reconcile("rollback", "production").expect(0)
    await_answer(url, "version=1")
    assert asked(f"{url}/read") == "first\nsecond", place
    mounted = {mount.get("Name", "") for mount in world.container("web").content["Mounts"]}
    assert mounted <= {*volumes, ""}, "no volume but the one from the beginning"


def test_data_survives_a_rejected_release_which_leaves_no_volume(world: World) -> None:
    port, url = published()
    world.settings["gate"]["timeout"] = "5s"
    compose = f"""
    services:
      web:
        image: web
        ports: ["127.0.0.1:{port}:8080"]
    """
    world.stack(compose, web="volume:1")
    world.once().expect(0)
    await_answer(url, "version=1")
    asked(f"{url}/write?first")
    (volume,) = [mount["Name"] for mount in world.container("web").content["Mounts"]]
    world.release(web="volume:crash")
    world.once().expect(10)
    assert asked(f"{url}/read") == "first"
    assert [mount["Name"] for mount in world.container("web").content["Mounts"]] == [volume]
    assert re.fullmatch("[0-9a-f]{64}", volume)


def test_a_release_leaves_no_volume_behind(world: World) -> None:
    world.stack("services: {web: {image: web}}", web="volume:1")
    world.once().expect(0)
    (volume,) = [mount["Name"] for mount in world.container("web").content["Mounts"]]
    world.release(web="volume:2")
    world.once().expect(0)
    assert [mount["Name"] for mount in world.container("web").content["Mounts"]] == [volume]
    # The template's own fresh volume is gone: a dangling one would have been made in this test. Others make
    # such volumes on this engine too, but they remove them.
    created = _created(volume)
    newer = {name for name in _dangling() if _created(name) >= created}
    wait_until(lambda: not newer & _dangling(), seconds=60, what=f"the end of {newer}")


def _dangling() -> set[str]:
    return set(docker("volume", "ls", "--quiet", "--filter", "dangling=true").split())


def _created(volume: str) -> str:
    """When it was made; before everything where it is gone."""
    try:
        return docker("volume", "inspect", "--format", "{{.CreatedAt}}", volume).strip()
    except BedError:
        return ""
