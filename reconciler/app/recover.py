"""What a rollout does first: away with what a killed pass left behind and nothing can use.

Two things stand in the way of a plan. Containers that never served, which bear the names that are
needed now; and switches that were never judged, of a release that Git no longer wants: they are
undone, so that the container that was good before is the predecessor again, and not the one in between.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from reconciler.app.host import Host
from reconciler.app.slots import Slot
from reconciler.app.switch import switch_back
from reconciler.domain.observed import Instance, Observed, Role, State
from reconciler.domain.plan import Action, Entry, Plan, Remove, Replace, Start
from reconciler.errors import EngineFailed


@dataclass(frozen=True, slots=True)
class _Undone:
    """A switch that was undone: ``back`` is the predecessor as it is now, ``gone`` what had its place."""

    back: Instance
    gone: Instance


def recover(host: Host, plan: Plan, observed: Observed) -> tuple[Plan, Observed]:
    """Clear the way; returns what then is left to do, and what then is there.

    Raises:
        EngineFailed: a predecessor cannot be started; what ran in its place runs again.
    """
    place = {name: index for index, name in enumerate(name for wave in plan.waves for name in wave)}
    gone: set[str] = set()
    back: dict[str, Instance] = {}
    entries: dict[str, Entry] = {}
    for entry in sorted(plan.entries, key=lambda entry: place.get(entry.name, len(place))):
        actions: list[Action] = []
        for action in entry.actions:
            if isinstance(action, Remove) and action.leftover:
                _remove(host, action.instances)
                gone.update(instance.id for instance in action.instances)
            elif isinstance(action, Replace):
                undone = _undo(host, action)
                gone.update(one.gone.id for one in undone)
                back.update((one.back.id, one.back) for one in undone)
                actions += _left_to_do(action, undone)
            else:
                actions.append(action)
        entries[entry.name] = replace(entry, actions=tuple(actions))
    there = tuple(back.get(i.id, i) for i in observed.instances if i.id not in gone)
    left = replace(plan, entries=tuple(entries[entry.name] for entry in plan.entries))
    return left, replace(observed, instances=there)


def _undo(host: Host, action: Replace) -> list[_Undone]:
    """Undo each switch whose successor is outdated before it was judged."""
    known = (*action.predecessors, *action.successors)
    retired = {i.serving_name: i for i in known if i.role is Role.PREDECESSOR}
    unjudged = [i for i in action.predecessors if i.role is Role.SERVING and i.name in retired]
    return [_switch_back(host, action, retired[instance.name], instance) for instance in unjudged]


def _switch_back(host: Host, action: Replace, predecessor: Instance, unjudged: Instance) -> _Undone:
    slot = Slot(action.service, unjudged.name, predecessor, unjudged.id)
    with host.step("restore", slot.name):
        try:
            switch_back(host, slot, action.service.restart)
        except EngineFailed:
            if unjudged.running:
                host.engine.start(unjudged.id)
            raise
    _remove(host, [unjudged])
    state = predecessor.state if action.service.one_shot else State.RUNNING
    return _Undone(replace(predecessor, name=slot.name, state=state), unjudged)


def _left_to_do(action: Replace, undone: list[_Undone]) -> list[Action]:
    """The replacement, once switches were undone; where nothing is outdated any more, only a start."""
    if not undone:
        return [action]
    gone = {one.gone.id for one in undone}
    back = {one.back.id: one.back for one in undone}
    predecessors = tuple(back.get(i.id, i) for i in action.predecessors if i.id not in gone)
    successors = tuple(back.get(i.id, i) for i in action.successors)
    if predecessors:
        return [replace(action, predecessors=predecessors, successors=successors)]
    if action.service.one_shot:
        return []
    return [Start(action.service, successors[: action.service.replicas], action.cause)]


def _remove(host: Host, instances: Iterable[Instance]) -> None:
    for instance in instances:
        with host.step("remove", instance.name):
            host.engine.stop(instance.id, 0.0)
            host.engine.remove(instance.id, fresh_volumes=instance.state is State.CREATED)
