"""What Git says should run, at one revision."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from reconciler.domain.environment import Environment
from reconciler.domain.image import ImageRef


@dataclass(frozen=True, slots=True)
class Revision:
    """The Git commit at which a desired state was read.

    ``commit`` is the full object id; ``branch`` is empty when HEAD is detached; ``dirty`` is true
    when uncommitted files were read as well (``--allow-dirty``).
    """

    commit: str
    branch: str = ""
    subject: str = ""
    author: str = ""
    dirty: bool = False

    def short(self) -> str:
        """``main@8f3c2d1``, or ``8f3c2d1`` where HEAD is detached; ``+`` marks uncommitted changes."""
        name = f"{self.branch}@{self.commit[:7]}" if self.branch else self.commit[:7]
        return name + ("+" if self.dirty else "")


@dataclass(frozen=True, slots=True)
class Pin:
    """One line of a pins file: which image a service runs, and where it is written (counted from 1)."""

    service: str
    image: ImageRef
    line: int
    column: int


class Order(StrEnum):
    """Which of predecessor and successor goes first: Compose's ``deploy.update_config.order``."""

    STOP_FIRST = "stop-first"
    START_FIRST = "start-first"


class Condition(StrEnum):
    """What a dependent waits for: Compose's ``depends_on.<service>.condition``."""

    STARTED = "service_started"
    HEALTHY = "service_healthy"
    COMPLETED = "service_completed_successfully"


@dataclass(frozen=True, slots=True, order=True)
class Dependency:
    """One entry of ``depends_on``; ``restart`` asks for a restart when the dependency is replaced."""

    service: str
    condition: Condition = Condition.STARTED
    restart: bool = False
    required: bool = True


@dataclass(frozen=True, slots=True, order=True)
class Port:
    """A published host port; ``address`` is empty for all addresses."""

    address: str
    number: int
    protocol: str = "tcp"

    def clashes(self, other: Port) -> bool:
        """Whether both cannot be bound at once on one host."""
        everywhere = ("", "0.0.0.0", "::")  # noqa: S104  # compared with, never bound to
        same_address = (
            self.address == other.address or self.address in everywhere or other.address in everywhere
        )
        return same_address and (self.number, self.protocol) == (other.number, other.protocol)

    def __str__(self) -> str:
        return f"{self.address or '*'}:{self.number}/{self.protocol}"


@dataclass(frozen=True, slots=True, order=True)
class Join:
    """Something of another service's container that this one uses as its own.

    ``what`` is the Compose key: ``network_mode``, ``ipc``, ``pid`` or ``volumes_from``.
    """

    what: str
    service: str


@dataclass(frozen=True, slots=True)
class Service:
    """One service of the resolved Compose model, with its pin applied.

    ``image`` is the reference as the model has it; it need not be a parsable reference where the
    service is unpinned. ``config_hash`` is Compose's own hash of the model. ``joins`` are
    the namespaces and volumes of other services that it uses; Compose hashes them with the id of the
    container that is joined. ``volumes`` are the
    writable mounts, as sources (a volume name or a host path). ``restart`` is the engine's restart
    policy (``no``, ``always``, ``unless-stopped``, ``on-failure:N``). ``powers`` are the rights over
    the host that it asks for, in the words of ``domain.powers``.
    """

    name: str
    image: str
    config_hash: str
    pin: Pin | None = None
    replicas: int = 1
    order: Order = Order.STOP_FIRST
    container_name: str = ""
    depends_on: tuple[Dependency, ...] = ()
    one_shot: bool = False
    joins: tuple[Join, ...] = ()
    ports: tuple[Port, ...] = ()
    volumes: tuple[str, ...] = ()
    builds: bool = False
    restart: str = "no"
    stop_grace_seconds: float = 10.0
    powers: tuple[str, ...] = ()

    @property
    def pinned(self) -> bool:
        """Whether Git pins this service's image."""
        return self.pin is not None

    @property
    def shares(self) -> tuple[str, ...]:
        """The services that it joins, sorted."""
        return tuple(sorted({join.service for join in self.joins})) if self.joins else ()

    @property
    def parents(self) -> tuple[str, ...]:
        """Every service that must be in place before this one."""
        if not self.depends_on and not self.joins:
            return ()
        return tuple(sorted({*(dependency.service for dependency in self.depends_on), *self.shares}))


@dataclass(frozen=True, slots=True)
class Desired:
    """One environment as Git wants it at ``revision``; ``services`` are sorted by name.

    ``compose_version`` is the Compose that computed the config hashes; hashes of other versions
    cannot be compared with them (https://github.com/docker/compose/issues/11335). ``inactive`` names
    services of Compose profiles that are not active: known, and none of our business. ``instead`` are the
    images that blocked services are to run instead of their pins.
    """

    environment: Environment
    revision: Revision
    services: tuple[Service, ...]
    compose_version: str = ""
    inactive: tuple[str, ...] = ()
    instead: Mapping[str, str] = field(default_factory=dict)

    def service(self, name: str) -> Service:
        """The service called ``name``.

        Raises:
            KeyError: when there is none.
        """
        for service in self.services:
            if service.name == name:
                return service
        raise KeyError(name)
