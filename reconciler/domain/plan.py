"""The difference between desired and observed, as actions that each know why."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from reconciler.domain.desired import Service
from reconciler.domain.observed import Instance


class Change(StrEnum):
    """What is the matter with a service."""

    NONE = "none"
    CHANGE = "change"  # Git moved
    DRIFT = "drift"  # the host moved
    NEW = "new"
    REMOVED = "removed"
    ORPHAN = "orphan"
    BLOCKED = "blocked"
    HELD = "held"
    UNMANAGED = "unmanaged"


@dataclass(frozen=True, slots=True)
class Create:
    """Create ``count`` containers that are missing, and start them."""

    service: Service
    count: int
    cause: str


@dataclass(frozen=True, slots=True)
class Start:
    """Start, or unpause, containers that are as they should be but do not run."""

    service: Service
    instances: tuple[Instance, ...]
    cause: str


@dataclass(frozen=True, slots=True)
class Restart:
    """Stop and start running containers, because something that they depend on was replaced."""

    service: Service
    instances: tuple[Instance, ...]
    cause: str


@dataclass(frozen=True, slots=True)
class Replace:
    """Put successors where predecessors are.

    ``successors`` are containers that an earlier pass made and did not finish with; they are used
    instead of new ones. Where all of them run and no predecessor does, what is left is the gate.
    """

    service: Service
    predecessors: tuple[Instance, ...]
    successors: tuple[Instance, ...]
    cause: str


@dataclass(frozen=True, slots=True)
class Remove:
    """Stop and remove containers that nothing wants; their volumes stay.

    ``leftover`` ones never served: an interrupted pass made them, and they go before anything else.
    """

    name: str
    instances: tuple[Instance, ...]
    cause: str
    leftover: bool = False


Action = Create | Start | Restart | Replace | Remove


@dataclass(frozen=True, slots=True)
class Entry:
    """One service, accounted for.

    ``before`` is the image that runs (empty where nothing does), ``after`` the one that should
    (empty where nothing should). ``actions`` is empty where nothing is to be done; ``cause`` then
    says why, or is empty where all is well.
    """

    name: str
    change: Change
    cause: str
    before: str
    after: str
    pinned: bool
    actions: tuple[Action, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """Every service of an environment, accounted for; ``entries`` are sorted by name.

    ``waves`` is the order in which services with actions are taken.
    """

    environment: str
    entries: tuple[Entry, ...]
    waves: tuple[tuple[str, ...], ...]

    @property
    def actions(self) -> tuple[Action, ...]:
        """All actions, in the order of the waves; removals of what Git does not know come last."""
        by_name = {entry.name: entry.actions for entry in self.entries}
        ordered = [name for wave in self.waves for name in wave]
        known = set(ordered)
        rest = [name for name in by_name if name not in known]
        return tuple(action for name in [*ordered, *rest] for action in by_name.get(name, ()))

    @property
    def empty(self) -> bool:
        """Whether there is nothing to do."""
        return not any(entry.actions for entry in self.entries)

    def __str__(self) -> str:
        """One line per action, for people who read tests; see ``interface.render`` for the others."""
        lines = [describe(action) for action in self.actions]
        return "\n".join(lines) if lines else "No changes."


def describe(action: Action) -> str:
    """One action in one line: verb, what, why."""
    match action:
        case Create(service=service, count=count):
            return f"create {service.name} x{count}: {action.cause}"
        case Start(service=service, instances=instances):
            return f"start {service.name} ({names(instances)}): {action.cause}"
        case Restart(service=service, instances=instances):
            return f"restart {service.name} ({names(instances)}): {action.cause}"
        case Replace(service=service, predecessors=predecessors, successors=successors):
            onto = f" onto {names(successors)}" if successors else ""
            return f"replace {service.name} ({names(predecessors)}){onto}: {action.cause}"
        case Remove(name=name, instances=instances):
            return f"remove {name} ({names(instances)}): {action.cause}"


def names(instances: tuple[Instance, ...]) -> str:
    """The containers' names, separated by commas."""
    return ", ".join(instance.name for instance in instances)
