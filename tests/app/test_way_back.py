"""The way back of a start-first service: there, too, one goes only when the other one may answer."""

from __future__ import annotations

from reconciler.app.commit_or_abort import LONGEST_SETTLE_SECONDS
from reconciler.app.placement import SETTLE_SECONDS
from reconciler.domain.desired import Order
from reconciler.domain.environment import Gate
from reconciler.domain.image import ImageRef
from reconciler.domain.report import Result
from reconciler.errors import EngineFailed
from tests.app.scene import Scene
from tests.bed.fake_container import NEVER, Behaviour
from tests.bed.fake_outside import BAD, GOOD
from tests.domain.values import check, environment, image, svc, url


def served(restart: str = "always") -> Scene:
    """Version 1 of a start-first service; its check is bad for as long as version 2 runs."""
    service = svc("web", order=Order.START_FIRST, restart=restart)
    scene = Scene((service,), env=environment(gate=Gate(30.0, 0.0, (check(),))))
    scene.up()
    bad = image("web", "2")
    scene.probe.answers[url("front")] = lambda _: BAD if bad in scene.world.running().values() else GOOD
    return scene


def both_ran_for(scene: Scene, expected: Result) -> float:
    """Release version 2, which is rejected; seconds from the predecessor's start to the successor's stop."""
    seen: dict[tuple[str, str], float] = {}

    def noted(verb: str, container: str) -> bool:
        tag = ImageRef.parse(scene.world.containers[container].image).tag
        seen.setdefault((verb, tag), scene.clock.passed)
        return False

    for verb in ("start", "stop"):
        never = EngineFailed("never")
        scene.world.fail(verb, error=never, matching=lambda one, *_, verb=verb: noted(verb, one))
    scene.release(web="2")
    outcome = scene.once()
    assert outcome is not None
    assert outcome.result is expected
    return seen["stop", "2"] - seen["start", "1"]


def test_a_rejected_successor_goes_on_until_its_predecessor_had_time_to_answer() -> None:
    scene = served()
    assert both_ran_for(scene, Result.ROLLED_BACK) >= SETTLE_SECONDS
    assert scene.there() == "web-1=1"


def test_a_rejected_successor_stops_although_its_predecessor_does_not_get_well() -> None:
    scene = served()
    scene.world.named("shop-web-1").behaviour = Behaviour(healthy_after=NEVER)
    assert SETTLE_SECONDS < both_ran_for(scene, Result.ROLLBACK_FAILED) <= 2 * LONGEST_SETTLE_SECONDS


def test_a_successor_that_serves_nobody_is_not_waited_for() -> None:
    scene = served(restart="no")
    scene.probe.answers.clear()
    scene.behave("web", "2", Behaviour(crashes=1, crashes_after=10))  # in its place, and in the soak
    assert both_ran_for(scene, Result.ROLLED_BACK) == 0.0
