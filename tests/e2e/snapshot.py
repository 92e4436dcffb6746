"""What is on an engine at one moment: what is the project's, and what is not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from docker import APIClient
from docker.errors import NotFound

from tests.e2e.containers import Container, container
from tests.e2e.recorder import PROJECT

Content = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Scope:
    """Which of the things on an engine are looked at.

    Others may be at work on the same engine. What is not the project's is compared where nobody but us and
    the program can have touched it: what bears the label, or was made from an image of our registry; on an
    engine of one's own everything.

    Args:
        label: the label of what the witness made itself.
        registry: the address of the registry that nobody else has.
        alone: whether nobody else uses this engine.
    """

    project: str
    label: str
    registry: str
    alone: bool = False

    def own(self, labels: Mapping[str, str] | None) -> bool:
        return (labels or {}).get(PROJECT) == self.project

    def foreign(self, labels: Mapping[str, str] | None, image: str = "") -> bool:
        ours = self.label in (labels or {}) or image.startswith(f"{self.registry}/")
        return not self.own(labels) and (self.alone or ours)

    def names(self, image: str) -> bool:
        """Whether nobody else can have given or taken this name of an image; the program may take its own."""
        if f":reconcile-{self.project}-" in image:
            return False
        return self.alone or image.startswith(f"{self.registry}/")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Containers, networks and volumes of the project; everything else as marks by name.

    Args:
        digests: by image id, the digests under which the engine knows the images of the project's containers.
        foreign: by kind and id or name, what stays the same while nobody touches it.
        in_use: by image id, the names of images that foreign containers are made from.
    """

    containers: tuple[Container, ...]
    networks: tuple[Content, ...]
    volumes: tuple[Content, ...]
    digests: Mapping[str, frozenset[str]]
    foreign: Mapping[str, object]
    in_use: Mapping[str, frozenset[str]]

    def of(self, service: str) -> list[Container]:
        return [one for one in self.containers if one.service == service]

    @property
    def services(self) -> list[str]:
        return sorted({one.service for one in self.containers})

    def running(self) -> dict[str, frozenset[str]]:
        """By service, the digests that its running containers were made from."""
        found: dict[str, frozenset[str]] = {}
        for one in self.containers:
            if one.status == "running":
                digests = self.digests.get(one.image_id, frozenset())
                found[one.service] = found.get(one.service, frozenset()) | digests
        return found


def healthy(one: Container) -> bool:
    """Running, and not unhealthy by its own check."""
    health = one.content["State"].get("Health", {}).get("Status", "none")
    return one.status == "running" and health in ("healthy", "none", "")


def take(client: APIClient, scope: Scope) -> Snapshot:
    """Look at everything once."""
    inspected = _each(client.inspect_container, (one["Id"] for one in client.containers(all=True)))
    networks = _each(client.inspect_network, (one["Id"] for one in client.networks()))
    volumes = client.volumes()["Volumes"] or []
    own = [one for one in inspected if scope.own(one["Config"]["Labels"])]
    others = [one for one in inspected if scope.foreign(one["Config"]["Labels"], one["Config"]["Image"])]
    foreign = {f"container {one['Id']}": _mark(one) for one in others}
    foreign |= {f"network {one['Id']}": _shape(one) for one in networks if scope.foreign(one["Labels"])}
    foreign |= {f"volume {one['Name']}": _origin(one) for one in volumes if scope.foreign(one["Labels"])}
    # Two sessions build the same image, which then has names in both registries, until one of them ends.
    names = _names(client, others, "RepoTags", lambda name: name)
    ours = {image: frozenset(filter(scope.names, all_)) for image, all_ in names.items()}
    return Snapshot(
        containers=tuple(sorted(map(container, own), key=lambda one: one.name)),
        networks=tuple(one for one in networks if scope.own(one["Labels"])),
        volumes=tuple(one for one in volumes if scope.own(one["Labels"])),
        digests=_names(client, own, "RepoDigests", lambda name: name.rpartition("@")[2]),
        foreign=foreign,
        in_use=ours,
    )


def _each(inspect: Callable[[str], Content], ids: Iterable[str]) -> list[Content]:
    """Inspect each; what a neighbour removed in between is left out."""
    found = []
    for one in ids:
        try:
            found.append(inspect(one))
        except NotFound:
            continue
    return found


def _names(
    client: APIClient, containers: list[Content], key: str, part: Callable[[str], str]
) -> dict[str, frozenset[str]]:
    images = _each(client.inspect_image, sorted({one["Image"] for one in containers}))
    return {image["Id"]: frozenset(map(part, image[key] or ())) for image in images}


def _mark(one: Content) -> object:
    state, host = one["State"], one["HostConfig"]
    return {
        "name": one["Name"].removeprefix("/"),
        "image": one["Image"],
        "state": (state["Status"], state["StartedAt"], one["RestartCount"]),
        "restart": str(host["RestartPolicy"]),
        "memory": host["Memory"],
        "mounts": sorted(mount["Destination"] + mount.get("Name", "") for mount in one["Mounts"]),
        "networks": sorted(one["NetworkSettings"]["Networks"]),
    }


def _shape(network: Content) -> object:
    everybodys = network["Name"] in ("bridge", "host", "none")
    ends = [] if everybodys else sorted(network["Containers"] or {})
    return {"name": network["Name"], "labels": network["Labels"], "containers": ends}


def _origin(volume: Content) -> object:
    return {"name": volume["Name"], "labels": volume["Labels"], "created": volume.get("CreatedAt", "")}
