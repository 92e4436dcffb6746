"""Desired and observed, in the fewest words: `svc` is a service, `box` a container of one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from reconciler.domain.check import Check, Http, Request
from reconciler.domain.data import Data
from reconciler.domain.desired import (
    Condition,
    Dependency,
    Desired,
    Join,
    Order,
    Pin,
    Port,
    Revision,
    Service,
)
from reconciler.domain.diff import diff
from reconciler.domain.environment import Environment, Gate, Rollback, Unpinned
from reconciler.domain.image import ImageRef
from reconciler.domain.observed import Health, Instance, Observed, State
from reconciler.domain.plan import Plan
from reconciler.domain.severity import Severity

COMMIT = "8f3c2d1aa0b1c2d3e4f5061728394a5b6c7d8e9f"
COMPOSE = "2.26.1"
PROJECT = "shop"


def digest(version: str) -> str:
    """The digest of a version: its characters over and over, as hexadecimal digits."""
    return f"sha256:{(version.encode().hex() * 64)[:64]}"


def image(name: str, version: str) -> str:
    """``registry/NAME:VERSION@sha256:…``."""
    return f"registry/{name}:{version}@{digest(version)}"


def image_id(reference: str) -> str:
    """The id of the image that a reference stands for."""
    return f"id of {reference}"


def config_hash(name: str, version: str, definition: str = "") -> str:
    """What Compose makes of a definition and its image."""
    return f"{name} {version} {definition}".strip()


def pin(name: str, version: str) -> Pin:
    return Pin(name, ImageRef.parse(image(name, version)), 3, 12)


def svc(
    name: str,
    version: str = "1",
    *,
    definition: str = "",
    pinned: bool = True,
    replicas: int = 1,
    order: Order = Order.STOP_FIRST,
    container_name: str = "",
    needs: Sequence[str | Dependency] = (),
    one_shot: bool = False,
    network_of: str = "",
    ports: tuple[Port, ...] = (),
    volumes: tuple[str, ...] = (),
    restart: str = "unless-stopped",
    powers: tuple[str, ...] = (),
) -> Service:
    """A service at a version of its image; ``definition`` stands for everything else in its hash."""
    return Service(
        name=name,
        image=image(name, version),
        config_hash=config_hash(name, version, definition),
        pin=pin(name, version) if pinned else None,
        replicas=replicas,
        order=order,
        container_name=container_name,
        depends_on=tuple(need if isinstance(need, Dependency) else Dependency(need) for need in needs),
        one_shot=one_shot,
        joins=(Join("network_mode", network_of),) if network_of else (),
        ports=ports,
        volumes=volumes,
        restart="no" if one_shot else restart,
        powers=powers,
    )


def once(name: str) -> Dependency:
    """Wait until a one-shot service has completed."""
    return Dependency(name, Condition.COMPLETED)


def box(
    name: str,
    version: str = "1",
    state: State = State.RUNNING,
    *,
    service: str = "",
    definition: str = "",
    health: Health = Health.NONE,
    exit_code: int = 0,
    made_from: str = "",
    network_of: str = "",
    compose: str = COMPOSE,
    template: bool = False,
    hash: str = "",  # noqa: A002  # the word of the domain
) -> Instance:
    """A container called ``SERVICE-NUMBER``, perhaps with ``.successor`` or ``.predecessor`` behind it."""
    stem = name.partition(".")[0]
    of, dash, number = stem.rpartition("-")
    service = service or (of if dash else stem)
    return Instance(
        id=f"id-{name}",
        name=name,
        service=service,
        number=int(number) if number.isdigit() else 1,
        config_hash=hash or config_hash(service, version, definition),
        image=image(service, version),
        image_id=image_id(image(service, version)),
        state=state,
        health=health,
        exit_code=exit_code,
        made_from=made_from or image_id(image(service, version)),
        network_of=network_of,
        compose_version=compose,
        template=template,
    )


def environment(
    *,
    gate: Gate | None = None,
    prune: bool = False,
    unpinned: Unpinned = Unpinned.FOLLOW,
    name: str = "production",
    rollback: Rollback | None = None,
    data: Data | None = None,
) -> Environment:
    return Environment(
        name=name,
        pins=f"{name}/compose.pins.yaml",
        project=PROJECT,
        directory=".",
        compose=("compose.yaml",),
        gate=gate or Gate(timeout_seconds=30.0, soak_seconds=0.0),
        rollback=rollback or Rollback(),
        prune=prune,
        unpinned=unpinned,
        data=data or Data(),
    )


def check(name: str = "front", severity: Severity = Severity.CRITICAL) -> Check:
    return Check(name, Http(Request(url(name))), severity)


def url(name: str) -> str:
    """What `check` asks."""
    return f"http://127.0.0.1/{name}"


def desired(*services: Service, inactive: tuple[str, ...] = (), env: Environment | None = None) -> Desired:
    in_order = tuple(sorted(services, key=lambda one: one.name))
    return Desired(env or environment(), Revision(COMMIT, "main"), in_order, COMPOSE, inactive)


def observed(*instances: Instance) -> Observed:
    return Observed(PROJECT, tuple(sorted(instances, key=lambda one: (one.service, one.name))))


def planned(
    services: Iterable[Service],
    instances: Iterable[Instance],
    *,
    kept: Mapping[str, str] | None = None,
    inactive: tuple[str, ...] = (),
    env: Environment | None = None,
) -> Plan:
    """The plan between them."""
    return diff(desired(*services, inactive=inactive, env=env), observed(*instances), kept)
