"""The two ends of a release: keep it, or put back what ran before."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from reconciler.app.gatekeeper import gate
from reconciler.app.host import Host
from reconciler.app.parachute import USUAL_TAG
from reconciler.app.placement import SETTLE_SECONDS, Placement
from reconciler.app.prepare import discard
from reconciler.app.samplers import Subject
from reconciler.app.slots import Slot, has_served
from reconciler.app.switch import USUAL_GRACE_SECONDS, Retired, switch_back
from reconciler.domain.desired import Service
from reconciler.domain.environment import Gate
from reconciler.domain.gate import Judgement
from reconciler.domain.observed import Health, Instance, Role, State, Vitals
from reconciler.domain.plan import Change, Create, Remove, Replace, Restart
from reconciler.domain.report import Outcome, Result, Verb
from reconciler.domain.severity import Verdict
from reconciler.errors import EngineFailed

LOG_LINES = 100
HEALTH_MARGIN_SECONDS = 5.0
LONGEST_SETTLE_SECONDS = 5.0
"""How long a rejected start-first successor may go on beside its predecessor, which is not healthy yet."""


def commit(placement: Placement, judgement: Judgement) -> Outcome:
    """Keep the release: predecessors go, and the tag ``rollback`` protects their images.

    What cannot be removed or tagged is noted; it does not make a good release a bad one.
    """
    host, prepared, notes = placement.host, placement.prepared, list[str]()
    for image_id, repository in prepared.retired_images.items():
        attempt(notes, partial(host.engine.tag, image_id, repository, USUAL_TAG))
    going = [retired.slot.predecessor for retired in placement.retired]
    going += [instance for pairing in prepared.pairings.values() for instance in pairing.surplus]
    removes = [action for action in placement.plan.actions if isinstance(action, Remove)]
    going += [instance for action in removes for instance in action.instances]
    for instance in going:
        attempt(notes, partial(remove_container, placement, instance.id, instance.serving_name))
    return Outcome(
        Result.CONVERGED,
        judgement,
        baseline=placement.baseline,
        gap_seconds=placement.gap_seconds,
        notes=tuple(notes),
    )


def abort(placement: Placement, judgement: Judgement) -> Outcome:
    """Undo the release in reverse order, and verify what is back with the same checks.

    Needs neither registry nor Git nor DNS: the predecessors were only stopped.
    """
    host, notes = placement.host, list[str]()
    created = _created(placement)
    rejected = [*placement.started, *created]
    back = True
    joiners = _joiners(placement)
    for instance, service in joiners:
        back &= attempt(notes, partial(_stop, host, instance, service.stop_grace_seconds))
    for retired in _way_back(placement):
        back &= attempt(notes, partial(put_back, placement, retired))
    for instance, _ in joiners:
        back &= attempt(notes, partial(_start, host, instance))
    for instance in _surplus(placement):
        back &= attempt(notes, partial(_start, host, instance))
    back &= attempt(notes, partial(_restart_again, placement))
    remains = remains_of(placement, rejected)
    for container in rejected if back else ():
        name = remains[container].name if container in remains else ""
        attempt(notes, partial(remove_container, placement, container, name))
    discard(host, placement.prepared.pairings, {})
    restored = _verify(placement) if back else Judgement(Verdict.FAIL, notes[0])
    return Outcome(
        result=_result(placement, restored),
        judgement=judgement,
        restored=restored,
        gap_seconds=placement.gap_seconds,
        excerpts={one.name: one.log for one in remains.values()},
        descriptions={one.name: one.description for one in remains.values()},
        exonerated=_exonerated(judgement, restored),
        notes=tuple(notes),
    )


def attempt(notes: list[str], action: Callable[[], None]) -> bool:
    """Do what may fail without ending the rest; what failed becomes a note."""
    try:
        action()
    except EngineFailed as error:
        notes.append(str(error))
        return False
    return True


def _stop(host: Host, instance: Instance, grace_seconds: float) -> None:
    with host.step(Verb.STOP, instance.serving_name):
        host.engine.stop(instance.id, grace_seconds)


def _start(host: Host, instance: Instance) -> None:
    with host.step(Verb.START, instance.serving_name):
        host.engine.start(instance.id)


def put_back(placement: Placement, retired: Retired) -> None:
    with placement.host.step(Verb.RESTORE, retired.slot.name):
        switch_back(placement.host, retired.slot, retired.policy, partial(_settle, placement, retired.slot))


def _settle(placement: Placement, slot: Slot) -> None:
    """Before a start-first successor stops, let its predecessor begin to answer, as on the way there.

    What has just been started answers nobody yet: without this, requests are lost. Only what still
    serves somebody is waited for, and never for long.
    """
    there = placement.host.engine.inspect(slot.successor)
    if there is None or there.state is not State.RUNNING or there.health is Health.UNHEALTHY:
        return
    before = placement.restarts_before(slot.predecessor.id)
    host = replace(placement.host, interrupted=lambda: False)
    how = Gate(LONGEST_SETTLE_SECONDS, SETTLE_SECONDS)
    gate(host, [Subject(slot.predecessor.id, slot.service, before)], how)


def remove_container(placement: Placement, container: str, name: str) -> None:
    services = {service.name: service for service in placement.desired.services}
    known = {i.id: services[i.service] for i in placement.observed.instances if i.service in services}
    grace = known[container].stop_grace_seconds if container in known else USUAL_GRACE_SECONDS
    with placement.host.step(Verb.REMOVE, name or container[:12]):
        placement.host.engine.stop(container, grace)
        placement.host.engine.remove(container)


def _created(placement: Placement) -> list[str]:
    """What the release brought besides successors: services that are new, or scaled up.

    A container that was removed by hand and created again (drift) stays, whatever the gate says.
    """
    drifted = {entry.name for entry in placement.plan.entries if entry.change is Change.DRIFT}
    created = placement.prepared.created.items()
    return [instance.id for name, instances in created if name not in drifted for instance in instances]


@dataclass(frozen=True, slots=True)
class _Remains:
    """What is kept of a container that is about to go: its name, last log lines, and description."""

    name: str
    log: str
    description: str


def remains_of(placement: Placement, containers: Sequence[str]) -> dict[str, _Remains]:
    """By id, of those that ever ran."""
    engine, result = placement.host.engine, dict[str, _Remains]()
    for container in containers:
        vitals = engine.inspect(container)
        if vitals is not None and vitals.started_at:
            log, description = engine.logs(container, LOG_LINES), engine.description(container)
            result[container] = _Remains(_shown(vitals), log, description)
    return result


def _shown(vitals: Vitals) -> str:
    """The name under which it served: by now it is called a successor again."""
    return vitals.name.removesuffix(f".{Role.SUCCESSOR}")


def _exonerated(judgement: Judgement, restored: Judgement) -> tuple[str, ...]:
    """What fails with the predecessors just as it did with the release: the cause is elsewhere."""
    if restored.verdict is Verdict.PASS:
        return ()
    before = {sample.subject for sample in judgement.deciding}
    return tuple(sorted({sample.subject for sample in restored.deciding} & before))


def _way_back(placement: Placement) -> list[Retired]:
    """Reverse order, but nothing before the container that it joins: that one must run first."""

    def depth(service: Service) -> int:
        return 1 + max((depth(placement.desired.service(name)) for name in service.shares), default=-1)

    back = placement.retired[::-1]
    back.sort(key=lambda retired: depth(retired.slot.service))  # stable: the reverse order stays
    return back


def _surplus(placement: Placement) -> list[Instance]:
    """Containers without a successor that are to run again; a killed pass may have stopped them already."""
    services = {service.name: service for service in placement.desired.services if not service.one_shot}
    return [
        instance
        for name, pairing in placement.prepared.pairings.items()
        for instance in pairing.surplus
        if name in services and (instance.running or instance.named_for(services[name].container_name))
        if has_served(instance)
    ]


def _joiners(placement: Placement) -> list[tuple[Instance, Service]]:
    """Containers that no switch reached yet, and that join the network of one that was switched.

    That network went with the stop; they must join the one that comes back. A killed pass may have
    stopped them already.
    """
    switched = {retired.slot.predecessor.id for retired in placement.retired}
    services = {service.name: service for service in placement.desired.services if not service.one_shot}
    return [
        (instance, services[instance.service])
        for instance in placement.observed.instances
        if instance.network_of in switched and instance.id not in switched
        if has_served(instance) and instance.service in services
    ]


def _restart_again(placement: Placement) -> None:
    """Containers that were restarted for a replaced dependency need the one that is back."""
    for action in placement.plan.actions:
        if isinstance(action, Restart) and placement.retired:
            placement.restart(action.service, action.instances)
        elif isinstance(action, Restart):
            for instance in action.instances:
                _start(placement.host, instance)


def _verify(placement: Placement) -> Judgement:
    """The same checks on what runs again, without the soak; an interruption does not cut it short."""
    slots = [retired.slot for retired in placement.retired if retired.slot.served]
    ids = [(slot.predecessor.id, slot.service) for slot in slots if not slot.service.one_shot]
    if not ids:
        return Judgement(Verdict.PASS, "nothing that served was switched")
    subjects = [
        Subject(container, service, placement.restarts_before(container)) for container, service in ids
    ]
    how = replace(placement.desired.environment.gate, soak_seconds=0.0)
    # A HEALTHCHECK is asked one interval after the start: a shorter time-out would call what is well lost.
    looks = [placement.host.engine.inspect(container) for container, _ in ids]
    longest = max((vitals.first_health_seconds for vitals in looks if vitals is not None), default=0.0)
    if longest:
        how = replace(how, timeout_seconds=max(how.timeout_seconds, longest + HEALTH_MARGIN_SECONDS))
    host = replace(placement.host, interrupted=lambda: False)
    back = {name: tuple(i for i, service in ids if service.name == name) for name in {s.name for _, s in ids}}
    scope = replace(placement.scope(), comparing=False)
    scope = replace(scope, containers={**scope.containers, **back})
    with host.step(Verb.VERIFY, placement.desired.environment.name):
        return gate(host, subjects, how, scope)


def _result(placement: Placement, restored: Judgement) -> Result:
    """What the abort amounts to."""
    changes = [
        action
        for entry in placement.plan.entries
        for action in entry.actions
        if isinstance(action, Replace) or (isinstance(action, Create) and entry.change is not Change.DRIFT)
    ]
    if not changes:
        return Result.FAILED  # a repair did not help; there was no release to undo
    first = not any(isinstance(action, Replace) for action in changes)
    slots = [retired.slot for retired in placement.retired]
    lost = any(not slot.served and not slot.service.one_shot for slot in slots)
    if restored.verdict is not Verdict.PASS or first or lost:
        return Result.ROLLBACK_FAILED
    return Result.ROLLED_BACK
