"""Which successor takes whose place: the pairs of a replacement."""

from __future__ import annotations

from dataclasses import dataclass, replace

from reconciler.domain.desired import Service
from reconciler.domain.observed import Instance, Role, State
from reconciler.domain.plan import Replace


@dataclass(frozen=True, slots=True)
class Slot:
    """One predecessor and the container that takes its place.

    ``name`` is the name that whoever serves bears. ``successor`` is a container id; it is empty
    until the successor was made. ``reused`` says that an earlier pass made it.
    """

    service: Service
    name: str
    predecessor: Instance
    successor: str = ""
    reused: bool = False

    @property
    def retired_name(self) -> str:
        """What the predecessor is called from the switch on."""
        return f"{self.name}.{Role.PREDECESSOR}"

    @property
    def waiting_name(self) -> str:
        """What the successor is called until the switch."""
        return f"{self.name}.{Role.SUCCESSOR}"

    @property
    def served(self) -> bool:
        """Whether the predecessor is to run again when the release is undone."""
        return has_served(self.predecessor)


def has_served(instance: Instance) -> bool:
    """Whether a container serves, or did until somebody stopped it: perhaps we, in a pass that was killed."""
    return instance.state not in (State.CREATED, State.DEAD) or instance.role is Role.PREDECESSOR


@dataclass(frozen=True, slots=True)
class Pairing:
    """A replacement, laid out.

    ``placed`` are successors whose place is theirs alone (an earlier pass got that far);
    ``surplus`` are containers that have no successor (the service is scaled down, or they were left
    over); ``missing`` counts containers that have no predecessor (it is scaled up).
    """

    slots: tuple[Slot, ...]
    placed: tuple[Instance, ...]
    surplus: tuple[Instance, ...]
    missing: int


def pair(action: Replace) -> Pairing:
    """Lay out a replacement: as many slots as replicas, the best predecessors first."""
    wanted = action.service.replicas
    own = action.service.container_name
    by_use = sorted(
        action.predecessors,
        key=lambda i: (
            not has_served(i),
            i.role is not Role.PREDECESSOR,
            not i.named_for(own),
            i.number,
            i.name,
        ),
    )
    spare = sorted(action.successors, key=lambda i: (not i.running, i.number, i.name))
    names = {instance.serving_name for instance in by_use if has_served(instance)}
    occupied = {instance.serving_name for instance in by_use}
    placed = [i for i in spare if i.serving_name not in (names if i.role is Role.SERVING else occupied)]
    spare = [i for i in spare if i not in placed]
    room = max(wanted - len(placed), 0)
    slots = [Slot(action.service, i.serving_name, i) for i in by_use[:room]]
    for index, slot in enumerate(slots):
        # Only its own: a successor has the anonymous volumes of the predecessor that it was made for.
        match = next((i for i in spare if i.serving_name == slot.name), None)
        if match is not None:
            spare.remove(match)
            slots[index] = replace(slot, successor=match.id, reused=True)
    surplus = (*by_use[room:], *spare, *placed[wanted:])
    return Pairing(tuple(slots), tuple(placed[:wanted]), surplus, max(room - len(slots), 0))
