"""What a plan may not do, whoever asks."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, replace

from reconciler.domain.brakes import Pause
from reconciler.domain.desired import Order
from reconciler.domain.holding import hold_back
from reconciler.domain.observed import Observed, Role
from reconciler.domain.plan import Action, Change, Create, Entry, Plan, Remove, Replace, Start
from reconciler.errors import Refused

USUAL_REMOVAL = 0.5
USUAL_CHANGE = 0.5


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one pass may do without a person's word, as shares of an environment's services (0 to 1).

    ``removal`` is how many it may remove, ``change`` how many it may stop or replace although Git did not
    move them.
    """

    removal: float = USUAL_REMOVAL
    change: float = USUAL_CHANGE

    @classmethod
    def lifted(cls) -> Limits:
        """No limits: a person said so for this run."""
        return cls(removal=1.0, change=1.0)


def hold(plan: Plan, held: Mapping[str, str], known: Container[str], staying: Container[str] = ()) -> Plan:
    """Show what is blocked, and leave alone what has nothing to go back to.

    Args:
        plan: made with what is wanted instead of what is blocked.
        held: why each blocked service is, by name.
        known: the blocked services for which something else is wanted instead.
        staying: those that go on as they were released, although they were rejected.
    """
    if not held:
        return plan
    entries = tuple(
        _held(entry, held[entry.name], known=entry.name in known, stays=entry.name in staying)
        if entry.name in held
        else entry
        for entry in plan.entries
    )
    acting = {entry.name for entry in entries if entry.actions}
    waves = (tuple(name for name in wave if name in acting) for wave in plan.waves)
    return replace(plan, entries=entries, waves=tuple(wave for wave in waves if wave))


def _held(entry: Entry, why: str, *, known: bool, stays: bool) -> Entry:
    if stays:
        kept = tuple(one for action in entry.actions if (one := _kept(action)) is not None)
        if not kept:
            return replace(entry, change=Change.BLOCKED, cause=why, actions=())
        return replace(entry, change=Change.DRIFT, cause=f"{entry.cause}; {why}", actions=kept)
    if not known:
        left = tuple(one for action in entry.actions if (one := _left_alone(action)) is not None)
        return replace(entry, change=Change.BLOCKED, cause=why, actions=left)
    if not entry.actions:
        return replace(entry, change=Change.BLOCKED, cause=why)
    return replace(entry, cause=f"{entry.cause}; {why}")


def _left_alone(action: Action) -> Action | None:
    """What remains of an action on a service that keeps what it has: it is started where it does not run."""
    match action:
        case Replace(service=service, predecessors=predecessors):
            serving = tuple(i for i in predecessors if i.role is Role.SERVING)
            down = serving and not service.one_shot and not any(i.running for i in serving)
            return Start(service, serving, "stopped, and what would replace it is blocked") if down else None
        case Create():
            return None
        case _:
            return action


def _kept(action: Action) -> Action | None:
    """What remains of an action on a service that goes on as it was rejected: its repair.

    Its predecessors are what a pass that was killed had no time to remove.
    """
    match action:
        case Replace(service=service, predecessors=predecessors, successors=successors):
            retired = tuple(i for i in predecessors if i.role is Role.PREDECESSOR)
            if not successors or retired != predecessors:
                return _left_alone(action)
            return Remove(service.name, retired, "its successor stays", leftover=True)
        case _:
            return action


def spare(plan: Plan, observed: Observed, own: str) -> Plan:
    """Hold the service in whose container this program runs: stopping it would end the pass half way.

    Args:
        plan: what would be done.
        observed: the snapshot that the plan was made from.
        own: the full id of our own container; empty where we run in none.
    """
    ours = {instance.service for instance in observed.instances if own and instance.id == own}
    if not ours:
        return plan

    def why_not(entry: Entry, _action: Action, _following: bool) -> str:
        return "reconcile runs in it; it does not manage itself" if entry.name in ours else ""

    return hold_back(plan, why_not, repair=False)


def keep_down(plan: Plan, pause: Pause | None) -> Plan:
    """Hold whatever would be done to services that a restore of their data has stopped.

    Args:
        plan: what would be done.
        pause: the pause in force, if one is.
    """
    stopped = pause.stops if pause is not None else ()
    if pause is None or not stopped:
        return plan
    why = f"stopped: {pause.reason}"

    def why_not(entry: Entry, _action: Action, _following: bool) -> str:
        return why if entry.name in stopped else ""

    return hold_back(plan, why_not, repair=False)


def refuse(plan: Plan, limits: Limits) -> None:
    """Refuse a plan that goes too far; see the two rules below.

    Raises:
        Refused: with the rule, and what to do.
    """
    _refuse_mass_removal(plan, limits)
    _refuse_unsafe_orders(plan)


def _refuse_mass_removal(plan: Plan, limits: Limits) -> None:
    """An emptied file must not empty a host: removing most services takes a person's word."""
    removed = [entry.name for entry in plan.entries if entry.change is Change.REMOVED]
    running = [entry for entry in plan.entries if entry.before]
    if removed and len(removed) > limits.removal * len(running):
        raise Refused(
            f"the plan removes {len(removed)} of {len(running)} services of {plan.environment}: "
            + ", ".join(removed),
            hint="Check the Compose files; if this is meant, run once with --allow-mass-change "
            "(or --allow-removal, its old name)",
        )


def _refuse_unsafe_orders(plan: Plan) -> None:
    """``start-first`` runs both side by side: not where they get in each other's way."""
    for action in plan.actions:
        if not isinstance(action, Replace) or action.service.order is not Order.START_FIRST:
            continue
        service = action.service
        port = f"publishes {service.ports[0]}, which only one container can hold" if service.ports else ""
        volume = f"writes to {service.volumes[0]}, and two would write at once" if service.volumes else ""
        if port or volume:
            raise Refused(
                f"{service.name} cannot be released with order: start-first: it {port or volume}",
                hint="Use order: stop-first, or reach the service by its network name instead of a host port",
            )
