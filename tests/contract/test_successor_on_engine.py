"""A successor on a real engine: like what Compose's own recreate would have made, to the last detail."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from reconciler.domain.observed import Instance
from tests.bed.tools import docker, run
from tests.contract.conftest import IMAGES
from tests.contract.real_bench import RealBench

# What is different between any two containers, or comes from running.
PASSING = (
    *(".Id", ".Created", ".State", ".Name", ".LogPath", ".HostnamePath", ".HostsPath", ".ResolvConfPath"),
    *(".GraphDriver", ".NetworkSettings.Sandbox", ".NetworkSettings.Ports"),
)
PASSING_OF_ENDPOINTS = ("EndpointID", "Gateway", "IPAddress", "IPPrefixLen", "MacAddress", "NetworkID")


def leaves(value: object, path: str = "") -> dict[str, str]:
    """A nested answer as path → JSON."""
    if not isinstance(value, dict) or not value:
        return {path: json.dumps(value)}
    return {key: leaf for name, one in value.items() for key, leaf in leaves(one, f"{path}.{name}").items()}


def differences(one: dict[str, Any], other: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """Where two inspected containers differ, but for what always does."""
    first, second = leaves(_settled(one)), leaves(_settled(other))
    return {
        key: (first.get(key, ""), second.get(key, ""))
        for key in sorted(first.keys() | second.keys())
        if first.get(key) != second.get(key)
        and not key.startswith(PASSING)
        and not key.endswith(PASSING_OF_ENDPOINTS)
    }


def _settled(container: dict[str, Any]) -> dict[str, Any]:
    """The container's own short id stands in its host name and aliases; mounts come in any order."""
    text = json.dumps(container).replace(container["Id"], "<id>").replace(container["Id"][:12], "<short id>")
    settled: dict[str, Any] = json.loads(text)
    mounts = {m["Destination"]: [m["Type"], m.get("Name", ""), m["RW"]] for m in container["Mounts"]}
    settled["Mounts"] = mounts
    settled["HostConfig"].pop("Mounts", None)
    return settled


def succeed(real: RealBench, service: str, shares: dict[str, str] | None = None) -> tuple[Instance, str]:
    """Swap a service: the predecessor (stopped, renamed) and the id of its running successor."""
    engine = real.engine
    (old,) = engine.observe(real.project).of(service)
    template = real.template(service)
    hash_ = old.config_hash
    new = engine.succeed(template, old, f"{old.name}.successor", hash_, shares or {})
    engine.remove(template.id, fresh_volumes=True)
    engine.stop(old.id, 2.0)
    engine.rename(old.id, f"{old.name}.predecessor")
    engine.rename(new, old.name)
    engine.start(new)
    return old, new


def up(real: RealBench, *services: str) -> str:
    """`docker compose up -d`, as a person would call it; what it did."""
    return run("sh", "-c", 'exec "$@" 2>&1', "sh", *compose(real), "up", "--detach", *services)


def compose(real: RealBench) -> list[str]:
    """The beginning of a Compose command of a person."""
    file = str(real.folder / "compose.yaml")
    return ["docker", "--host", real.host, "compose", "--project-name", real.project, "--file", file]


SUBNET = f"10.232.{random.randrange(256)}"
"""Not among those that the engine gives away by itself, and other test runs have another one."""
NETWORKS: dict[str, Any] = {
    "networks": {"one": {}, "two": {"ipam": {"config": [{"subnet": f"{SUBNET}.0/24"}]}}},
    "volumes": {"named": {}},
}

KINDS: dict[str, dict[str, Any]] = {
    "plain": {},
    "much": {
        "image": f"{IMAGES}/volume:1",
        "volumes": ["/anonymous", "named:/named", "/etc/hostname:/host:ro"],
        "networks": {"one": {"aliases": ["www"]}, "two": {"ipv4_address": f"{SUBNET}.7"}},
        "restart": "unless-stopped",
        "environment": {"A": "b"},
        "labels": {"mine": "too"},
        "healthcheck": {"test": ["CMD", "true"], "interval": "30s"},
        "mem_limit": "64m",
        "cap_drop": ["ALL"],
        "ulimits": {"nofile": 1024},
        "tmpfs": ["/run/own"],
        "extra_hosts": ["elsewhere:10.0.0.1"],
        "sysctls": {"net.core.somaxconn": "512"},
        "stop_signal": "SIGTERM",
        "logging": {"driver": "json-file", "options": {"max-size": "1m"}},
    },
    "named": {"container_name": "PROJECT-fixed"},
    "own host name": {"hostname": "box", "domainname": "example.test"},
    "MAC address": {"mac_address": "02:42:ac:11:65:43"},
    "no entrypoint": {"entrypoint": [], "command": ["/bin/sh", "/web/serve"]},
    "own entrypoint": {"entrypoint": ["/bin/sh", "/web/serve"]},
    "host network": {"network_mode": "host", "environment": {"PORT": "0"}},
    "no network": {"network_mode": "none"},
    "bridge network": {"network_mode": "bridge"},
    "host IPC and PID": {"ipc": "host", "pid": "host"},
    "user, init, read-only": {"user": "65534", "init": True, "read_only": True, "working_dir": "/tmp"},
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_successor_is_like_its_predecessor(real: RealBench, kind: str) -> None:
    service = {"image": f"{IMAGES}/web:1", **KINDS[kind]}
    real.define_raw({"web": json.loads(json.dumps(service).replace("PROJECT", real.project))}, **NETWORKS)
    up(real)
    (serving,) = real.engine.observe(real.project).instances
    before = real.inspect(serving.id)
    _, new = succeed(real, "web")
    found = differences(before, real.inspect(new))
    # [] and null both mean that there is no entrypoint.
    found = {key: pair for key, pair in found.items() if pair != ("[]", "null")}
    # Compose writes a restart policy of "no" as an empty name as well.
    found = {key: pair for key, pair in found.items() if set(pair) != {'"no"', '""'}}
    assert found == {}


def test_compose_takes_a_successor_for_its_own(real: RealBench) -> None:
    real.define_raw({"web": {"image": f"{IMAGES}/web:1", **KINDS["much"]}}, **NETWORKS)
    up(real)
    old, new = succeed(real, "web")
    real.engine.remove(old.id)
    assert "Recreat" not in up(real)
    (serving,) = real.engine.observe(real.project).instances
    assert (serving.id, serving.name, serving.number) == (new, old.name, 1)


def test_namespaces_and_volumes_follow_the_successor(real: RealBench) -> None:
    plain = {"image": f"{IMAGES}/web:1"}
    real.define_raw(
        {
            "base": {"image": f"{IMAGES}/volume:1", "ipc": "shareable"},
            "net": {**plain, "network_mode": "service:base", "environment": {"PORT": "9090"}},
            "ipc": {**plain, "ipc": "service:base"},
            "pid": {**plain, "pid": "service:base"},
            "volumes": {**plain, "volumes_from": ["base"]},
        }
    )
    up(real)
    old, new = succeed(real, "base")
    shares = {old.id: new}
    host = {}
    for name in ("net", "ipc", "pid", "volumes"):
        host[name] = real.inspect(succeed(real, name, shares)[1])["HostConfig"]
    assert host["net"]["NetworkMode"] == f"container:{new}"
    assert host["ipc"]["IpcMode"] == f"container:{new}"
    assert host["pid"]["PidMode"] == f"container:{new}"
    assert host["volumes"]["VolumesFrom"] == [new]


def test_data_in_an_anonymous_volume_survives_two_releases(real: RealBench) -> None:
    real.define_raw({"web": {"image": f"{IMAGES}/volume:1", "volumes": ["/anonymous"]}})
    up(real)
    (serving,) = real.engine.observe(real.project).instances
    docker("exec", serving.id, "sh", "-c", "echo kept >/data/log; echo too >/anonymous/log", host=real.host)
    for _ in range(2):
        old, new = succeed(real, "web")
        real.engine.remove(old.id)
    read = docker("exec", new, "sh", "-c", "cat /data/log /anonymous/log", host=real.host)
    assert read.split() == ["kept", "too"]


def test_other_services_reach_the_successor_under_all_names(real: RealBench) -> None:
    plain = {"image": f"{IMAGES}/web:1"}
    web = {**plain, "networks": {"one": {"aliases": ["www"]}}}
    real.define_raw({"web": web, "other": {**plain, "networks": ["one"]}}, networks={"one": {}})
    up(real)
    other = real.engine.observe(real.project).of("other")[0]
    old, _ = succeed(real, "web")
    for name in ("web", "www", old.name):
        assert "version=1" in docker("exec", other.id, "wget", "-qO-", f"http://{name}:8080/", host=real.host)


def test_a_label_names_no_generated_file(real: RealBench) -> None:
    real.define_raw({"web": {"image": f"{IMAGES}/web:1"}})
    up(real)
    _, new = succeed(real, "web")
    labels = real.inspect(new)["Config"]["Labels"]
    assert labels["com.docker.compose.project.config_files"] == str(real.folder / "compose.yaml")
    assert "reconcile.template" not in labels


def test_a_one_off_container_is_nobodys_business(real: RealBench) -> None:
    real.define_raw({"web": {"image": f"{IMAGES}/web:1"}})
    run(*compose(real), "run", "--detach", "web", "true")
    assert real.engine.observe(real.project).instances == ()
