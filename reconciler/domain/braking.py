"""Brakes as a policy: what people hold an environment with, applied to a plan.

What Git moved is held as a whole, because a release is; a pause holds replacements because of drift as well.
What crashed is started, what was removed is made again, and what an interrupted pass left half done is
finished, whatever holds the rest. So are ways back.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass

from reconciler.domain.blocking import Good
from reconciler.domain.desired import Desired
from reconciler.domain.holding import follows, hold_back
from reconciler.domain.observed import Observed, Role, State
from reconciler.domain.plan import Action, Change, Create, Entry, Plan, Remove, Replace
from reconciler.domain.way_back import brings_back

_GIT_MOVED = (Change.CHANGE, Change.NEW, Change.REMOVED)


@dataclass(frozen=True, slots=True)
class Brake:
    """Why releases are held; ``drift`` says that replacements because of drift are held too."""

    why: str
    drift: bool = False


def brake(plan: Plan, how: Brake, observed: Observed, going: Container[str] = ()) -> Plan:
    """The plan without what is held.

    Args:
        plan: what would be done.
        how: why it is held, and how much of it.
        observed: the snapshot that the plan was made from.
        going: services that are not held: ways back, and a release that is half done.
    """

    def why_not(entry: Entry, action: Action, following: bool) -> str:
        if following or entry.name in going or mends(action, observed):
            return ""
        held = moves(entry, action, observed) or (how.drift and _drifts(entry, action))
        return how.why if held else ""

    return hold_back(plan, why_not, repair=True)


def moves(entry: Entry, action: Action, observed: Observed) -> bool:
    """Whether an action makes something else of a service because Git says something else by now."""
    match action:
        case Create():
            # Beside containers that are as Git wants them one more is no release.
            return entry.change is Change.NEW
        case Replace():
            return entry.change in _GIT_MOVED
        case Remove(leftover=False, instances=instances):
            going = {instance.id for instance in instances}
            # Drift is a container too many; that none is wanted is Git's word, whatever the hashes say.
            ends = all(instance.id in going for instance in observed.of(entry.name))
            return entry.change in _GIT_MOVED or ends
        case _:
            return False


def moved(plan: Plan, observed: Observed) -> tuple[Entry, ...]:
    """The services that Git moved: those that a release is about, not those that follow from it."""
    planned = {e.name for e in plan.entries if any(isinstance(a, (Replace, Create)) for a in e.actions)}
    return tuple(
        entry
        for entry in plan.entries
        if any(
            moves(entry, action, observed) and not follows(action, planned) and not mends(action, observed)
            for action in entry.actions
        )
    )


def ways_back(plan: Plan, desired: Desired, observed: Observed, goods: Sequence[Good]) -> frozenset[str]:
    """The services that go back to what was good before.

    What is wanted instead of a blocked pin always does. What Git moved does as a whole or not at all: half
    a release is none. Removals are no part of that: nothing that runs depends on them.

    Args:
        plan: what would be done.
        desired: what Git wants.
        observed: the snapshot that the plan was made from.
        goods: the pins that passed their gate, newest first.
    """
    instead = frozenset(desired.instead)
    removal = (Remove,)
    release = [
        entry
        for entry in moved(plan, observed)
        if entry.name not in instead and not all(isinstance(a, removal) for a in entry.actions)
    ]
    back = all(brings_back(entry, desired.service(entry.name), goods) for entry in release)
    return instead | {entry.name for entry in release if back}


def half_done(plan: Plan) -> frozenset[str]:
    """The services that an interrupted pass had begun to switch, to or from what Git wants now."""
    return frozenset(e.name for e in plan.entries if any(_under_way(action) for action in e.actions))


def _under_way(action: Action) -> bool:
    if not isinstance(action, Replace) or not action.successors:
        return False
    return any(i.role is Role.PREDECESSOR for i in (*action.predecessors, *action.successors))


def mends(action: Action, observed: Observed) -> bool:
    """Whether a replacement is of containers that cannot work any more, and brings no other image.

    The engine calls them dead, or the container that they joined is gone.
    """
    if not isinstance(action, Replace):
        return False
    there = {instance.id for instance in observed.instances}
    return all(
        instance.image == action.service.image
        and (instance.state is State.DEAD or (instance.network_of != "" and instance.network_of not in there))
        for instance in action.predecessors
    )


def takes_back(plan: Plan) -> bool:
    """Whether containers go, or become others, although Git did not move as far as we know."""
    return any(_drifts(entry, action) for entry in plan.entries for action in entry.actions)


def _drifts(entry: Entry, action: Action) -> bool:
    """Whether an action takes back what somebody did on the host, as far as that is more than a repair."""
    replaces = isinstance(action, Replace) or (isinstance(action, Remove) and not action.leftover)
    return replaces and entry.change is Change.DRIFT
