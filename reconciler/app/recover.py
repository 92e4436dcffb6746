"""What a rollout does first: away with what a killed pass left behind and nothing can use.

Three things stand in the way of a plan. Containers that never served, which bear the names that are
needed now; predecessors that lost their name and have no successor; and switches that were never judged,
of a release that Git no longer wants: they are undone, so that the container that was good before is the
predecessor again, and not the one in between.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace

from reconciler.app.host import Host
from reconciler.app.slots import Slot
from reconciler.app.switch import USUAL_GRACE_SECONDS, switch_back
from reconciler.domain.observed import Instance, Observed, Role, State
from reconciler.domain.plan import Action, Plan, Remove, Replace, Start
from reconciler.domain.report import Verb
from reconciler.errors import EngineFailed, ReconcileError


def recover(host: Host, plan: Plan, observed: Observed) -> tuple[Plan, Observed]:
    """Clear the way; returns what then is left to do, and what then is there.

    Raises:
        EngineFailed: a predecessor cannot be started; what ran in its place runs again.
    """
    recovery = _Recovery(host, {instance.id: instance for instance in observed.instances})
    place = {name: index for index, name in enumerate(name for wave in plan.waves for name in wave)}
    replaces = {action.service.name: action for action in plan.actions if isinstance(action, Replace)}
    joined = _joined_by_undone(replaces)
    left: dict[str, tuple[Action, ...]] = {}
    for entry in sorted(plan.entries, key=lambda entry: place.get(entry.name, len(place))):
        actions = [recovery.recover(action, whole=entry.name in joined) for action in entry.actions]
        left[entry.name] = tuple(action for action in actions if action is not None)
    entries = tuple(replace(entry, actions=left[entry.name]) for entry in plan.entries)
    there = tuple(recovery.there[i.id] for i in observed.instances if i.id in recovery.there)
    return replace(plan, entries=entries), replace(observed, instances=there)


@contextmanager
def serving_again(host: Host, plan: Plan, observed: Observed) -> Iterator[None]:
    """Where a release cannot be prepared, start what crashed.

    It would else stay down for as long as Git pins something that cannot be had.

    Raises:
        EngineUnreachable: the engine does not answer.
    """
    try:
        yield
    except ReconcileError:
        _serve_again(host, plan, observed)
        raise


def _serve_again(host: Host, plan: Plan, observed: Observed) -> None:
    recovery = _Recovery(host, {instance.id: instance for instance in observed.instances})
    for action in plan.actions:
        match action:
            case Replace(predecessors=instances) | Start(instances=instances) if not action.service.one_shot:
                for instance in instances:
                    if instance.role is Role.SERVING and instance.state is State.EXITED:
                        recovery.start(instance)
            case _:
                pass


def _unjudged(action: Replace, among: Iterable[Instance]) -> list[tuple[Instance, Instance]]:
    """Predecessor and successor of each switch that was made and never judged."""
    known = (*action.predecessors, *action.successors)
    retired = {i.serving_name: i for i in known if i.role is Role.PREDECESSOR}
    return [(retired[i.name], i) for i in among if i.role is Role.SERVING and i.name in retired]


def _joined_by_undone(replaces: dict[str, Replace]) -> frozenset[str]:
    """Services that must be undone as a whole, because one that joins them is undone."""
    waiting = [name for name, action in replaces.items() if _unjudged(action, action.predecessors)]
    found: set[str] = set()
    while waiting:
        shares = [name for name in replaces[waiting.pop()].service.shares if name in replaces]
        waiting += [name for name in shares if name not in found]
        found.update(shares)
    return frozenset(found)


@dataclass(slots=True)
class _Recovery:
    """``there`` is what is on the host by now, by id."""

    host: Host
    there: dict[str, Instance] = field(default_factory=dict)

    def recover(self, action: Action, *, whole: bool) -> Action | None:
        """Clear the way for one action; returns what is left of it."""
        if isinstance(action, Remove) and action.leftover:
            self._remove(action.instances)
            return None
        if not isinstance(action, Replace):
            return action
        lost = _lost(action, self.there)
        self._remove(lost)
        action = replace(action, predecessors=tuple(i for i in action.predecessors if i not in lost))
        among = (*action.predecessors, *(action.successors if whole else ()))
        for predecessor, successor in _unjudged(action, among):
            self._undo(action, predecessor, successor)
        names = {instance.name for instance in self.there.values()}
        for instance in action.predecessors:
            now = self.there.get(instance.id)
            if now is not None and now.role is not Role.SERVING and now.serving_name not in names:
                self._put_back(action, now)
        return self._left(action)

    def _undo(self, action: Replace, predecessor: Instance, successor: Instance) -> None:
        """One that Git still wants waits again; any other goes."""
        slot = Slot(action.service, successor.name, predecessor, successor.id)
        with self.host.step(Verb.RESTORE, slot.name), self._rejoined(predecessor):
            try:
                switch_back(self.host, slot, action.service.restart)
            except EngineFailed:
                if successor.running:
                    self.host.engine.start(successor.id)
                raise
        state = predecessor.state if action.service.one_shot else State.RUNNING
        self.there[predecessor.id] = replace(predecessor, name=slot.name, state=state)
        if successor in action.successors:
            stopped = State.EXITED if successor.running else successor.state
            self.there[successor.id] = replace(successor, name=slot.waiting_name, state=stopped)
        else:
            self._remove([successor])

    def _put_back(self, action: Replace, predecessor: Instance) -> None:
        """Where it cannot be started, its successor will take its place all the same."""
        back = replace(predecessor, name=predecessor.serving_name)
        with self.host.step(Verb.RESTORE, back.name):
            self.host.engine.set_restart_policy(back.id, action.service.restart)
            self.host.engine.rename(back.id, back.name)
        self.there[back.id] = back
        if not action.service.one_shot:
            self.start(back)

    def start(self, instance: Instance) -> None:
        """Start a predecessor; one that cannot be started stays as it is."""
        with suppress(EngineFailed), self.host.step(Verb.START, instance.name), self._rejoined(instance):
            self.host.engine.start(instance.id)
            self.there[instance.id] = replace(instance, state=State.RUNNING)

    @contextmanager
    def _rejoined(self, joined: Instance) -> Iterator[None]:
        """Stop what joins the network of a container that is about to start, and start it afterwards.

        It runs without a network by now. Should we be killed meanwhile, the next pass must see it stopped.
        """
        joiners = [] if joined.running else [i for i in self.there.values() if i.network_of == joined.id]
        running = [instance for instance in joiners if instance.running]
        for instance in running:
            self.host.engine.stop(instance.id, USUAL_GRACE_SECONDS)
        yield
        for instance in running:
            with suppress(EngineFailed):
                self.host.engine.start(instance.id)

    def _left(self, action: Replace) -> Action | None:
        """The replacement as it now is; where nothing is outdated any more, only a start."""
        there = self.there
        predecessors = tuple(there[i.id] for i in action.predecessors if i.id in there)
        successors = tuple(there[i.id] for i in action.successors if i.id in there)
        if predecessors:
            return replace(action, predecessors=predecessors, successors=successors)
        if action.service.one_shot or not successors:
            return None
        return Start(action.service, successors[: action.service.replicas], action.cause)

    def _remove(self, instances: Iterable[Instance]) -> None:
        for instance in instances:
            with self.host.step(Verb.REMOVE, instance.name):
                self.host.engine.stop(instance.id, 0.0)
                self.host.engine.remove(instance.id, fresh_volumes=instance.state is State.CREATED)
            del self.there[instance.id]


def _lost(action: Replace, there: Container[str]) -> list[Instance]:
    """Stopped predecessors that can never run again, because what they joined is gone."""
    lost = [
        i
        for i in action.predecessors
        if i.role is Role.PREDECESSOR and not i.running and i.network_of and i.network_of not in there
    ]
    return lost if len(lost) < len(action.predecessors) else []
