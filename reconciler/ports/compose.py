"""Docker Compose, as far as it is needed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from reconciler.domain.desired import Service
from reconciler.domain.environment import Environment


@dataclass(frozen=True, slots=True)
class Model:
    """The resolved Compose model of an environment: all active services, sorted by name.

    ``inactive`` names the services of profiles that are not active.
    """

    services: tuple[Service, ...]
    compose_version: str
    inactive: tuple[str, ...] = ()


class Compose(Protocol):
    """Docker Compose: the only reader of Compose files, and the creator of containers."""

    def files(self, environment: Environment) -> tuple[Path, ...]:
        """The environment's own Compose files, absolute, without the pins file.

        Raises:
            InvalidSettings: the project directory is not there.
            InvalidState: a file is not there, or leads out of it.
        """

    def inputs(self, environment: Environment, files: Sequence[Path]) -> tuple[Path, ...]:
        """Further files that ``files`` refer to (env files, includes), as far as can be told."""

    def stamp(self, environment: Environment, files: Sequence[Path]) -> object | None:
        """A cheap value (no child process) that changes whenever the model may have changed.

        None where that cannot be told.
        """

    def resolve(self, environment: Environment, files: Sequence[Path]) -> Model:
        """Resolve ``files`` (base files first, the pins file last) into services.

        Images are those of the base files; hashes are computed with the pins.

        Raises:
            InvalidState: Compose cannot read the files.
            ComposeFailed: Compose is missing, too old, or version 1.
        """

    def hashes(
        self,
        environment: Environment,
        files: Sequence[Path],
        services: Sequence[Service],
        containers: Mapping[str, str],
        images: Mapping[str, str],
    ) -> Mapping[str, str]:
        """The hashes that Compose gives ``services`` when it creates them beside what is there.

        ``containers`` maps each joined service to the id of its container; ``images`` maps services
        to an image reference that they have instead of the model's.

        Raises:
            InvalidState, ComposeFailed.
        """

    def create(
        self,
        environment: Environment,
        files: Sequence[Path],
        scale: Mapping[str, int],
        images: Mapping[str, str] | None = None,
    ) -> None:
        """Create, without starting, the missing containers of the services in ``scale``.

        ``scale`` maps a service to how many containers it should have in all. Networks and volumes
        that are missing are created. Existing containers are not touched, and no other service is.
        ``images`` maps services to an image reference that they have instead of their pin.

        Raises:
            ComposeFailed: with what Compose said.
        """

    def create_templates(
        self,
        environment: Environment,
        files: Sequence[Path],
        scale: Mapping[str, int],
        images: Mapping[str, str] | None = None,
    ) -> None:
        """The same, for services that have containers already; the new ones are templates.

        A template (``Instance.template``) is never started: ``Engine.succeed`` makes successors from it.
        """
