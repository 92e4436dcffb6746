"""A rejected release that is not taken back by the program, for the sake of data.

What was switched goes on; what never ran touched no data, and goes as it always does. Predecessors of what
goes on are removed: nothing may start them beside data that is not theirs any more. Their images stay
protected, as those of every good release.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import partial

from reconciler.app.commit_or_abort import attempt, put_back, remains_of, remove_container
from reconciler.app.host import Host
from reconciler.app.placement import Placement
from reconciler.app.prepare import Prepared, discard
from reconciler.domain.contract import Contracts, contracts, explained, moved
from reconciler.domain.data import Contract
from reconciler.domain.desired import Desired
from reconciler.domain.gate import Judgement
from reconciler.domain.plan import Plan
from reconciler.domain.report import Outcome, Result, Staying, Verb


def contracts_of(host: Host, desired: Desired, plan: Plan, prepared: Prepared) -> Contracts:
    """The contracts of the services that get another image: new containers bear the labels of theirs.

    Raises:
        EngineUnreachable: the engine does not answer.
    """
    labels = dict.fromkeys(moved(plan, desired.instead), "")
    if labels:
        fresh = _fresh(prepared)
        there = host.engine.observe(desired.environment.project).instances
        labels.update({i.service: i.contract for i in there if i.service in labels and i.id in fresh})
    return contracts(desired.environment.data, labels)


def worst_of_what_ran(placement: Placement, known: Contracts) -> tuple[Contract, tuple[str, ...]]:
    """The contract of what has run of a release so far, and the services that are switched by now."""
    if known.worst(known.of) is Contract.COMPATIBLE:
        return Contract.COMPATIBLE, ()
    ran = {name: ids for name, ids in _switched(placement).items() if any(_ran(placement, i) for i in ids)}
    return known.worst(ran), tuple(sorted(ran))


def stay(placement: Placement, judgement: Judgement, staying: Staying) -> Outcome:
    """Let go on what was switched, and clear away the rest of the release."""
    host, notes, kept = placement.host, list[str](), frozenset(staying.services)
    containers = [i for name, ids in _switched(placement).items() if name in kept for i in ids]
    remains = remains_of(placement, containers)
    for retired in reversed(placement.retired):
        if retired.slot.service.name not in kept:
            attempt(notes, partial(put_back, placement, retired))
    discard(host, placement.prepared.pairings, placement.prepared.created)
    for retired in placement.retired:
        if retired.slot.service.name in kept:
            going = retired.slot.predecessor
            attempt(notes, partial(remove_container, placement, going.id, going.serving_name))
    said = explained(placement.desired.environment.name, staying)
    return Outcome(
        result=Result.ROLLBACK_FAILED,
        judgement=judgement,
        gap_seconds=placement.gap_seconds,
        excerpts={one.name: one.log for one in remains.values()},
        descriptions={one.name: one.description for one in remains.values()},
        notes=(said, *notes),
        staying=staying,
    )


def unjudged(placement: Placement, judgement: Judgement, staying: Staying) -> Outcome:
    """Leave what an interruption found in the middle: the next pass judges it.

    What was good before it cannot be had back without its data, so there is nothing to hurry to.
    """
    discard(placement.host, placement.prepared.pairings, placement.prepared.created)
    names, contract = ", ".join(staying.services), staying.kept.contract
    note = f"{names} was not judged, and the release is {contract}: it is left as it is, for the next pass"
    return Outcome(
        Result.FAILED, judgement, gap_seconds=placement.gap_seconds, notes=(note,), staying=staying
    )


def stop_switched(placement: Placement, services: Collection[str]) -> None:
    """Stop what was switched of these services: nobody may write while data is brought back.

    Raises:
        EngineFailed, EngineUnreachable: one cannot be stopped.
    """
    for name, ids in _switched(placement).items():
        grace = placement.desired.service(name).stop_grace_seconds
        for container in ids if name in services else ():
            with placement.host.step(Verb.STOP, name, "before its data goes back"):
                placement.host.engine.stop(container, grace)


def _switched(placement: Placement) -> dict[str, list[str]]:
    """The containers that took a place, by service: successors, and what is new."""
    found: dict[str, list[str]] = {}
    for retired in placement.retired:
        found.setdefault(retired.slot.service.name, []).append(retired.slot.successor)
    for name, created in placement.prepared.created.items():
        if created:
            found.setdefault(name, []).extend(instance.id for instance in created)
    return found


def _fresh(prepared: Prepared) -> frozenset[str]:
    """Everything that was made, or is reused, for this release."""
    pairings = prepared.pairings.values()
    slots = [slot.successor for pairing in pairings for slot in pairing.slots]
    placed = [instance.id for pairing in pairings for instance in pairing.placed]
    created = [i.id for instances in prepared.created.values() for i in instances]
    return frozenset((*slots, *placed, *created))


def _ran(placement: Placement, container: str) -> bool:
    """Whether it was ever started: from then on it may have touched data."""
    vitals = placement.host.engine.inspect(container)
    return vitals is not None and bool(vitals.started_at)
