"""What a container uses, as ``docker stats`` computes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.adapters.docker_host.connection import Connection
from reconciler.adapters.docker_host.lifecycle import brief
from reconciler.adapters.docker_host.sdk import Client, Json
from reconciler.domain.observed import Usage

_API_OF_ONE_SHOT = (1, 41)
_NANO = 1_000_000_000
_USUAL_PERIOD = 100_000


def usage(connection: Connection, container: str) -> Usage | None:
    """What a running container uses now; None where it does not run, or nothing is counted.

    Engine 20.10 answers with its next tick, up to 1 s later and at the same moment for all who wait: ask
    for several containers side by side.
    """
    from docker.errors import NotFound

    with connection.asked(f"measure container {brief(container)}") as client:
        try:
            host = client.inspect_container(container)["HostConfig"]
            return measured(_sample(client, container), host)
        except NotFound:
            return None


def _sample(client: Client, container: str) -> Json:
    """One sample. Without one-shot the engine waits for a second one, to compute percentages: 1 s more."""
    if tuple(int(part) for part in client.api_version.split(".")) < _API_OF_ONE_SHOT:
        return client.stats(container, stream=False)
    return client.stats(container, stream=False, one_shot=True)


def measured(sample: Mapping[str, Any], host: Mapping[str, Any]) -> Usage | None:
    """A sample of the engine as a value.

    The limits are those of the container's configuration: a sample of one without a memory limit tells
    the memory of the whole host.

    Args:
        sample: the engine's statistics; without numbers where the container ended meanwhile.
        host: ``HostConfig`` of the inspected container.
    """
    memory = sample.get("memory_stats") or {}
    if "usage" not in memory:
        return None
    return Usage(
        memory_bytes=_without_page_cache(memory),
        memory_limit_bytes=int(host.get("Memory") or 0),
        cpu_seconds=sample["cpu_stats"]["cpu_usage"]["total_usage"] / _NANO,
        cpus=_cpus(host),
    )


def _without_page_cache(memory: Mapping[str, Any]) -> int:
    """https://github.com/docker/cli/blob/v28.2.2/cli/command/container/stats_helpers.go#L239"""
    details = memory.get("stats") or {}
    cache = int(details.get("total_inactive_file", details.get("inactive_file", 0)))  # cgroup v1, v2
    used = int(memory["usage"])
    return used - cache if cache < used else used


def _cpus(host: Mapping[str, Any]) -> float:
    """How many processors it may use at once, 0 where nothing limits it: the tightest of three ways."""
    quota = max(int(host.get("CpuQuota") or 0), 0)  # -1 means none
    ways = (
        int(host.get("NanoCpus") or 0) / _NANO,
        quota / int(host.get("CpuPeriod") or _USUAL_PERIOD),
        float(_counted(host.get("CpusetCpus") or "")),
    )
    return min((way for way in ways if way > 0), default=0.0)


def _counted(cpuset: str) -> int:
    """How many there are in a list such as ``0-2,5``."""
    spans = [span.partition("-") for span in cpuset.split(",") if span]
    return sum(int(last or first) - int(first) + 1 for first, _, last in spans)
