"""Containers as `docker inspect` shows them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Container:
    """One container, inspected."""

    content: Mapping[str, Any] = field(repr=False)
    id: str
    name: str
    service: str
    image: str
    image_id: str
    status: str
    started_at: str
    pid: int

    @property
    def mark(self) -> tuple[str, str, str, str, str]:
        """What stays the same for as long as nobody touches it."""
        policy = str(self.content["HostConfig"]["RestartPolicy"])
        return (self.id, self.name, self.status, self.started_at, policy)


def container(content: Mapping[str, Any]) -> Container:
    state = content["State"]
    return Container(
        content=content,
        id=content["Id"],
        name=content["Name"].removeprefix("/"),
        service=content["Config"]["Labels"].get("com.docker.compose.service", ""),
        image=content["Config"]["Image"],
        image_id=content["Image"],
        status=state["Status"],
        started_at=state["StartedAt"],
        pid=state["Pid"],
    )
