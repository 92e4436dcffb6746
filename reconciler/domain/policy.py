"""What a plan may not do, whoever asks."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.domain.desired import Order
from reconciler.domain.plan import Change, Plan, Replace
from reconciler.errors import Refused

USUAL_REMOVAL = 0.5


@dataclass(frozen=True, slots=True)
class Limits:
    """``removal`` is the share of an environment's services (0 to 1) that one pass may remove."""

    removal: float = USUAL_REMOVAL


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
            hint="Check the Compose files; if this is meant, run once with --allow-removal",
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
