"""Creating a successor: one container, or none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.adapters.docker_host.connection import Connection
from reconciler.adapters.docker_host.lifecycle import remove
from reconciler.adapters.docker_host.observe import CONFIG_HASH
from reconciler.adapters.docker_host.sdk import Client
from reconciler.adapters.docker_host.successor import creation
from reconciler.domain.observed import Instance
from reconciler.errors import EngineUnreachable, ReconcileError


def succeed(
    connection: Connection,
    template: Instance,
    predecessor: Instance,
    name: str,
    config_hash: str,
    shares: Mapping[str, str],
) -> str:
    """Create the successor of ``predecessor`` from ``template`` under ``name``; returns its id.

    Raises:
        EngineFailed, EngineUnreachable: there is no successor then, unless the engine went away.
    """
    with connection.asked(f"look at what {name} is made from") as client:
        made = creation(
            client.inspect_container(template.id),
            client.inspect_container(predecessor.id),
            predecessor.serving_name,
            config_hash,
            shares,
            client.api_version,
        )
    successor = _create(connection, name, dict(made.body))
    try:
        for network, endpoint in made.later.items():
            with connection.asked(f"connect {name} to network {network}") as client:
                _connect(client, successor, network, endpoint)
    except ReconcileError:
        remove(connection, successor, fresh_volumes=True)
        raise
    return successor


def _create(connection: Connection, name: str, body: dict[str, Any]) -> str:
    try:
        with connection.asked(f"create container {name}") as client:
            return str(client.create_container_from_config(body, name)["Id"])
    except EngineUnreachable:
        # The engine may have created it although its answer got lost: its name tells.
        found = _by_name(connection, name, body["Labels"][CONFIG_HASH])
        if not found:
            raise
        return found


def _by_name(connection: Connection, name: str, config_hash: str) -> str:
    from docker.errors import NotFound

    with connection.asked(f"look for container {name}") as client:
        try:
            content = client.inspect_container(name)
        except NotFound:
            return ""
    ours = (
        content["Config"]["Labels"].get(CONFIG_HASH) == config_hash
        and content["State"]["Status"] == "created"
    )
    return str(content["Id"]) if ours else ""


def _connect(client: Client, container: str, network: str, endpoint: Mapping[str, Any]) -> None:
    addresses = endpoint.get("IPAMConfig") or {}
    client.connect_container_to_network(
        container,
        network,
        ipv4_address=addresses.get("IPv4Address"),
        ipv6_address=addresses.get("IPv6Address"),
        link_local_ips=addresses.get("LinkLocalIPs"),
        aliases=endpoint.get("Aliases"),
        links=[tuple(link.split(":", 1)) for link in endpoint.get("Links") or ()] or None,
        driver_opt=endpoint.get("DriverOpts"),
        mac_address=endpoint.get("MacAddress"),
    )
