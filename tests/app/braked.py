"""Environments that people hold: a pause, a freeze window, protection."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

from reconciler.app.approval import Approvals
from reconciler.app.desired import Source
from reconciler.domain.brakes import Pause, Window
from reconciler.domain.desired import Service
from reconciler.domain.environment import Environment
from reconciler.domain.plan import Entry
from reconciler.domain.report import Result
from tests.app.passes import PINS, Passes
from tests.app.scene import Scene
from tests.bed.fake_clock import START
from tests.bed.fake_turns import FakePauses
from tests.domain.values import environment, svc

ALWAYS = Window("0 0 * * *", 86_400.0, "UTC", "inventory")
"""Open around the clock."""
WHY = 'paused by ada: "migrating the disk"'


@dataclass(slots=True)
class CountedPauses(FakePauses):
    """Pauses that count how often the engine was asked."""

    asked: int = 0

    def pause(self, environment: Environment) -> Pause | None:
        """See `ports.Pauses`."""
        self.asked += 1
        return FakePauses.pause(self, environment)


def stage(*services: Service, env: Environment | None = None) -> Passes:
    """Services at version 1, which passed."""
    return Passes(Scene(services or (svc("web"),), env=env or environment()), pauses=CountedPauses()).up()


def pause(passes: Passes, *, seconds: float | None = None) -> None:
    """A person pauses the environment, perhaps for some time only."""
    now = passes.scene.clock.now()
    until = now + timedelta(seconds=seconds) if seconds is not None else None
    passes.pauses.begin(passes.scene.env, Pause("migrating the disk", "ada", now, until))


def resume(passes: Passes) -> None:
    passes.pauses.end(passes.scene.env)


def freeze(passes: Passes) -> None:
    passes.scene.env = replace(passes.scene.env, freeze=(ALWAYS,))


def protect(passes: Passes) -> None:
    passes.scene.env = replace(passes.scene.env, protected=True)


BRAKES = {"paused": pause, "frozen": freeze, "not approved": protect}


def release_brake(passes: Passes) -> None:
    """Whatever holds the environment ends."""
    resume(passes)
    passes.scene.env = replace(passes.scene.env, freeze=(), protected=False)


def settled(passes: Passes) -> None:
    """Further passes, until nothing more happens; it must not take many, and then it stays so."""
    for _ in range(5):
        if passes.once().result is Result.NO_OP:
            break
    calls = len(passes.scene.world.calls)
    for _ in range(3):
        report = passes.once()
        assert (report.result, report.error) == (Result.NO_OP, None)
    assert len(passes.scene.world.calls) == calls
    assert passes.scene.leftovers() == []
    assert passes.scene.world.cut_off() == ()


def entry(passes: Passes, name: str = "web") -> Entry:
    """What the plan says of a service."""
    return next(e for e in passes.reconciler.look().plan.entries if e.name == name)


def approve(passes: Passes) -> str:
    """A person approves what HEAD says."""
    return Approvals(passes.desired).approve(passes.scene.env, reason="checked with ops").commit


def is_approved(passes: Passes) -> bool:
    source: Source = passes.desired.read(passes.scene.env)
    return Approvals(passes.desired).approved(source)


__all__ = ["ALWAYS", "BRAKES", "PINS", "START", "WHY"]
