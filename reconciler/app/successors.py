"""Make successors: from what Compose creates, for the containers that are there.

Compose is asked to create one template per service. The engine makes successors from it, which get what
only a recreation by Compose itself would carry over: number, anonymous volumes, and the new containers
of the services that they join.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from reconciler.app.host import Host
from reconciler.app.slots import Pairing
from reconciler.domain.desired import Desired, Service
from reconciler.domain.observed import Instance, Observed, Role
from reconciler.domain.plan import Plan, Remove
from reconciler.domain.report import Verb
from reconciler.errors import Stale


@dataclass(slots=True)
class Successors:
    """Successors in the making.

    ``pairings`` and ``created`` are what there is at every moment, so that a failure can be cleared away.

    Args:
        host: the environment's outside.
        desired: what Git wants.
        files: the Compose files and the pins file, absolute.
        plan: what is to be done.
        pairings: the replacements, by service.
        created: the containers of services that had too few, by service.
    """

    host: Host
    desired: Desired
    files: Sequence[Path]
    plan: Plan
    pairings: dict[str, Pairing]
    created: dict[str, tuple[Instance, ...]]
    _remade: set[str] = field(default_factory=set)

    def make(self) -> None:
        """Put a successor into every slot, and let new containers join successors.

        Raises:
            EngineFailed, ComposeFailed: one cannot be created.
            Stale: Compose created something else than what was read.
        """
        for name, instances in self.created.items():
            for instance in instances:
                self._refuse_other_image(self.desired.service(name), instance)
        in_order = [name for wave in self.plan.waves for name in wave]
        lacking = [n for n in in_order if n in self.pairings and not _filled(self.pairings[n])]
        doubtful = [name for name in self.created if self._is_doubtful(self.desired.service(name))]
        if not lacking and not doubtful:
            return
        with self.host.step(Verb.CREATE, ", ".join(sorted([*lacking, *doubtful])), "successors"):
            self._make(in_order, lacking)

    def _present(self) -> Observed:
        return self.host.engine.observe(self.desired.environment.project)

    def _make(self, in_order: Sequence[str], lacking: Sequence[str]) -> None:
        """Let Compose create one template per service that lacks a successor; they go again in any case."""
        before = self._present()
        known = {instance.id for instance in before.instances}
        scale = {name: len(before.of(name)) + 1 for name in sorted(lacking)}
        templates: dict[str, Instance] = {}
        try:
            try:
                if scale:
                    self.host.compose.create_templates(
                        self.desired.environment, self.files, scale, self.desired.instead
                    )
            finally:
                present = self._present()
                fresh = (i for i in present.instances if i.role is Role.TEMPLATE and i.id not in known)
                templates.update((template.service, template) for template in fresh)
            for service in (self.desired.service(name) for name in in_order):
                if service.name in lacking:
                    self._fill(service, templates.get(service.name), present)
                elif service.name in self.created and self._is_doubtful(service):
                    self._correct(service, present)
        finally:
            for template in templates.values():
                self.host.engine.remove(template.id, fresh_volumes=True)

    def _fill(self, service: Service, template: Instance | None, present: Observed) -> None:
        if template is None:
            raise Stale(f"Compose created no container of {service.name}", hint="Run the pass again")
        self._refuse_other_image(service, template)
        config_hash, joined = self._hash(service, present), self._joined(service, present)
        slots = list(self.pairings[service.name].slots)
        for index, slot in enumerate(slots):
            if not slot.successor:
                made = self.host.engine.succeed(
                    template, slot.predecessor, slot.waiting_name, config_hash, joined
                )
                slots[index] = replace(slot, successor=made)
                self.pairings[service.name] = replace(self.pairings[service.name], slots=tuple(slots))

    def _joins_new(self, service: Service) -> bool:
        """Whether a new container of the service may have been made to join one that will go."""
        other = {*self.pairings, *self._remade, *(action.name for action in self._removals)}
        return any(name in other for name in service.shares)

    @property
    def _removals(self) -> list[Remove]:
        return [action for action in self.plan.actions if isinstance(action, Remove)]

    def _is_doubtful(self, service: Service) -> bool:
        """Whether a new container of the service may not be what it has to be."""
        needs = {*service.shares, *(dependency.service for dependency in service.depends_on)}
        return self._joins_new(service) or not needs <= self.created.keys()

    def _correct(self, service: Service, present: Observed) -> None:
        """Make new containers again where Compose did not make what it would have made of the whole.

        It lets them join what runs now, and not what will run. And it forgets the dependencies that it was
        not asked to create as well, also in the hash (2.26): the next pass would take that for drift.
        """
        config_hash, joined = self._hash(service, present), self._joined(service, present)
        if not self._joins_new(service) and all(
            one.config_hash == config_hash for one in self.created[service.name]
        ):
            return
        self._remade.add(service.name)
        for old in self.created[service.name]:
            waiting = f"{old.name}.{Role.SUCCESSOR}"
            made = self.host.engine.succeed(old, old, waiting, config_hash, joined)
            new = replace(old, id=made, config_hash=config_hash)
            self.created[service.name] += (new,)
            self.host.engine.remove(old.id, fresh_volumes=True)
            self.created[service.name] = tuple(i for i in self.created[service.name] if i.id != old.id)
            self.host.engine.rename(made, old.name)

    def _hash(self, service: Service, present: Observed) -> str:
        """The hash that Compose will expect: that of the containers that will be joined."""
        joined = {name: self._target(name, present) for name in service.shares}
        if not service.joins or not all(joined.values()):
            return service.config_hash
        images = {name: image for name, image in self.desired.instead.items() if name == service.name}
        hashes = self.host.compose.hashes(self.desired.environment, self.files, [service], joined, images)
        return hashes[service.name]

    def _joined(self, service: Service, present: Observed) -> dict[str, str]:
        """Which container ids a template may mention, and which its successor must mention instead."""
        return {
            instance.id: target
            for name in service.shares
            if (target := self._target(name, present))
            for instance in present.of(name)
        }

    def _target(self, name: str, present: Observed) -> str:
        """The container of a service that others will join; empty where there will be none."""
        pairing = self.pairings.get(name)
        if pairing is not None and (pairing.placed or pairing.slots):
            return pairing.placed[0].id if pairing.placed else pairing.slots[0].successor
        if name in self._remade:
            return self.created[name][0].id
        going = {instance.id for action in self._removals for instance in action.instances}
        staying = replace(present, instances=tuple(i for i in present.instances if i.id not in going))
        found = staying.joinable(name)
        return found.id if found else ""

    def _refuse_other_image(self, service: Service, created: Instance) -> None:
        """What was verified must be what was created, whatever happened to the files in between."""
        vitals = self.host.engine.inspect(created.id)
        if vitals is None or (service.pinned and vitals.image != service.image):
            seen = vitals.image if vitals else "nothing"
            raise Stale(
                f"Compose created {service.name} from {seen}, and {service.image} is pinned",
                hint="The files changed while they were read; run the pass again",
            )


def _filled(pairing: Pairing) -> bool:
    return all(slot.successor for slot in pairing.slots)
