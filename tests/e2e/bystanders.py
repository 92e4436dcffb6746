"""Things on the engine that are none of the program's business, and look as if they were."""

from __future__ import annotations

import secrets
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from docker import APIClient
from docker.errors import NotFound

from tests.e2e.recorder import NUMBER, PROJECT, SERVICE


@dataclass(slots=True)
class Bystanders:
    """A container of a project whose name begins like ours, one that is named like a predecessor of ours,
    the network and the volume that the former uses, and a network and a volume that nobody uses.

    Args:
        image: what the containers are made from; without it on the engine there are none.
    """

    client: APIClient
    project: str
    image: str
    label: str = field(default_factory=lambda: f"witness.{secrets.token_hex(6)}")
    containers: list[str] = field(default_factory=list)
    networks: list[str] = field(default_factory=list)
    volumes: list[str] = field(default_factory=list)

    @property
    def ids(self) -> frozenset[str]:
        """As the engine's events name them."""
        return frozenset((*self.containers, *self.networks, *self.volumes))

    def __enter__(self) -> Self:
        try:
            self._make()
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._remove()

    def _make(self) -> None:
        other = f"{self.project}-other"
        labels = {self.label: "1", PROJECT: other}
        for name in (f"{other}_default", f"{other}_spare"):
            self.networks.append(self.client.create_network(name, labels=labels)["Id"])
            self.volumes.append(self.client.create_volume(name, labels=labels)["Name"])
        try:
            self.client.inspect_image(self.image)  # type: ignore[no-untyped-call]
        except NotFound:
            return
        service = {SERVICE: "web", NUMBER: "1"}
        self._create(f"{other}-web-1", {**labels, **service}, mounted=self.volumes[0])
        self._create(f"{self.project}-web-99.predecessor", {self.label: "1"})
        self.client.start(self.containers[0])

    def _create(self, name: str, labels: dict[str, str], mounted: str = "") -> None:
        host = self.client.create_host_config(
            binds=[f"{mounted}:/data"] if mounted else [], network_mode=self.networks[0]
        )
        made = self.client.create_container(
            self.image, name=name, labels=labels, host_config=host, command=["/bin/sleep", "3600"]
        )
        self.containers.append(made["Id"])

    def _remove(self) -> None:
        for container in self.containers:
            with suppress(NotFound):
                self.client.remove_container(container, force=True, v=True)
        for network in self.networks:
            with suppress(NotFound):
                self.client.remove_network(network)
        for volume in self.volumes:
            with suppress(NotFound):
                self.client.remove_volume(volume)
