"""How much of an environment one pass may stop or replace without Git having moved it.

Somebody who edits half a host by hand, a broken file, a lost mount: what then differs everywhere is put right
by a person, or with a person's word. A new release is not limited: it is judged, and it goes back as a whole.
"""

from __future__ import annotations

import math
from collections.abc import Container, Iterable

from reconciler.domain.braking import mends, moves
from reconciler.domain.holding import follows
from reconciler.domain.observed import Observed
from reconciler.domain.plan import Change, Create, Entry, Plan, Remove, Replace, Restart
from reconciler.domain.policy import Limits
from reconciler.errors import Refused

_NOT_OURS = (Change.ORPHAN, Change.UNMANAGED)


def refuse_mass_change(
    plan: Plan, observed: Observed, limits: Limits, unfinished: Container[str] = ()
) -> None:
    """Refuse a plan that stops or replaces too many services through drift or removal.

    Starting what stopped and making again what is missing are not limited, nor is what follows from that.

    Args:
        plan: what would be done.
        observed: the snapshot that the plan was made from.
        limits: ``change`` is the share of the services that may be touched; one always may.
        unfinished: services that an interrupted pass was releasing.

    Raises:
        Refused: with the services, the limit, and how to allow it.
    """
    services = [entry for entry in plan.entries if entry.change not in _NOT_OURS]
    most = max(1, math.floor(limits.change * len(services)))
    touched = touched_unasked(plan, observed, unfinished)
    if len(touched) > most:
        raise Refused(
            f"the plan stops or replaces {len(touched)} of {len(services)} services of {plan.environment} "
            f"although Git did not move them, and at most {most} may be: {', '.join(touched)}",
            hint="Find out what changed the host; if this is meant, run once with --allow-mass-change, "
            "or raise max_change in reconcile.yaml",
        )


def touched_unasked(plan: Plan, observed: Observed, unfinished: Container[str] = ()) -> tuple[str, ...]:
    """The services that a plan stops or replaces through drift or removal, sorted; see above."""
    by_name = {entry.name: entry for entry in plan.entries}
    planned = {n for n, e in by_name.items() if any(isinstance(a, (Replace, Create)) for a in e.actions)}
    found: set[str] = set()
    ordered = [name for wave in plan.waves for name in wave]
    for name in dict.fromkeys([*ordered, *by_name]):
        if name not in unfinished and _touched(by_name[name], observed, planned, found):
            found.add(name)
    return tuple(sorted(found))


def _touched(entry: Entry, observed: Observed, planned: Iterable[str], found: Container[str]) -> bool:
    for action in entry.actions:
        match action:
            case Replace():
                roots = follows(action, planned)
                own = entry.change is Change.DRIFT and not roots and not mends(action, observed)
                if own or any(name in found for name in roots):
                    return True
            case Restart(service=service):
                after = (d.service for d in service.depends_on if d.restart)
                if any(name in found for name in (*service.shares, *after)):
                    return True
            case Remove():
                if moves(entry, action, observed):
                    return True
            case _:
                continue
    return False
