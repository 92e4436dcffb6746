"""Gates over one container and one check, on a clock that never sleeps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from reconciler.app.gatekeeper import gate
from reconciler.app.samplers import Scope, Subject
from reconciler.domain.comparison import Seen
from reconciler.domain.environment import Gate
from reconciler.domain.gate import Judgement
from reconciler.domain.severity import Severity
from tests.app.scene import Scene
from tests.bed.fake_container import Container
from tests.domain.values import check, svc

SOAK = Gate(timeout_seconds=30.0, soak_seconds=60.0)


def judged(
    answer: Callable[[int], Seen],
    how: Gate = SOAK,
    severity: Severity = Severity.CRITICAL,
    **changes: Any,
) -> tuple[Judgement, Scene]:
    """A good container, and one check."""
    return gated(
        Scene((svc("web"),)), answer, replace(how, checks=(replace(check(severity=severity), **changes),))
    )


def gated(
    scene: Scene, answer: Callable[[int], Seen], how: Gate, scope: Scope | None = None
) -> tuple[Judgement, Scene]:
    """Any gate, over a container that was just started."""
    container = started(scene)
    scene.answer("front", answer)
    scope = scope or Scope({"web": (container.id,)}, frozenset({container.id}))
    return gate(scene.host, [Subject(container.id, svc("web"))], how, scope), scene


def asked_at(answer: Callable[[int], Seen], **changes: Any) -> tuple[Judgement, list[float]]:
    """The judgement, and the seconds at which the check was asked."""
    scene = Scene((svc("web"),))
    times: list[float] = []

    def timed(count: int) -> Seen:
        times.append(scene.clock.passed)
        return answer(count)

    judgement, _ = gated(scene, timed, replace(SOAK, checks=(replace(check(), **changes),)))
    return judgement, times


def started(scene: Scene) -> Container:
    """A container of `web` that was just started."""
    scene.world.create(scene.env, (), {"web": 1})
    container = scene.world.named("shop-web-1")
    scene.world.start(container.id)
    return container
