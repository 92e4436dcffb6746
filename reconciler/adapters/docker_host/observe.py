"""What the engine says of containers, as values of the domain."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from reconciler.adapters.docker_host.sdk import Client
from reconciler.domain.data import CONTRACT_LABEL
from reconciler.domain.observed import Health, Instance, Observed, State, Vitals

PROJECT = "com.docker.compose.project"
SERVICE = "com.docker.compose.service"
NUMBER = "com.docker.compose.container-number"
CONFIG_HASH = "com.docker.compose.config-hash"
CONFIG_FILES = "com.docker.compose.project.config_files"
ONE_OFF = "com.docker.compose.oneoff"
MADE_FROM = "com.docker.compose.image"
COMPOSE_VERSION = "com.docker.compose.version"
TEMPLATE = "reconcile.template"
HOOK = "reconcile.hook"

_EXIT_CODE = re.compile(r"(?:Exited|Restarting) \((-?\d+)\)")


def entries_of(client: Client, label: str) -> list[dict[str, Any]]:
    """The engine's list of all containers with ``label`` (``key=value``).

    Not ``containers.list()`` of the high-level SDK, which asks once more for each and fails when one is
    removed meanwhile (https://github.com/docker/docker-py/issues/2451).
    """
    return client.containers(all=True, filters={"label": [label]})


def observed(project: str, entries: Iterable[Mapping[str, Any]]) -> Observed:
    """All containers of a Compose project, from the engine's list. One-off ones are other people's."""
    instances = [
        instance(entry)
        for entry in entries
        if entry["Labels"].get(ONE_OFF) != "True" or HOOK in entry["Labels"]
    ]
    instances.sort(key=lambda one: (one.service, one.name))
    return Observed(project, tuple(instances))


def instance(entry: Mapping[str, Any]) -> Instance:
    """One entry of the engine's list of containers."""
    labels, status = entry["Labels"], entry["Status"]
    mode = entry["HostConfig"].get("NetworkMode", "")
    exited = _EXIT_CODE.match(status)
    return Instance(
        id=entry["Id"],
        name=own_name(entry["Names"]),
        service=labels.get(SERVICE, ""),
        number=int(labels.get(NUMBER) or 0),
        config_hash=labels.get(CONFIG_HASH, ""),
        image=entry["Image"],
        image_id=entry["ImageID"],
        state=State(entry["State"]),
        health=_health(status),
        exit_code=int(exited[1]) if exited else 0,
        made_from=labels.get(MADE_FROM, ""),
        network_of=mode[len("container:") :] if mode.startswith("container:") else "",
        compose_version=labels.get(COMPOSE_VERSION, ""),
        template=TEMPLATE in labels or HOOK in labels,
        contract=labels.get(CONTRACT_LABEL, ""),
    )


def own_name(names: list[str] | None) -> str:
    """The container's own name; links of other containers show up as ``/other/alias`` beside it.

    A container that is just being removed can be without any.
    """
    return next((name[1:] for name in names or () if "/" not in name[1:]), "")


def _health(status: str) -> Health:
    """What the list says of a HEALTHCHECK, which is only in its text for people.

    https://github.com/moby/moby/blob/v20.10.24/container/state.go#L84
    """
    if not status.endswith(")") or status[:2] != "Up":
        return Health.NONE
    if "(healthy)" in status:
        return Health.HEALTHY
    if "(unhealthy)" in status:
        return Health.UNHEALTHY
    return Health.STARTING if "(health: starting)" in status else Health.NONE


def taken_ports(entries: Iterable[Mapping[str, Any]]) -> dict[str, tuple[str, str]]:
    """The published ports of listed containers: ``address:number/protocol`` → (container id, name)."""
    return {
        f"{port.get('IP', '')}:{port['PublicPort']}/{port['Type']}": (entry["Id"], own_name(entry["Names"]))
        for entry in entries
        for port in entry["Ports"]
        if port.get("PublicPort")
    }


def vitals(content: Mapping[str, Any]) -> Vitals:
    """One container, from the engine's answer to an inspection."""
    state = content["State"]
    return Vitals(
        id=content["Id"],
        name=content["Name"].removeprefix("/"),
        state=State(state["Status"]),
        health=Health((state.get("Health") or {}).get("Status") or "none"),
        exit_code=state["ExitCode"],
        restart_count=content["RestartCount"],
        started_at="" if state["StartedAt"].startswith("0001-01-01") else state["StartedAt"],
        oom_killed=state["OOMKilled"],
        error=state["Error"],
        image=content["Config"]["Image"],
        image_id=content["Image"],
        restart_policy=policy_text(content["HostConfig"].get("RestartPolicy") or {}),
        first_health_seconds=_first_health(content["Config"].get("Healthcheck") or {}),
    )


def _first_health(check: Mapping[str, Any]) -> float:
    """Seconds until a HEALTHCHECK was asked once: after its first interval, 30 s by default."""
    if not check.get("Test") or check["Test"][0] == "NONE":
        return 0.0
    usual = 30 * 10**9
    return ((check.get("Interval") or usual) + (check.get("Timeout") or usual)) / 10**9


def policy_text(policy: Mapping[str, Any]) -> str:
    """A restart policy as the docker command writes it."""
    name = policy.get("Name") or "no"
    return f"{name}:{policy.get('MaximumRetryCount', 0)}" if name == "on-failure" else str(name)


def policy_of(text: str) -> dict[str, Any]:
    """The engine's form of a restart policy such as ``on-failure:3``.

    Raises:
        ValueError: the number of retries is none.
    """
    name, _, retries = text.partition(":")
    return {"Name": name, "MaximumRetryCount": int(retries or 0)}
