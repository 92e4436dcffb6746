"""What the engine's statistics and descriptions become, without an engine: both cgroups, and secrets."""

from __future__ import annotations

import json
from typing import Any

import pytest

from reconciler.adapters.docker_host.description import told
from reconciler.adapters.docker_host.usage import measured

MIB = 1 << 20
HOST: dict[str, Any] = {"Memory": 0, "NanoCpus": 0, "CpuQuota": 0, "CpuPeriod": 0, "CpusetCpus": ""}


def sample(**memory: Any) -> dict[str, Any]:
    """The engine's statistics, as far as they are read."""
    return {"memory_stats": memory, "cpu_stats": {"cpu_usage": {"total_usage": 1_500_000_000}}}


@pytest.mark.parametrize(
    ("details", "megabytes"),
    [
        ({"total_inactive_file": 10 * MIB, "inactive_file": 1 * MIB}, 20),
        ({"inactive_file": 10 * MIB, "file": 12 * MIB}, 20),
        ({"total_inactive_file": 0, "inactive_file": 10 * MIB}, 30),
        ({"inactive_file": 40 * MIB}, 30),
        ({}, 30),
        (None, 30),
    ],
    ids=["cgroup v1", "cgroup v2", "v1 without cache", "more cache than use", "no details", "nothing"],
)
def test_page_cache_is_left_out(details: dict[str, int] | None, megabytes: int) -> None:
    usage = measured(sample(usage=30 * MIB, stats=details), HOST)
    assert usage is not None
    assert usage.memory_bytes == megabytes * MIB
    assert usage.cpu_seconds == 1.5


def test_the_limit_is_the_configured_one() -> None:
    """A sample tells the memory of the host where there is none."""
    for configured in (0, 64 * MIB):
        usage = measured(sample(usage=MIB, limit=8192 * MIB), HOST | {"Memory": configured})
        assert usage is not None
        assert usage.memory_limit_bytes == configured


@pytest.mark.parametrize(
    ("host", "cpus"),
    [
        ({}, 0.0),
        ({"NanoCpus": 1_500_000_000}, 1.5),
        ({"CpuQuota": 50_000, "CpuPeriod": 200_000}, 0.25),
        ({"CpuQuota": 50_000}, 0.5),
        ({"CpuQuota": -1}, 0.0),
        ({"CpusetCpus": "0-2,5"}, 4.0),
        ({"CpusetCpus": "1", "NanoCpus": 2_000_000_000}, 1.0),
        ({"CpuQuota": None, "CpuPeriod": None, "NanoCpus": None, "CpusetCpus": None}, 0.0),
    ],
)
def test_processors_are_limited_in_three_ways(host: dict[str, Any], cpus: float) -> None:
    usage = measured(sample(usage=MIB), HOST | host)
    assert usage is not None
    assert usage.cpus == cpus


@pytest.mark.parametrize("memory", [{}, {"stats": {}}])
def test_no_numbers_are_no_usage(memory: dict[str, Any]) -> None:
    """A container that ended while it was measured, or a host that counts no memory."""
    assert measured(sample(**memory), HOST) is None
    assert measured({"memory_stats": None}, HOST) is None


# --- descriptions ---------------------------------------------------------------------------------


def test_what_may_hold_a_secret_is_left_out() -> None:
    secret = "canary"
    content = {
        "Path": "serve",
        "Args": [f"--token={secret}", "x"],
        "Config": {
            "Env": [f"TOKEN={secret}", f"WITH={secret}={secret}", "EMPTY="],
            "Labels": {"own": secret, "com.docker.compose.project": "shop"},
            "Entrypoint": ["serve", secret],
            "Cmd": [secret],
            "Healthcheck": {"Test": ["CMD-SHELL", f"curl {secret}"], "Interval": 1},
        },
        "HostConfig": {
            "LogConfig": {"Type": "splunk", "Config": {"splunk-token": secret}},
            "Mounts": [{"VolumeOptions": {"DriverConfig": {"Name": "local", "Options": {"o": secret}}}}],
            "Annotations": {"own": secret},
        },
        "NetworkSettings": {"Networks": {"n": {"DriverOpts": {"key": secret}, "Aliases": ["web"]}}},
        "State": {"Health": {"Log": [{"Output": "connection refused"}]}},
    }
    text = told(content)
    assert secret not in text
    assert json.loads(text) == {
        "Path": "serve",
        "Args": ["… (2)"],
        "Config": {
            "Env": ["TOKEN=…", "WITH=…", "EMPTY=…"],
            "Labels": {"own": "…", "com.docker.compose.project": "shop"},
            "Entrypoint": ["serve", "… (1)"],
            "Cmd": ["… (1)"],
            "Healthcheck": {"Test": ["… (2)"], "Interval": 1},
        },
        "HostConfig": {
            "LogConfig": {"Type": "splunk", "Config": {"splunk-token": "…"}},
            "Mounts": [{"VolumeOptions": {"DriverConfig": {"Name": "local", "Options": {"o": "…"}}}}],
            "Annotations": {"own": "…"},
        },
        "NetworkSettings": {"Networks": {"n": {"DriverOpts": {"key": "…"}, "Aliases": ["web"]}}},
        "State": {"Health": {"Log": [{"Output": "connection refused"}]}},
    }


def test_nothing_stays_nothing() -> None:
    content = {"Config": {"Env": None, "Labels": None, "Entrypoint": None, "Cmd": None}, "Args": []}
    assert json.loads(told(content)) == content
