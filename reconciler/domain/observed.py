"""What Docker says runs, in one snapshot."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """The engine's words for the state of a container."""

    CREATED = "created"
    RUNNING = "running"
    RESTARTING = "restarting"
    PAUSED = "paused"
    EXITED = "exited"
    REMOVING = "removing"
    DEAD = "dead"


class Health(StrEnum):
    """The engine's words for a HEALTHCHECK; ``NONE`` where the image has none."""

    NONE = "none"
    STARTING = "starting"
    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"


class Role(StrEnum):
    """What part a container plays in a rollout.

    Kept in its *name*, which the engine persists and which can be changed; labels cannot
    (https://github.com/moby/moby/issues/21721).
    """

    SERVING = "serving"
    PREDECESSOR = "predecessor"
    SUCCESSOR = "successor"
    TEMPLATE = "template"  # what Compose created for us to make successors from, or for a hook


_ENDINGS = (f".{Role.PREDECESSOR}", f".{Role.SUCCESSOR}")


@dataclass(frozen=True, slots=True)
class Instance:
    """One container of the environment's Compose project.

    ``number`` is Compose's container number. ``image`` is the reference as the engine prints it,
    ``image_id`` the image it runs; ``made_from`` the image id that Compose noted when it created the
    container. ``network_of`` is the id of the container whose network it joins, or empty.
    ``exit_code`` means something only in state ``exited``. ``template`` marks what Compose created
    for us and never serves: to make successors from, or to run a hook. ``contract`` is what its image says
    about data (``domain.data``), or empty.
    """

    id: str
    name: str
    service: str
    number: int
    config_hash: str
    image: str
    image_id: str
    state: State
    health: Health = Health.NONE
    exit_code: int = 0
    made_from: str = ""
    network_of: str = ""
    compose_version: str = ""
    template: bool = False
    contract: str = ""

    @property
    def role(self) -> Role:
        """The part it plays, read from its name."""
        if self.template:
            return Role.TEMPLATE
        if not self.name.endswith(_ENDINGS):
            return Role.SERVING
        return Role.PREDECESSOR if self.name.endswith(_ENDINGS[0]) else Role.SUCCESSOR

    @property
    def serving_name(self) -> str:
        """The name that it bears while it serves."""
        return self.name.removesuffix(_ENDINGS[0]).removesuffix(_ENDINGS[1])

    def named_for(self, container_name: str) -> bool:
        """Whether it is called as Compose calls it; one made by hand with the same labels need not be.

        Args:
            container_name: the service's own, or empty.
        """
        usual = (f"-{self.service}-{self.number}", f"_{self.service}_{self.number}")
        return self.serving_name == container_name or self.serving_name.endswith(usual)

    @property
    def running(self) -> bool:
        """Whether it runs now, as far as one look can tell."""
        return self.state is State.RUNNING


@dataclass(frozen=True, slots=True)
class Observed:
    """All containers of one Compose project at one moment, sorted by service and name.

    One-off containers (``docker compose run``) are left out, except for those of our hooks: they belong to
    the person who ran them.
    """

    project: str
    instances: tuple[Instance, ...]

    def of(self, service: str) -> tuple[Instance, ...]:
        """The containers of one service."""
        return tuple(instance for instance in self.instances if instance.service == service)

    def by_service(self) -> dict[str, list[Instance]]:
        """All of them, by service."""
        result: dict[str, list[Instance]] = {}
        for instance in self.instances:
            result.setdefault(instance.service, []).append(instance)
        return result

    def joinable(self, service: str) -> Instance | None:
        """The container that Compose takes for ``service:NAME``: the first that serves, by name.

        A killed pass may have left none under its own name.
        """
        order = (Role.SERVING, Role.PREDECESSOR, Role.SUCCESSOR)
        real = (instance for instance in self.of(service) if instance.role in order)
        return min(real, key=lambda instance: (order.index(instance.role), instance.name), default=None)


@dataclass(frozen=True, slots=True)
class Usage:
    """What a container uses at one moment.

    ``memory_bytes`` is what cannot be taken back from it: page cache does not count.
    ``memory_limit_bytes`` is 0 where it has none of its own. ``cpu_seconds`` is the processor time since
    its start, ``cpus`` how many it may use at once, 0 where nothing limits it.
    """

    memory_bytes: int
    memory_limit_bytes: int
    cpu_seconds: float
    cpus: float


@dataclass(frozen=True, slots=True)
class Vitals:
    """One container, looked at closely: what the gate judges.

    ``started_at`` is when it was last started, by the engine's clock, RFC 3339; empty where it never was.
    ``error`` is what the engine said when it could not start it. ``first_health_seconds`` is how long after
    its start its HEALTHCHECK may first say something, 0 where it has none.
    """

    id: str
    name: str
    state: State
    health: Health
    exit_code: int
    restart_count: int
    started_at: str
    oom_killed: bool
    error: str
    image: str = ""
    image_id: str = ""
    restart_policy: str = "no"
    first_health_seconds: float = 0.0
