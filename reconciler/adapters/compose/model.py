"""The resolved Compose model, as Compose prints it in JSON, as services. The dicts end here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from reconciler.adapters.compose.powers import powers
from reconciler.domain.desired import Condition, Dependency, Join, Order, Port, Service

Json = Mapping[str, Any]

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(h|ms|m|s|us|ns)")
_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}


def service(name: str, spec: Json, config_hash: str, project: str, model: Json | None = None) -> Service:
    """One service of the model.

    Args:
        name: its name.
        spec: its mapping in ``docker compose config --format json``.
        config_hash: Compose's own hash, computed with the pins file.
        project: the project's name, which names images that are built here.
        model: the whole model, for the volumes, configs and secrets that the service uses.
    """
    deploy = spec.get("deploy") or {}
    return Service(
        name=name,
        image=str(spec.get("image") or f"{project}-{name}"),
        config_hash=config_hash,
        replicas=_replicas(spec, deploy),
        order=Order((deploy.get("update_config") or {}).get("order", Order.STOP_FIRST)),
        container_name=str(spec.get("container_name") or ""),
        depends_on=_dependencies(spec),
        one_shot=spec.get("restart") == "no",
        joins=_joins(spec),
        ports=tuple(_ports(spec)),
        volumes=tuple(sorted(_volumes(spec))),
        builds=bool(spec.get("build")) and not spec.get("image"),
        restart=_restart(spec, deploy),
        stop_grace_seconds=_duration(str(spec.get("stop_grace_period") or "10s")),
        powers=powers(spec, model),
    )


def uninjected(spec: Json, model: Json) -> tuple[str, ...]:
    """Configs and secrets that Compose writes into containers only when it starts them itself."""
    found: list[str] = []
    for kind in ("configs", "secrets"):
        definitions = model.get(kind) or {}
        for use in spec.get(kind) or ():
            definition = definitions.get(use.get("source")) or {}
            if "content" in definition or "environment" in definition:
                found.append(f"{kind[:-1]} {use['source']!r}")
    return tuple(found)


def unusable_variables(spec: Json) -> tuple[str, ...]:
    """Environment variables of a service that Compose takes and no process can be given."""
    variables: Mapping[str, Any] = spec.get("environment") or {}
    return tuple(
        name for name, value in variables.items() if not name or "=" in name or "\0" in f"{name}{value}"
    )


def _replicas(spec: Json, deploy: Json) -> int:
    if spec.get("scale") is not None:
        return int(spec["scale"])
    replicas = deploy.get("replicas")
    return 1 if replicas is None else int(replicas)


def _restart(spec: Json, deploy: Json) -> str:
    """The engine's restart policy, as Compose derives it from ``restart`` or ``deploy.restart_policy``."""
    policy = deploy.get("restart_policy")
    if spec.get("restart"):
        return str(spec["restart"])
    if policy:
        attempts = policy.get("max_attempts")
        words = {
            "none": "no",
            "any": "always",
            "on-failure": f"on-failure:{attempts}" if attempts else "on-failure",
        }
        return words.get(str(policy.get("condition") or "any"), "always")
    return "no"


def _dependencies(spec: Json) -> tuple[Dependency, ...]:
    """``depends_on`` in its long form, which is how Compose prints it."""
    return tuple(
        Dependency(
            service=name,
            condition=Condition(how.get("condition", Condition.STARTED)),
            restart=bool(how.get("restart", False)),
            required=bool(how.get("required", True)),
        )
        for name, how in sorted((spec.get("depends_on") or {}).items())
    )


def _joins(spec: Json) -> tuple[Join, ...]:
    """Namespaces (``service:NAME``) and volumes of other services."""
    values = [(key, str(spec.get(key) or "")) for key in ("network_mode", "ipc", "pid")]
    joins = [
        Join(key, value.removeprefix("service:")) for key, value in values if value.startswith("service:")
    ]
    sources = (str(source).partition(":")[0] for source in spec.get("volumes_from") or ())
    return (*joins, *(Join("volumes_from", name) for name in sources if name != "container"))


def _ports(spec: Json) -> list[Port]:
    """Published host ports; a range that Compose could not split is left to the engine."""
    found = []
    for port in spec.get("ports") or ():
        published = str(port.get("published") or "")
        if published.isdigit() and published != "0":
            found.append(
                Port(str(port.get("host_ip") or ""), int(published), str(port.get("protocol") or "tcp"))
            )
    return found


def _volumes(spec: Json) -> set[str]:
    """The sources of writable mounts that outlive a container."""
    return {
        str(mount["source"])
        for mount in spec.get("volumes") or ()
        if mount.get("type") in ("bind", "volume") and mount.get("source") and not mount.get("read_only")
    }


def _duration(text: str) -> float:
    """Seconds of a Compose duration, ``1m30s``."""
    return sum(float(number) * _SECONDS[unit] for number, unit in _DURATION.findall(text))
