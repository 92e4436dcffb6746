"""A release under way: prepare, switch, gate, then commit or abort. The release is the atomic unit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from reconciler.app.gatekeeper import Subject, await_conditions, gate
from reconciler.app.host import Host
from reconciler.app.prepare import Prepared, discard, prepare
from reconciler.app.slots import Slot
from reconciler.app.switch import Retired, retire, switch, switch_back
from reconciler.domain.desired import Condition, Desired, Order, Service
from reconciler.domain.environment import Gate
from reconciler.domain.gate import Judgement, Verdict
from reconciler.domain.observed import Instance, Observed
from reconciler.domain.plan import Action, Change, Create, Plan, Remove, Replace, Restart, Start
from reconciler.domain.report import Outcome, Result
from reconciler.errors import EngineFailed

LOG_LINES = 20


@dataclass(slots=True)
class Rollout:
    """One release of one environment.

    Args:
        host: the environment's outside.
        desired: what Git wants.
        files: the Compose files and the pins file, absolute.
        plan: what is to be done.
        observed: the snapshot that the plan was made from.
        reserve: bytes that must stay free where the engine keeps images.
    """

    host: Host
    desired: Desired
    files: Sequence[Path]
    plan: Plan
    observed: Observed
    reserve: int
    _retired: list[Retired] = field(default_factory=list)
    _started: list[str] = field(default_factory=list)
    _gaps: dict[str, float] = field(default_factory=dict)
    _placed: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def run(self) -> Outcome:
        """The whole rollout.

        Raises:
            ReconcileError: from the preparation; nothing that serves was touched.
        """
        prepared = prepare(self.host, self.desired, self.files, self.plan, self.observed, self.reserve)
        judgement = self._switch_all(prepared)
        if judgement.verdict is Verdict.PASS:
            judgement = self._gate()
        if judgement.verdict is Verdict.PASS:
            return self._commit(prepared, judgement)
        return self._abort(prepared, judgement)

    # -- switch ---------------------------------------------------------------------------------

    def _switch_all(self, prepared: Prepared) -> Judgement:
        """Take the waves in order; stop at the first service that does not get into place."""
        self._placed = {s.name: tuple(i.id for i in self.observed.of(s.name)) for s in self.desired.services}
        actions = {entry.name: entry.actions for entry in self.plan.entries}
        for wave in self.plan.waves:
            for name in wave:
                if self.host.interrupted():
                    return Judgement(Verdict.INCONCLUSIVE, "interrupted between two services")
                service = self.desired.service(name)
                judgement = self._await_dependencies(service)
                if judgement.verdict is not Verdict.PASS:
                    return judgement
                try:
                    judgement = self._place(service, actions[name], prepared)
                except EngineFailed as error:
                    return Judgement(Verdict.FAIL, f"{name}: {error.problem}")
                if judgement.verdict is not Verdict.PASS:
                    return judgement
        return Judgement(Verdict.PASS, "everything is in its place")

    def _await_dependencies(self, service: Service) -> Judgement:
        waits = [
            (Subject(container, self.desired.service(dependency.service)), dependency.condition)
            for dependency in service.depends_on
            if dependency.condition is not Condition.STARTED and dependency.service in self._placed
            for container in self._placed[dependency.service]
        ]
        return await_conditions(self.host, waits, self._timeout)

    def _place(self, service: Service, actions: Iterable[Action], prepared: Prepared) -> Judgement:
        """Do everything that the plan says of one service, except removals: they are for the commit."""
        judgement = Judgement(Verdict.PASS, "in place")
        for action in actions:
            match action:
                case Replace():
                    judgement = self._replace(service, prepared)
                case Create():
                    self._create(service, prepared.created.get(service.name, ()))
                case Start(instances=instances):
                    self._start(service, instances)
                case Restart(instances=instances):
                    self._restart(service, instances)
                case Remove():
                    pass
            if judgement.verdict is not Verdict.PASS:
                break
        return judgement

    def _replace(self, service: Service, prepared: Prepared) -> Judgement:
        pairing = prepared.pairings[service.name]
        staying = [i.id for i in pairing.placed]
        for container in staying:
            self.host.engine.start(container)
        for slot in pairing.slots:
            self._started.append(slot.successor)
            if service.order is Order.START_FIRST:
                self.host.engine.start(slot.successor)
                judgement = self._ready(slot)
                if judgement.verdict is not Verdict.PASS:
                    return judgement
            with self.host.step("switch", slot.name):
                self._retired.append(retire(self.host, slot))
                gap = switch(self.host, slot)
            self._gaps[service.name] = max(gap, self._gaps.get(service.name, 0.0))
            staying.append(slot.successor)
        for instance in pairing.surplus:
            self.host.engine.stop(instance.id, service.stop_grace_seconds)
        created = prepared.created.get(service.name, ())
        self._placed[service.name] = tuple(staying)
        self._create(service, created)
        self._placed[service.name] = (*staying, *(i.id for i in created))
        return Judgement(Verdict.PASS, "in place")

    def _ready(self, slot: Slot) -> Judgement:
        """Before a start-first predecessor stops, its successor must be good."""
        subject = Subject(slot.successor, slot.service)
        settle = Gate(timeout_seconds=self._timeout, soak_seconds=1.0)
        with self.host.step("ready", slot.name):
            return gate(self.host, [subject], settle)

    def _create(self, service: Service, instances: tuple[Instance, ...]) -> None:
        for instance in instances:
            with self.host.step("start", instance.name):
                self.host.engine.start(instance.id)
        if instances:
            there = self._placed.get(service.name, ())
            self._placed[service.name] = (*there, *(i.id for i in instances if i.id not in there))

    def _start(self, service: Service, instances: tuple[Instance, ...]) -> None:
        for instance in instances:
            with self.host.step("start", instance.serving_name):
                if instance.name != instance.serving_name:
                    self.host.engine.set_restart_policy(instance.id, service.restart)
                    self.host.engine.rename(instance.id, instance.serving_name)
                self.host.engine.start(instance.id)

    def _restart(self, service: Service, instances: tuple[Instance, ...]) -> None:
        for instance in instances:
            with self.host.step("restart", instance.name):
                self.host.engine.stop(instance.id, service.stop_grace_seconds)
                self.host.engine.start(instance.id)

    # -- gate -----------------------------------------------------------------------------------

    @property
    def _timeout(self) -> float:
        return self.desired.environment.gate.timeout_seconds

    def _gate(self) -> Judgement:
        """Judge what was touched, and the environment's checks."""
        touched = [name for wave in self.plan.waves for name in wave]
        subjects = [
            Subject(container, self.desired.service(name), self._restarts_before(container))
            for name in touched
            for container in self._placed.get(name, ())
        ]
        if not subjects:
            return Judgement(Verdict.PASS, "nothing was switched")
        with self.host.step("gate", self.desired.environment.name):
            return gate(self.host, subjects, self.desired.environment.gate)

    def _restarts_before(self, container: str) -> int:
        """Restarts that are not this rollout's: those of containers that were there before."""
        if all(container != instance.id for instance in self.observed.instances):
            return 0
        vitals = self.host.engine.inspect(container)
        return vitals.restart_count if vitals else 0

    # -- commit ---------------------------------------------------------------------------------

    def _commit(self, prepared: Prepared, judgement: Judgement) -> Outcome:
        """Keep the release: predecessors go, and the tag ``rollback`` protects their images."""
        notes: list[str] = []
        for image_id, repository in prepared.retired_images.items():
            self._attempt(notes, partial(self.host.engine.tag, image_id, repository, "rollback"))
        going = [retired.slot.predecessor for retired in self._retired]
        going += [instance for pairing in prepared.pairings.values() for instance in pairing.surplus]
        removes = [action for action in self.plan.actions if isinstance(action, Remove)]
        going += [instance for action in removes for instance in action.instances]
        for instance in going:
            with self.host.step("remove", instance.serving_name):
                self._attempt(notes, partial(self._remove, instance.id))
        return Outcome(Result.CONVERGED, judgement, gap_seconds=self._gaps, notes=tuple(notes))

    def _remove(self, container: str) -> None:
        self.host.engine.stop(container, self._grace(container))
        self.host.engine.remove(container)

    def _grace(self, container: str) -> float:
        """The stop grace of the service that a container belongs to; the engine's own for strangers."""
        for instance in self.observed.instances:
            if instance.id == container:
                for service in self.desired.services:
                    if service.name == instance.service:
                        return service.stop_grace_seconds
        return 10.0

    def _attempt(self, notes: list[str], action: Callable[[], None]) -> bool:
        """Do what may fail without changing the outcome; what failed becomes a note."""
        try:
            action()
        except EngineFailed as error:
            notes.append(str(error))
            return False
        return True

    # -- abort ----------------------------------------------------------------------------------

    def _abort(self, prepared: Prepared, judgement: Judgement) -> Outcome:
        """Undo the release in reverse order, and verify what is back with the same checks."""
        notes: list[str] = []
        rejected = [*self._started, *(i.id for name in self._new for i in prepared.created.get(name, ()))]
        excerpts = self._excerpts(rejected)
        back = True
        for retired in self._way_back():
            with self.host.step("restore", retired.slot.name):
                back &= self._attempt(notes, partial(switch_back, self.host, retired.slot, retired.policy))
        for instance in self._stopped_surplus(prepared):
            back &= self._attempt(notes, partial(self.host.engine.start, instance.id))
        self._attempt(notes, self._restart_again)
        for container in rejected if back else ():
            with self.host.step("remove", excerpts.get(container, ("", ""))[0] or container[:12]):
                self._attempt(notes, partial(self._remove, container))
        discard(self.host, prepared.pairings, {name: prepared.created.get(name, ()) for name in self._new})
        restored = self._verify(back, notes)
        return Outcome(
            result=self._result(restored),
            judgement=judgement,
            restored=restored,
            gap_seconds=self._gaps,
            excerpts=dict(excerpts.values()),
            notes=tuple(notes),
        )

    def _way_back(self) -> list[Retired]:
        """Reverse order, but nothing before the container that it joins: that one must run first."""

        def depth(service: Service) -> int:
            return 1 + max((depth(self.desired.service(name)) for name in service.shares), default=-1)

        back = self._retired[::-1]
        back.sort(key=lambda retired: depth(retired.slot.service))  # stable: the reverse order stays
        return back

    @property
    def _new(self) -> frozenset[str]:
        """Services that this release brings, or scales up: undoing it removes what it created.

        A container that was removed by hand and created again (drift) stays, whatever the gate says.
        """
        drifted = {e.name for e in self.plan.entries if e.change is Change.DRIFT}
        return frozenset(e.name for e in self.plan.entries if e.name not in drifted)

    def _excerpts(self, containers: Sequence[str]) -> dict[str, tuple[str, str]]:
        """Name and last log lines of containers that are about to go, by id."""
        result: dict[str, tuple[str, str]] = {}
        for container in containers:
            vitals = self.host.engine.inspect(container)
            if vitals is not None and vitals.started_at:
                result[container] = (vitals.name, self.host.engine.logs(container, LOG_LINES))
        return result

    def _stopped_surplus(self, prepared: Prepared) -> list[Instance]:
        """Containers without a successor that served before; their services are in place again."""
        surplus = [i for pairing in prepared.pairings.values() for i in pairing.surplus]
        return [instance for instance in surplus if instance.running]

    def _restart_again(self) -> None:
        """Containers that were restarted for a replaced dependency need the one that is back."""
        for action in self.plan.actions:
            if isinstance(action, Restart) and self._retired:
                self._restart(action.service, action.instances)

    def _verify(self, back: bool, notes: Sequence[str]) -> Judgement:
        """The same checks on what runs again, without the soak."""
        if not back:
            return Judgement(Verdict.FAIL, notes[0] if notes else "a predecessor did not start")
        slots = [retired.slot for retired in self._retired if retired.slot.served]
        subjects = [
            Subject(s.predecessor.id, s.service, self._restarts_before(s.predecessor.id)) for s in slots
        ]
        if not subjects:
            return Judgement(Verdict.PASS, "nothing that served was switched")
        how = replace(self.desired.environment.gate, soak_seconds=0.0)
        with self.host.step("verify", self.desired.environment.name):
            return gate(replace(self.host, interrupted=lambda: False), subjects, how)

    def _result(self, restored: Judgement) -> Result:
        """What the abort amounts to."""
        changes = [a for a in self.plan.actions if isinstance(a, (Replace, Create))]
        if not changes:
            return Result.FAILED
        unserved = all(not retired.slot.served for retired in self._retired)
        first = not any(isinstance(action, Replace) for action in changes)
        if restored.verdict is not Verdict.PASS or first or (self._retired and unserved):
            return Result.ROLLBACK_FAILED
        return Result.ROLLED_BACK
