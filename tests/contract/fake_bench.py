"""The contract's bench over the fake world."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

from reconciler.domain.desired import Join, Port, Service
from reconciler.domain.environment import Environment
from reconciler.domain.image import ImageRef
from reconciler.domain.observed import Instance, State
from reconciler.ports import Engine, Events
from tests.bed.fake_engine import Behaviour, FakeWorld
from tests.contract.bench import ANSWER, CRASH_CODE, DATA, Spec, new


@dataclass(slots=True)
class FakeBench:
    """Over the fake world."""

    world: FakeWorld = field(default_factory=FakeWorld)
    project: str = "contract"

    @property
    def engine(self) -> Engine:
        return self.world

    @property
    def events(self) -> Events:
        return self.world.events

    def define(self, *specs: Spec) -> None:
        self.world.services = tuple(self._service(spec) for spec in specs)
        self.world.local |= {spec.kind for spec in specs if not spec.image}
        self.world.behave("crash", Behaviour(crashes=CRASH_CODE, logs=f"exits with {CRASH_CODE}, as told\n"))
        self.world.behave("health", Behaviour(healthy_after=2))
        self.world.behave("volume", Behaviour(volumes=(DATA,)))
        self.world.behave(
            "web",
            Behaviour(
                logs="version=1 listens\n",
                commands={"sh": ANSWER[1:]},
                hanging=("sleep",),
                memory_limit_bytes=specs[0].memory_limit_bytes,
                cpus=specs[0].cpus,
            ),
        )

    def create(self, service: str = "web") -> Instance:
        self.world.create(self._environment, (), {service: 1})
        return self.world.observe(self.project).of(service)[0]

    def template(self, service: str = "web") -> Instance:
        before = self.world.observe(self.project).of(service)
        self.world.create_templates(self._environment, (), {service: len(before) + 1})
        return new(self.world.observe(self.project).of(service), before)

    def volume(self, container: str) -> str:
        return self.world.containers[container].volumes[DATA]

    def volumes(self) -> set[str]:
        return set(self.world.volumes)

    def discard_volume(self, name: str) -> None:
        self.world.volumes.remove(name)

    def tags(self) -> dict[str, str]:
        return dict(self.world.image_tags)

    def now(self) -> datetime:
        self.world.clock.wait(1.0)
        return self.world.clock.now()

    def pause(self, container: str) -> None:
        self.world.containers[container].state = State.PAUSED

    def free_port(self) -> int:
        return 18080

    def published(self) -> ImageRef:
        self.world.registry = {f"registry/web@sha256:{'1' * 64}"}
        return ImageRef("registry/web", "1", f"sha256:{'1' * 64}")

    def restart_engine(self) -> None:
        self.world.restart_engine()

    @property
    def _environment(self) -> Environment:
        return Environment("contract", "pins.yaml", self.project, ".", ("compose.yaml",))

    def _service(self, spec: Spec) -> Service:
        service = Service(spec.name, spec.image or spec.kind, f"hash of {spec}", restart=spec.restart)
        ports = (Port("127.0.0.1", spec.port),) if spec.port else ()
        joins = (Join("network_mode", spec.joins),) if spec.joins else ()
        return replace(service, ports=ports, joins=joins, container_name=spec.container_name)
