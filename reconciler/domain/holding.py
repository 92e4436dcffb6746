"""Take actions out of a plan, together with what follows from them.

A service whose replacement is held keeps its containers. What joins it, or is restarted after it, then has no
reason to act either; and what would have been replaced is started where it does not run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from reconciler.domain.causes import not_running
from reconciler.domain.desired import Service
from reconciler.domain.observed import Instance, Role, State
from reconciler.domain.plan import Action, Change, Create, Entry, Plan, Remove, Replace, Restart, Start

WhyNot = Callable[[Entry, Action, bool], str]
"""Why an action is held, empty where it is not; the flag says that it follows from one that goes on."""


@dataclass(slots=True)
class _Sofar:
    """What becomes of the services taken so far.

    ``planned`` are those whose containers were to be other ones; ``replaced`` those where that goes on,
    ``started`` those whose containers are started again, and ``held`` says why the others do not act.
    """

    planned: frozenset[str]
    replaced: set[str] = field(default_factory=set)
    started: set[str] = field(default_factory=set)
    held: dict[str, str] = field(default_factory=dict)

    def note(self, name: str, actions: Iterable[Action], why: str) -> None:
        """Remember how one service was decided."""
        if any(isinstance(action, (Replace, Create)) for action in actions):
            self.replaced.add(name)
        elif any(isinstance(action, (Start, Restart)) for action in actions):
            self.started.add(name)
        if why:
            self.held[name] = why


def hold_back(plan: Plan, why_not: WhyNot, *, repair: bool) -> Plan:
    """The plan without what is held, and what is held shown as such.

    Args:
        plan: what would be done.
        why_not: says of each action why it is held.
        repair: whether containers that stay are started where they do not run.
    """
    by_name = {entry.name: entry for entry in plan.entries}
    planned = (n for n, e in by_name.items() if any(isinstance(a, (Replace, Create)) for a in e.actions))
    sofar = _Sofar(frozenset(planned))
    ordered = [name for wave in plan.waves for name in wave]
    for name in dict.fromkeys([*ordered, *by_name]):
        by_name[name] = _decided(by_name[name], why_not, sofar, repair=repair)
    acting = {name for name, entry in by_name.items() if entry.actions}
    waves = (tuple(name for name in wave if name in acting) for wave in plan.waves)
    entries = tuple(by_name[entry.name] for entry in plan.entries)
    return replace(plan, entries=entries, waves=tuple(wave for wave in waves if wave))


def follows(action: Action, planned: Iterable[str]) -> tuple[str, ...]:
    """The services from whose replacement this one follows: it would not be replaced on its own account.

    Args:
        action: of the service that may only follow.
        planned: the services whose containers will be other ones.
    """
    if not isinstance(action, Replace):
        return ()
    if any(instance.image != action.service.image for instance in action.predecessors):
        return ()
    return tuple(name for name in action.service.shares if name in planned)


def _decided(entry: Entry, why_not: WhyNot, sofar: _Sofar, *, repair: bool) -> Entry:
    kept: list[Action] = []
    why = ""
    for action in entry.actions:
        found = _why_not(entry, action, why_not, sofar)
        if not found:
            kept.append(action)
            continue
        why = why or found
        kept += _instead(action, sofar) if repair else ()
    sofar.note(entry.name, kept, why)
    return held_entry(entry, why, tuple(kept)) if why else entry


def _why_not(entry: Entry, action: Action, why_not: WhyNot, sofar: _Sofar) -> str:
    if isinstance(action, Restart):
        if _still_restarted(action.service, sofar):
            return why_not(entry, action, True)
        return _root(sofar, action.service.parents) or why_not(entry, action, False)
    roots = follows(action, sofar.planned)
    if not roots:
        return why_not(entry, action, False)
    if any(name in sofar.replaced for name in roots):
        return why_not(entry, action, True)
    return _root(sofar, roots)


def _root(sofar: _Sofar, names: Iterable[str]) -> str:
    return next((sofar.held[name] for name in names if name in sofar.held), "")


def _still_restarted(service: Service, sofar: _Sofar) -> bool:
    """Whether what a service is restarted for goes on."""
    if any(name in sofar.started for name in service.shares):
        return True
    return any(d.restart and d.service in sofar.replaced for d in service.depends_on)


def _instead(action: Action, sofar: _Sofar) -> tuple[Action, ...]:
    """What a service needs whose containers stay: to run, and with the network of what it joins."""
    match action:
        case Replace(service=service) if not service.one_shot:
            serving = tuple(i for i in (*action.predecessors, *action.successors) if i.role is Role.SERVING)
            running = [i for i in serving if i.running]
            wanted = max(service.replicas - len(running), 0)
            stopped = tuple(i for i in serving if not_running(service, i))[:wanted]
            again = [name for name in service.shares if name in sofar.started]
            return (*_start(service, stopped), *_restart(service, running if again else (), again))
        case Restart(service=service, instances=instances):
            return _start(service, tuple(i for i in instances if i.state is State.PAUSED))
        case _:
            return ()


def _start(service: Service, instances: tuple[Instance, ...]) -> tuple[Action, ...]:
    return (Start(service, instances, not_running(service, instances[0])),) if instances else ()


def _restart(service: Service, running: Iterable[Instance], again: list[str]) -> tuple[Action, ...]:
    instances = tuple(running)
    if not instances:
        return ()
    return (Restart(service, instances, f"shares what {again[0]} has, and {again[0]} is started again"),)


def held_entry(entry: Entry, why: str, kept: tuple[Action, ...] = ()) -> Entry:
    """An entry whose actions are held, except for those that are ``kept``.

    Where the images differ they say already what is held, and why is all that is left to say.
    """
    if not kept:
        moves = entry.before and entry.after and entry.before != entry.after
        cause = why if moves else f"{entry.cause}; {why}"
        return replace(entry, change=Change.HELD, cause=cause, actions=())
    cause = "; ".join(dict.fromkeys([*(action.cause for action in kept), why]))
    tidied = all(isinstance(action, Remove) and action.leftover for action in kept)
    # What is done is done to what runs: the pass brings no other image.
    after = entry.before or entry.after
    return replace(
        entry, change=Change.HELD if tidied else Change.DRIFT, cause=cause, after=after, actions=kept
    )
