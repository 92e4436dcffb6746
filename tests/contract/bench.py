"""What the contract suite needs around an engine: Compose files, images, and a look behind the port.

Two of them, over the fake world (fake_bench) and over a real engine (real_bench), do the same by other means.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from reconciler.domain.image import ImageRef
from reconciler.domain.observed import Instance
from reconciler.ports import Engine, Events

DATA = "/data"
CRASH_CODE = 3
ANSWER = ("echo said; exit 4", 4, "said\n")
"""What tests ask the shell of an image for, its exit code and its output."""


@dataclass(frozen=True, slots=True)
class Spec:
    """One service of a test's Compose file. `kind` says what its image does, unless `image` names it.

    In the image `web` are a shell, of which tests ask `ANSWER` alone, and `sleep`.
    """

    name: str = "web"
    kind: str = "web"
    restart: str = "no"
    port: int = 0
    joins: str = ""
    container_name: str = ""
    memory_limit_bytes: int = 0
    cpus: float = 0.0
    image: str = ""


class Bench(Protocol):
    """An engine with a project on it, named uniquely, and everything removed afterwards."""

    project: str

    @property
    def engine(self) -> Engine:
        """What is tested."""

    @property
    def events(self) -> Events:
        """What happens on it."""

    def define(self, *specs: Spec) -> None:
        """Write the Compose file."""

    def create(self, service: str = "web") -> Instance:
        """Let Compose create the first container of a service."""

    def template(self, service: str = "web") -> Instance:
        """Let Compose create a template beside what there is."""

    def volume(self, container: str) -> str:
        """The name of the anonymous volume of a container at /data."""

    def volumes(self) -> set[str]:
        """The names of all volumes on the host."""

    def discard_volume(self, name: str) -> None:
        """Remove a volume that no container has any more."""

    def tags(self) -> dict[str, str]:
        """The names that this test gave to images, and their ids."""

    def now(self) -> datetime:
        """A moment after all that was written so far, and before all that will be."""

    def pause(self, container: str) -> None:
        """Pause a container, as a person would."""

    def free_port(self) -> int:
        """A host port that nobody uses."""

    def published(self) -> ImageRef:
        """An image that a registry has and the host has not."""

    def restart_engine(self) -> None:
        """Stop the engine, and start it again."""


def new(after: Iterable[Instance], before: Iterable[Instance]) -> Instance:
    """The one container that was not there before."""
    known = {instance.id for instance in before}
    (found,) = (instance for instance in after if instance.id not in known)
    return found
