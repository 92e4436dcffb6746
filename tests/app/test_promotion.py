"""Pins go on to the next environment when they are known to be good, all together, and with the evidence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest

from reconciler.adapters.state_files import YamlStateFiles
from reconciler.app.promotion import PROMOTED_FROM, Place, Promotion
from reconciler.app.release import Moved
from reconciler.domain.blocking import Block
from reconciler.domain.environment import Environment
from reconciler.domain.observed import State
from reconciler.errors import Refused
from tests.app.passes import Passes, pins_text
from tests.app.scene import Scene
from tests.bed.fake_engine import Behaviour
from tests.bed.fake_journal import FakeJournal
from tests.domain.values import environment, image, svc

SOAK = 1800.0
GOAL = "state/next/compose.pins.yaml"


@dataclass
class Road:
    """`production` is where `web` 2 and `api` 2 run, and `next` is where version 1 of both is pinned."""

    passes: Passes = field(default_factory=lambda: Passes(Scene((svc("api"), svc("web")))))
    goal: Environment = field(
        default_factory=lambda: replace(environment(), name="next", pins="next/compose.pins.yaml")
    )
    goal_journal: FakeJournal = field(default_factory=FakeJournal)

    def __post_init__(self) -> None:
        start = pins_text({"api": image("api", "1"), "web": image("web", "1")})
        self.passes.repository.put({GOAL: start}, "Begin the next")
        self.passes.once()
        self.passes.release(api="2", web="2")
        self.passes.once()
        self.wait(SOAK)

    def wait(self, seconds: float) -> None:
        self.passes.scene.clock.passed += seconds

    @property
    def promotion(self) -> Promotion:
        passes = self.passes
        origin = Place(passes.scene.env, passes.journal)
        goal = Place(self.goal, self.goal_journal)
        return Promotion(origin, goal, passes.scene.world, passes.pins, passes.scene.clock)

    def __call__(self, *services: str, soak: float = SOAK) -> Moved | None:
        return self.promotion.promote(services, soak)

    def pinned(self) -> dict[str, str]:
        text = self.passes.repository.read(self.passes.repository.head(), GOAL)
        return {pin.service: pin.image.tag for pin in YamlStateFiles().pins(text, GOAL)}


@pytest.fixture
def road() -> Road:
    return Road()


def test_what_is_good_for_long_enough_goes_on_with_the_evidence(road: Road) -> None:
    moved = road()
    assert moved is not None
    assert road.pinned() == {"api": "2", "web": "2"}
    assert moved.subject == "next: api 1 → 2, web 1 → 2"
    commit = road.passes.repository.log(GOAL)[0]
    trailers = dict(commit.trailers)
    assert trailers["Reconcile-Environment"] == "next"
    assert trailers[PROMOTED_FROM].startswith("production ")
    message = road.passes.repository.messages[-1]
    run = road.passes.journal.good(road.passes.scene.env)[0].run
    assert "- web 1 → 2: good in production since 2026-09-30T14:00" in message
    assert f"run {run}" in message


def test_twice_is_once(road: Road) -> None:
    road()
    count = len(road.passes.repository.line)
    assert road() is None
    assert len(road.passes.repository.line) == count


def crashed(road: Road) -> None:
    road.passes.scene.world.named("shop-web-1").state = State.EXITED


def unwell(road: Road) -> None:
    world = road.passes.scene.world
    world.named("shop-web-1").behaviour = Behaviour(healthy_after=0, unhealthy_after=0)


def restarted_by_the_engine(road: Road) -> None:
    road.passes.scene.world.named("shop-web-1").restarts = 1


def another_runs(road: Road) -> None:
    world = road.passes.scene.world
    world.named("shop-web-1").image = image("web", "3")


def pinned_and_not_released(road: Road) -> None:
    road.passes.release(web="3")


def blocked_here(road: Road) -> None:
    block(road.passes.journal, road.passes.scene.env, road)


def blocked_there(road: Road) -> None:
    block(road.goal_journal, road.goal, road)


def block(journal: FakeJournal, environment: Environment, road: Road) -> None:
    now = road.passes.scene.clock.now()
    journal.block(environment, [Block("web", image("web", "2"), "", "", "RUN", "check front: 500", now)])


@pytest.mark.parametrize(
    ("happens", "why"),
    [
        (crashed, "does not run there"),
        (unwell, "does not run there"),
        (restarted_by_the_engine, "does not run there"),
        (another_runs, "does not run there"),
        (pinned_and_not_released, "does not run there"),
        (blocked_here, "it is blocked in production: check front: 500"),
        (blocked_there, "it is blocked in next: check front: 500"),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_what_is_not_known_to_be_good_stays(road: Road, happens: Callable[[Road], None], why: str) -> None:
    happens(road)
    count = len(road.passes.repository.line)
    with pytest.raises(Refused, match=why) as refused:
        road()
    assert "reconcile promote production next api" in str(refused.value)
    assert road.pinned() == {"api": "1", "web": "1"}, "one that may not go keeps the whole release"
    assert len(road.passes.repository.line) == count


def test_what_was_released_a_moment_ago_has_to_wait(road: Road) -> None:
    with pytest.raises(Refused, match=r"needs \d+m\d\ds more"):
        road(soak=2 * SOAK)
    road.wait(SOAK)
    assert road(soak=2 * SOAK) is not None


def test_only_what_is_named_goes_on(road: Road) -> None:
    blocked_here(road)
    assert road("api") is not None
    assert road.pinned() == {"api": "2", "web": "1"}
    with pytest.raises(Refused, match="nothing has no pin in production"):
        road("nothing")


def test_without_a_journal_the_engine_tells_since_when_it_is_good(road: Road) -> None:
    road.passes.journal = FakeJournal()
    moved = road()
    assert moved is not None
    assert "good in production since" in road.passes.repository.messages[-1]


def test_a_release_under_way_has_not_been_judged_yet(road: Road) -> None:
    container = road.passes.scene.world.named("shop-web-1")
    container.name = f"{container.name}.predecessor"
    with pytest.raises(Refused, match="web: its release is still under way"):
        road()
