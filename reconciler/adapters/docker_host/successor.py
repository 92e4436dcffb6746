"""What to create as the successor of a container, from what Compose created for us.

Compose is the only reader of Compose files, so its container is the model; what only Compose's own
recreate would carry over from the predecessor (number, anonymous volumes) is filled in here.
https://github.com/docker/compose/blob/v2.26.1/pkg/compose/create.go
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.adapters.docker_host.observe import CONFIG_FILES, CONFIG_HASH, NUMBER, TEMPLATE

GENERATED_SUFFIX = ".reconcile.yaml"
PIPED = "-"
"""How Compose notes the file that it read from us: successors do not mention it."""
_ENDPOINT_KEYS = ("IPAMConfig", "Links", "DriverOpts", "MacAddress", "GwPriority")
_ANONYMOUS = re.compile(r"[0-9a-f]{64}")
_API_OF_MANY_ENDPOINTS = (1, 44)


@dataclass(frozen=True, slots=True)
class Creation:
    """The body of a create request, and the endpoints that must be connected afterwards, by network."""

    body: Mapping[str, Any]
    later: Mapping[str, Mapping[str, Any]]


def creation(
    template: Mapping[str, Any],
    predecessor: Mapping[str, Any],
    serving_name: str,
    config_hash: str,
    shares: Mapping[str, str],
    api_version: str,
) -> Creation:
    """What to ask the engine for.

    Args:
        template: the inspected template; it never ran, so nothing in it comes from running.
        predecessor: the inspected predecessor.
        serving_name: the name under which the other containers know it.
        config_hash: Compose's hash of the service as Git has it.
        shares: container ids that the template refers to → those to refer to instead.
        api_version: the engine's; before 1.44 one endpoint fits into the request.
    """
    host = _host_config(template, predecessor, shares)
    config = _config(template, predecessor, config_hash, host)
    endpoints = {
        network: _endpoint(endpoint, template, serving_name)
        for network, endpoint in (template["NetworkSettings"].get("Networks") or {}).items()
    }
    first = dict(endpoints)
    if tuple(int(part) for part in api_version.split(".")) < _API_OF_MANY_ENDPOINTS:
        primary = host["NetworkMode"] if host["NetworkMode"] in endpoints else next(iter(endpoints), "")
        first = {network: endpoint for network, endpoint in endpoints.items() if network == primary}
    later = {network: endpoint for network, endpoint in endpoints.items() if network not in first}
    return Creation({**config, "HostConfig": host, "NetworkingConfig": {"EndpointsConfig": first}}, later)


def _config(
    template: Mapping[str, Any], predecessor: Mapping[str, Any], config_hash: str, host: Mapping[str, Any]
) -> dict[str, Any]:
    config = dict(template["Config"])
    config["Labels"] = _labels(config["Labels"], predecessor["Config"]["Labels"], config_hash)
    joins_network = str(host["NetworkMode"]).startswith("container:")
    if joins_network or host.get("UTSMode") == "host" or config.get("Hostname") == template["Id"][:12]:
        config.pop("Hostname", None)
    if joins_network:
        # The image's own EXPOSE comes back with the inspection; asking for it is then a conflict.
        config.pop("ExposedPorts", None)
    # An empty entrypoint means "the image's" to the engine; [""] is how to say that there is none.
    # https://github.com/moby/moby/blob/v20.10.24/daemon/create.go#L324
    config["Entrypoint"] = config.get("Entrypoint") or [""]
    return config


def _labels(template: Mapping[str, str], predecessor: Mapping[str, str], config_hash: str) -> dict[str, str]:
    labels = {key: value for key, value in template.items() if key != TEMPLATE}
    labels[CONFIG_HASH] = config_hash
    if NUMBER in predecessor:
        labels[NUMBER] = predecessor[NUMBER]
    if CONFIG_FILES in labels:
        files = labels[CONFIG_FILES].split(",")
        kept = [file for file in files if file != PIPED and not file.endswith(GENERATED_SUFFIX)]
        labels[CONFIG_FILES] = ",".join(kept)
    return labels


def _host_config(
    template: Mapping[str, Any], predecessor: Mapping[str, Any], shares: Mapping[str, str]
) -> dict[str, Any]:
    host = dict(template["HostConfig"])
    for key in ("NetworkMode", "IpcMode", "PidMode"):
        kind, _, container = str(host.get(key) or "").partition(":")
        if kind == "container":
            host[key] = f"container:{shares.get(container, container)}"
    if host.get("VolumesFrom"):
        host["VolumesFrom"] = [_with_shared(entry, shares) for entry in host["VolumesFrom"]]
    carried = carried_volumes(template, predecessor)
    if carried:
        mounts = [mount for mount in host.get("Mounts") or () if mount["Target"] not in carried]
        host["Mounts"] = mounts + list(carried.values())
    return host


def _with_shared(entry: str, shares: Mapping[str, str]) -> str:
    container, colon, mode = entry.partition(":")
    return f"{shares.get(container, container)}{colon}{mode}"


def carried_volumes(template: Mapping[str, Any], predecessor: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The predecessor's anonymous volumes that the successor must mount, by destination.

    Compose's own recreate carries them as well; fresh ones would lose the data.
    """
    kept = _anonymous(predecessor)
    return {
        destination: {
            "Type": "volume",
            "Source": kept[destination]["Name"],
            "Target": destination,
            "ReadOnly": not mount.get("RW", True),
        }
        for destination, mount in _anonymous(template).items()
        # The same volume already: both have it from a container that they share volumes with.
        if destination in kept and kept[destination]["Name"] != mount["Name"]
    }


def _anonymous(content: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    return {
        mount["Destination"]: mount
        for mount in content.get("Mounts") or ()
        if mount["Type"] == "volume" and _ANONYMOUS.fullmatch(mount.get("Name", ""))
    }


def _endpoint(endpoint: Mapping[str, Any], template: Mapping[str, Any], serving_name: str) -> dict[str, Any]:
    """One network's endpoint; a template never ran, so a MAC address in it is a configured one."""
    own = {template["Name"].removeprefix("/"), template["Id"][:12]}
    aliases = endpoint.get("Aliases") or []
    kept = [alias for alias in aliases if alias not in own]
    if len(kept) < len(aliases) and serving_name not in kept:
        kept.insert(0, serving_name)
    chosen = {key: endpoint[key] for key in _ENDPOINT_KEYS if endpoint.get(key) not in (None, "", 0)}
    return {**chosen, "Aliases": kept} if kept else chosen
