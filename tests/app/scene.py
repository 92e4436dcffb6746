"""A stage for the use cases: one fake world, what Git wants of it, and passes over it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from reconciler.app.desired import Source
from reconciler.app.host import Host
from reconciler.app.identity import identified, joined
from reconciler.app.rollout import Rollout
from reconciler.domain.comparison import Seen
from reconciler.domain.desired import Desired, Pin, Revision, Service
from reconciler.domain.diff import diff
from reconciler.domain.environment import Environment
from reconciler.domain.image import ImageRef
from reconciler.domain.observed import Observed, Role
from reconciler.domain.plan import Plan
from reconciler.domain.report import Outcome, Step
from tests.bed.fake_clock import FakeClock
from tests.bed.fake_container import Container
from tests.bed.fake_engine import Behaviour, FakeWorld
from tests.bed.fake_hooks import FakeHooks
from tests.bed.fake_outside import FakeProbe, FakeRegistry
from tests.domain.values import COMMIT, PROJECT, environment, image, url

FILES = (Path("/compose/compose.yaml"), Path("/nowhere/compose.pins.yaml"))
RESERVE = 256 * 2**20


@dataclass(slots=True)
class Scene:
    """One environment on one host. Containers are called ``shop-SERVICE-NUMBER``."""

    services: tuple[Service, ...]
    env: Environment = field(default_factory=environment)
    world: FakeWorld = field(default_factory=FakeWorld)
    clock: FakeClock = field(default_factory=FakeClock)
    probe: FakeProbe = field(default_factory=FakeProbe)
    registry: FakeRegistry = field(default_factory=FakeRegistry)
    steps: list[Step] = field(default_factory=list)
    interrupted: Callable[[], bool] = lambda: False
    attended: bool = False
    failpoint: Callable[[str], None] = lambda _name: None
    hooks: FakeHooks = field(init=False)

    def __post_init__(self) -> None:
        self.world.clock = self.clock
        self.hooks = FakeHooks(self.world)
        self.define(*self.services)

    def define(self, *services: Service) -> None:
        """Write the Compose files: these services, pinned where they are."""
        self.services = services
        self.world.services = tuple(replace(service, pin=None) for service in services)
        self.world.pins = {s.name: s.image for s in services if s.pinned}
        for service in services:
            self.world.local.add(_local(service.image))

    def release(self, **versions: str) -> None:
        """Move pins, and have the images at hand."""
        for name, version in versions.items():
            self.world.pins[name] = image(name, version)
            self.world.local.add(_local(image(name, version)))

    def behave(self, name: str, version: str, behaviour: Behaviour) -> None:
        """How a version of a service behaves."""
        self.world.behave(image(name, version), behaviour)

    def answer(self, name: str, answer: Callable[[int], Seen]) -> None:
        """What the check of this name sees, by count; see `tests.domain.values.check`."""
        self.probe.answers[url(name)] = answer

    def asked(self, name: str) -> int:
        """How often the check of this name was asked."""
        return self.probe.asked.get(url(name), 0)

    @property
    def host(self) -> Host:
        return Host(
            engine=self.world,
            compose=self.world,
            registry=self.registry,
            probe=self.probe,
            clock=self.clock,
            progress=self.steps.append,
            interrupted=self.interrupted,
            attended=self.attended,
            failpoint=self.failpoint,
            hooks=self.hooks,
        )

    @property
    def desired(self) -> Desired:
        model = self.world.resolve(self.env, FILES)
        services = tuple(_with_pin(service, self.world.pins) for service in model.services)
        return Desired(self.env, Revision(COMMIT, "main"), services, model.compose_version)

    def look(self) -> tuple[Desired, Observed, Plan]:
        """Desired, observed, and the plan between them."""
        source = Source(self.desired, FILES, "state/pins", "")
        there = self.world.observe(PROJECT)
        source = replace(source, desired=joined(self.host, source, there))
        there = identified(self.host, source, there)
        return source.desired, there, diff(source.desired, there)

    @property
    def plan(self) -> str:
        return str(self.look()[2])

    def once(self) -> Outcome | None:
        """One pass; None where there was nothing to do."""
        desired, there, plan = self.look()
        return None if plan.empty else Rollout(self.host, desired, FILES, plan, there, RESERVE).run()

    def up(self) -> Scene:
        """The scene once everything runs, its calls and steps forgotten."""
        self.once()
        assert self.plan == "No changes."
        self.world.calls.clear()
        self.steps.clear()
        return self

    def running(self) -> str:
        """The versions that run, by container: ``web-1=2 web-1.predecessor=1``."""
        found = [f"{c.name.removeprefix(f'{PROJECT}-')}={_version(c)}" for c in self.containers if c.up]
        return " ".join(found)

    def there(self) -> str:
        """All containers, those that do not run in brackets."""
        shown = [f"{c.name.removeprefix(f'{PROJECT}-')}={_version(c)}" for c in self.containers]
        return " ".join(one if c.up else f"[{one}]" for one, c in zip(shown, self.containers, strict=True))

    @property
    def containers(self) -> list[Container]:
        return sorted(self.world.containers.values(), key=lambda c: c.name)

    def leftovers(self) -> list[str]:
        """Containers that only a pass under way may have."""
        roles = {instance.name: instance.role for instance in self.world.observe(PROJECT).instances}
        return sorted(name for name, role in roles.items() if role is not Role.SERVING)

    @property
    def did(self) -> list[str]:
        """What was changed, one call a line, without images and volumes."""
        return [" ".join(call).replace(f"{PROJECT}-", "") for call in self.world.calls]


def _local(reference: str) -> str:
    return ImageRef.parse(reference).by_digest


def _with_pin(service: Service, pins: dict[str, str]) -> Service:
    if service.name not in pins:
        return service
    ref = ImageRef.parse(pins[service.name])
    return replace(service, pin=Pin(service.name, ref, 3, 12), image=str(ref), builds=False)


def _version(container: Container) -> str:
    return ImageRef.parse(container.image).tag
