"""What runs and is not reached since the engine came back is restarted, once."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from reconciler.app.reaching import WATCHED_SECONDS, Reaching
from reconciler.domain.check import Check, Http, Request
from reconciler.domain.desired import Port
from reconciler.domain.environment import Gate
from reconciler.domain.reaching import CONTENT_SECONDS
from tests.app.passes import Passes
from tests.app.scene import Scene
from tests.bed.fake_container import Behaviour
from tests.bed.fake_outside import GOOD, UNREADY
from tests.domain.values import environment, image, svc

URL = "http://localhost:8080/health"
TIMEOUT = 30.0


@dataclass
class Desk:
    """`web` publishes port 8080, and a check asks there; `reached` says whether anybody answers."""

    health: bool = True
    reached: bool = True
    reaching: Reaching = field(default_factory=Reaching)

    def __post_init__(self) -> None:
        web = replace(svc("web"), ports=(Port("127.0.0.1", 8080),))
        env = environment(gate=Gate(TIMEOUT, 0.0, (Check("web", Http(Request(URL))),)))
        scene = Scene((svc("db"), web), env=env)
        if self.health:
            scene.world.behave(image("web", "1"), Behaviour(healthy_after=0))
        scene.probe.answers[URL] = lambda _: GOOD if self.reached else UNREADY
        self.passes = Passes(scene).up()

    def look(self, after: float = 0.0) -> dict[str, str]:
        self.passes.scene.clock.passed += after
        return self.reaching.unreached(self.passes.reconciler, self.passes.scene.clock.passed)

    def back(self) -> None:
        self.reaching.engine_back(self.passes.scene.clock.passed)


def test_at_rest_nobody_is_asked() -> None:
    desk = Desk()
    desk.reached = False
    asked = desk.passes.scene.probe.asked.get(URL, 0)
    assert desk.look() == {}
    assert desk.passes.scene.probe.asked.get(URL, 0) == asked


def test_a_healthy_container_that_nobody_reaches_is_restarted_soon() -> None:
    desk = Desk()
    desk.back()
    desk.reached = False
    assert desk.look() == {}
    assert desk.reaching.suspicious
    due = desk.look(CONTENT_SECONDS)
    assert list(due) == ["web"]
    desk.reached = True
    desk.passes.scene.world.calls.clear()
    replace(desk.passes.reconciler, unreached=due).run_once()
    assert [call for call in desk.passes.scene.did if "web-1" in call] == ["stop web-1", "start web-1"]


def test_one_without_a_health_check_may_still_be_starting() -> None:
    desk = Desk(health=False)
    desk.back()
    desk.reached = False
    assert desk.look() == {}
    assert desk.look(CONTENT_SECONDS) == {}
    assert list(desk.look(TIMEOUT)) == ["web"]


def test_it_is_restarted_once_whatever_comes_of_it() -> None:
    desk = Desk()
    desk.back()
    desk.reached = False
    desk.look()
    assert list(desk.look(CONTENT_SECONDS)) == ["web"]
    assert [desk.look(CONTENT_SECONDS) for _ in range(5)] == [{}] * 5
    assert not desk.reaching.suspicious


def test_whoever_is_reached_again_is_left_alone() -> None:
    desk = Desk()
    desk.back()
    desk.reached = False
    desk.look()
    desk.reached = True
    assert desk.look(CONTENT_SECONDS) == {}
    assert not desk.reaching.suspicious


def test_long_after_the_engine_came_back_it_is_the_applications_own_affair() -> None:
    desk = Desk()
    desk.back()
    desk.reached = False
    assert desk.look(WATCHED_SECONDS + 1.0) == {}
    assert not desk.reaching.suspicious
