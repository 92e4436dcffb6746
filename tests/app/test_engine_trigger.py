"""Events of an engine as wakes: which projects, and what happens when the stream is lost."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from reconciler.app.engine_trigger import EngineTrigger
from reconciler.domain.backoff import Backoff
from reconciler.domain.triggers import Cause, Occurrence, Wake
from reconciler.errors import EngineFailed, EngineUnreachable, PermissionRefused
from tests.bed.ears import listening
from tests.bed.fake_clock import START, FakeClock
from tests.bed.fake_events import FakeEvents
from tests.bed.tools import wait_until

NO_WAIT = Backoff(0.001, 0.002)


@dataclass(slots=True)
class Scene:
    """A trigger over the events of a fake engine, for the projects shop and blog."""

    events: FakeEvents = field(default_factory=FakeEvents)
    clock: FakeClock = field(default_factory=FakeClock)
    observed: list[Occurrence] = field(default_factory=list)

    @property
    def trigger(self) -> EngineTrigger:
        projects = frozenset({"shop", "blog"})
        return EngineTrigger(
            self.events, lambda: projects, self.clock, lambda: 1.0, self.observed.append, backoff=NO_WAIT
        )

    def happens(self, project: str = "shop", action: str = "die") -> None:
        self.events.tell(Occurrence(START, project, "web", f"{project}-web-1", action))

    def wait_for_streams(self, count: int = 1) -> None:
        wait_until(lambda: self.events.streams == count, seconds=20, what=f"{count} streams", every=0.001)


def test_an_event_wakes_its_project_and_says_what_happened() -> None:
    scene = Scene()
    with listening(scene.trigger) as ears:
        scene.wait_for_streams()
        scene.happens("shop", "oom")
        scene.happens("blog", "destroy")
        ears.wait_for(lambda heard: len(heard) == 2, "two wakes")
    assert ears.heard == [
        Wake(Cause.ENGINE, frozenset({"shop"}), "oom shop-web-1"),
        Wake(Cause.ENGINE, frozenset({"blog"}), "destroy blog-web-1"),
    ]
    assert [one.action for one in scene.observed] == ["oom", "destroy"]


def test_events_of_other_projects_are_nobodys_business() -> None:
    scene = Scene()
    with listening(scene.trigger) as ears:
        scene.wait_for_streams()
        scene.happens("elsewhere")
        scene.happens("shop")
        ears.wait_for(lambda heard: heard, "a wake")
    assert [wake.projects for wake in ears.heard] == [frozenset({"shop"})]
    assert [one.project for one in scene.observed] == ["shop"]


def test_a_stream_that_ends_is_opened_again_and_everybody_looks() -> None:
    scene = Scene()
    with listening(scene.trigger) as ears:
        scene.wait_for_streams()
        scene.events.end()
        ears.wait_for(lambda heard: heard, "the stream is back")
        scene.happens("blog")
        ears.wait_for(lambda heard: len(heard) == 2, "it is heard again")
    assert ears.heard == [
        Wake(
            Cause.ENGINE_BACK, frozenset({"shop", "blog"}), "no events were heard for 0.0 s: the stream ended"
        ),
        Wake(Cause.ENGINE, frozenset({"blog"}), "die blog-web-1"),
    ]


def test_ten_lost_streams_wake_ten_times() -> None:
    scene = Scene()
    with listening(scene.trigger) as ears:
        for count in range(1, 11):
            scene.wait_for_streams()
            scene.events.end()
            ears.wait_for(lambda heard, count=count: len(heard) == count, "the stream is back")  # type: ignore[misc]
    assert {wake.cause for wake in ears.heard} == {Cause.ENGINE_BACK}


@pytest.mark.parametrize("kind", [EngineUnreachable, PermissionRefused, EngineFailed])
def test_an_engine_that_is_away_is_waited_for(
    kind: type[EngineUnreachable | PermissionRefused | EngineFailed],
) -> None:
    scene = Scene()
    with listening(scene.trigger) as ears:
        scene.wait_for_streams()
        scene.events.refuse(kind("could not follow the engine's events: away"))
        scene.wait_for_streams(0)
        scene.clock.passed += 12.0
        scene.events.admit()
        ears.wait_for(lambda heard: heard, "the engine is back")
    (wake,) = ears.heard
    assert wake.cause is Cause.ENGINE_BACK
    assert "for 12.0 s" in wake.detail


def test_an_engine_that_was_away_at_first_counts_as_back() -> None:
    scene = Scene()
    scene.events.refuse(EngineUnreachable("away"))
    with listening(scene.trigger) as ears:
        wait_until(lambda: scene.events.refusals > 2, seconds=20, what="it is asked again")
        assert not ears.heard
        scene.events.admit()
        ears.wait_for(lambda heard: heard, "the engine is back")
    assert ears.heard == [
        Wake(Cause.ENGINE_BACK, frozenset({"shop", "blog"}), "no events were heard for 0.0 s: away")
    ]


def test_the_first_stream_wakes_nobody() -> None:
    scene = Scene()
    with listening(scene.trigger) as ears:
        scene.wait_for_streams()
    assert not ears.heard
    assert scene.events.streams == 0


def test_a_burst_of_a_thousand_events_is_handed_on_one_by_one() -> None:
    scene = Scene()
    with listening(scene.trigger) as ears:
        scene.wait_for_streams()
        for _ in range(1000):
            scene.happens()
        ears.wait_for(lambda heard: len(heard) == 1000, "all are heard")
    assert len(scene.observed) == 1000
