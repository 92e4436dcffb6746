"""The `Hooks` port over the fake world: a one-off container is there as long as its command runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from reconciler.domain.data import Hook
from reconciler.domain.environment import Environment
from reconciler.domain.observed import State
from reconciler.errors import HookFailed
from reconciler.ports import Ran
from tests.bed.fake_container import Behaviour, Container, hashed
from tests.bed.fake_engine import FakeWorld


@dataclass
class FakeHooks:
    """Runs nothing: `answers` says by program how a command ends, 0 by default; None hangs to its limit.

    `ran` has the program of each, with what it found in its environment and what ran meanwhile; `images` what
    its container was made from.
    """

    world: FakeWorld
    answers: dict[str, Ran] = field(default_factory=dict)
    missing: set[str] = field(default_factory=set)
    ran: list[tuple[str, dict[str, str], str]] = field(default_factory=list)
    images: list[str] = field(default_factory=list)

    def run(
        self,
        environment: Environment,
        files: Sequence[Path],
        hook: Hook,
        variables: Mapping[str, str],
        images: Mapping[str, str],
    ) -> Ran:
        """See `ports.Hooks`."""
        program = hook.command[0]
        self.world.observe(environment.project)  # what is killed runs nothing
        running = " ".join(sorted(_short(image) for image in self.world.running().values()))
        if program in self.missing:
            raise HookFailed(f"{program} cannot be started: No such file or directory")
        container = self._container(environment, hook, images) if hook.service else None
        self.ran.append((program, dict(variables), running))
        answer = self.answers.get(program, Ran(0, f"{program} is done"))
        if container is not None and answer.code is not None:
            del self.world.containers[container.id]
        return answer

    def _container(self, environment: Environment, hook: Hook, images: Mapping[str, str]) -> Container:
        service = next(one for one in self.world.services if one.name == hook.service)
        image = images.get(service.name) or self.world.pins.get(service.name, service.image)
        self.images.append(_short(image))
        made = Container(
            id=self.world.new_id(),
            name=f"{environment.project}-{service.name}-run-{len(self.images)}",
            project=environment.project,
            service=service,
            number=1,
            config_hash=hashed("hook"),
            image=image,
            policy="no",
            behaviour=Behaviour(),
            compose_version=self.world.compose_version,
            template=True,
            state=State.RUNNING,
        )
        self.world.containers[made.id] = made
        return made


def _short(image: str) -> str:
    """`web:1` of `registry/web:1@sha256:…`."""
    return image.partition("@")[0].rpartition("/")[2]
