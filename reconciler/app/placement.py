"""Put everything in its place, wave by wave: the switch of a whole release."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from reconciler.app.gatekeeper import await_conditions, gate
from reconciler.app.host import Host
from reconciler.app.prepare import Prepared
from reconciler.app.samplers import Scope, Subject
from reconciler.app.slots import Slot
from reconciler.app.switch import Retired, policy_before, retire, switch
from reconciler.domain.comparison import Measures
from reconciler.domain.desired import Condition, Desired, Order, Service
from reconciler.domain.environment import Gate
from reconciler.domain.gate import Evidence, Judgement, Sample
from reconciler.domain.observed import Instance, Observed, Role
from reconciler.domain.plan import Action, Create, Plan, Remove, Replace, Restart, Start
from reconciler.domain.report import Verb
from reconciler.domain.severity import Verdict
from reconciler.errors import EngineFailed, HostConflict

SETTLE_SECONDS = 1.0
"""How long a start-first successor must stay good before its predecessor stops."""


@dataclass(slots=True)
class Placement:
    """A release while its services take their places, and what undoing it has to know.

    Args:
        host: the environment's outside.
        desired: what Git wants.
        plan: what is to be done.
        observed: the snapshot that the plan was made from.
        prepared: the successors and new containers.
        baseline: what was measured on the predecessors, by check.
    """

    host: Host
    desired: Desired
    plan: Plan
    observed: Observed
    prepared: Prepared
    baseline: Mapping[str, Measures] = field(default_factory=dict)
    retired: list[Retired] = field(default_factory=list)
    started: list[str] = field(default_factory=list)
    gap_seconds: dict[str, float] = field(default_factory=dict)
    _placed: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def place_all(self) -> Judgement:
        """Take the waves in order; stop at the first service that does not get into its place."""
        self._placed = {service.name: self._staying(service.name) for service in self.desired.services}
        actions = {entry.name: entry.actions for entry in self.plan.entries}
        for wave in self.plan.waves:
            for name in wave:
                judgement = self._place(self.desired.service(name), actions[name])
                if judgement.verdict is not Verdict.PASS:
                    return judgement
        return Judgement(Verdict.PASS, "everything is in its place")

    def subjects(self) -> list[Subject]:
        """The containers that this release touched, each in its place."""
        touched = [e.name for e in self.plan.entries if any(not isinstance(a, Remove) for a in e.actions)]
        known = {service.name for service in self.desired.services}
        return [
            Subject(container, self.desired.service(name), self.restarts_before(container))
            for name in touched
            if name in known
            for container in self._placed[name]
        ]

    def scope(self) -> Scope:
        """What the environment's checks are about, with everything in its place."""
        fresh = [*self.started, *(i.id for created in self.prepared.created.values() for i in created)]
        return Scope(self._placed, frozenset(fresh), self.baseline)

    def restarts_before(self, container: str) -> int:
        """Restarts that are not this release's doing: those of containers that were there before."""
        if all(container != instance.id for instance in self.observed.instances):
            return 0
        vitals = self.host.engine.inspect(container)
        return vitals.restart_count if vitals else 0

    def _staying(self, name: str) -> tuple[str, ...]:
        """The containers of a service that the plan does not remove."""
        entries = [entry for entry in self.plan.entries if entry.name == name]
        removes = [action for entry in entries for action in entry.actions if isinstance(action, Remove)]
        going = {instance.id for action in removes for instance in action.instances}
        return tuple(
            i.id for i in self.observed.of(name) if i.id not in going and i.role is not Role.TEMPLATE
        )

    def _place(self, service: Service, actions: Iterable[Action]) -> Judgement:
        """Do what the plan says of one service, when what it depends on is ready."""
        if self.host.interrupted():
            return Judgement(Verdict.INCONCLUSIVE, "interrupted between two services")
        judgement = self._await_dependencies(service)
        if judgement.verdict is not Verdict.PASS:
            return judgement
        try:
            for action in actions:
                judgement = self._carry_out(service, action)
                if judgement.verdict is not Verdict.PASS:
                    return judgement
        except HostConflict as error:  # not judged: it may be good where nothing is in its way
            way = Sample(service.name, Evidence.NONE, 0.0, error.problem)
            return Judgement(Verdict.INCONCLUSIVE, f"{service.name}: {error.problem}", (way,))
        except EngineFailed as error:
            return Judgement(Verdict.FAIL, f"{service.name}: {error.problem}")
        return judgement

    def _await_dependencies(self, service: Service) -> Judgement:
        waits = [
            (
                Subject(container, self.desired.service(d.service), self.restarts_before(container)),
                d.condition,
            )
            for d in service.depends_on
            if d.condition is not Condition.STARTED and d.service in self._placed
            for container in self._placed[d.service]
        ]
        judgement = await_conditions(self.host, waits, self.desired.environment.gate.timeout_seconds)
        ours = {name for wave in self.plan.waves for name in wave}
        if judgement.verdict is Verdict.FAIL and not any(s.service.name in ours for s, _ in waits):
            return replace(judgement, verdict=Verdict.INCONCLUSIVE)  # not this release's doing
        return judgement

    def _carry_out(self, service: Service, action: Action) -> Judgement:
        """One action; removals wait for the commit."""
        match action:
            case Replace():
                return self._replace(service)
            case Create():
                self._start_created(service)
            case Start(instances=instances):
                self._start(service, instances)
            case Restart(instances=instances):
                self.restart(service, instances)
            case Remove():
                pass
        return Judgement(Verdict.PASS, "in place")

    def _replace(self, service: Service) -> Judgement:
        pairing = self.prepared.pairings[service.name]
        self._start(service, pairing.placed)
        for slot in pairing.slots:
            judgement = self._swap(slot)
            if judgement.verdict is not Verdict.PASS:
                return judgement
        for instance in pairing.surplus:
            with self.host.step(Verb.STOP, instance.name):
                self.host.engine.stop(instance.id, service.stop_grace_seconds)
        self._placed[service.name] = (*(i.id for i in pairing.placed), *(s.successor for s in pairing.slots))
        self._start_created(service)
        return Judgement(Verdict.PASS, "in place")

    def _swap(self, slot: Slot) -> Judgement:
        """Let the successor take the predecessor's place."""
        name = slot.service.name
        if slot.service.order is Order.START_FIRST:
            self.started.append(slot.successor)
            with self.host.step(Verb.START, slot.waiting_name):
                self._stop_joiners(slot.successor)
                self.host.engine.start(slot.successor)
            judgement = self._ready(slot)
            if judgement.verdict is not Verdict.PASS:
                return judgement
        with self.host.step(Verb.SWITCH, slot.name):
            self.retired.append(Retired(slot, policy_before(self.host, slot)))
            retire(self.host, slot)
            if slot.service.order is not Order.START_FIRST:
                self.started.append(slot.successor)
                self._stop_joiners(slot.successor)
            gap = switch(self.host, slot)
        self.gap_seconds[name] = max(gap, self.gap_seconds.get(name, 0.0))
        return Judgement(Verdict.PASS, "switched")

    def _ready(self, slot: Slot) -> Judgement:
        """Before a start-first predecessor stops, its successor must be good, and stay it for a moment."""
        how = Gate(self.desired.environment.gate.timeout_seconds, SETTLE_SECONDS)
        with self.host.step(Verb.READY, slot.name):
            return gate(self.host, [Subject(slot.successor, slot.service)], how)

    def _start_created(self, service: Service) -> None:
        created = self.prepared.created.get(service.name, ())
        for instance in created:
            with self.host.step(Verb.START, instance.name):
                self.host.engine.start(instance.id)
        self._placed[service.name] += tuple(instance.id for instance in created)

    def _start(self, service: Service, instances: tuple[Instance, ...]) -> None:
        for instance in instances:
            with self.host.step(Verb.START, instance.serving_name):
                if instance.name != instance.serving_name:
                    self.host.engine.set_restart_policy(instance.id, service.restart)
                    self.host.engine.rename(instance.id, instance.serving_name)
                self._stop_joiners(instance.id)
                self.host.engine.start(instance.id)

    def _stop_joiners(self, container: str) -> None:
        """What joins a container that is about to start stops first; its own turn comes.

        It runs without a network already. Stopped, it is started by the next pass, should this one be
        killed; running, it would look as if nothing was the matter.
        """
        here = self.observed.instances
        if any(i.id == container and i.running for i in here):
            return
        again = {
            e.name
            for e in self.plan.entries
            if any(isinstance(a, (Replace, Restart, Start)) for a in e.actions)
        }
        for instance in here:
            if instance.network_of == container and instance.running and instance.service in again:
                grace = self.desired.service(instance.service).stop_grace_seconds
                self.host.engine.stop(instance.id, grace)

    def restart(self, service: Service, instances: tuple[Instance, ...]) -> None:
        """Stop and start containers that run."""
        for instance in instances:
            with self.host.step(Verb.RESTART, instance.name):
                self.host.engine.stop(instance.id, service.stop_grace_seconds)
                self.host.engine.start(instance.id)
