"""Polling a remote branch: when it is fetched, who is woken, and what people can read meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from reconciler.app.remote_trigger import RemoteTrigger
from reconciler.domain.source import Source
from reconciler.domain.triggers import Cause, Wake
from reconciler.errors import (
    Locked,
    PermissionRefused,
    ReconcileError,
    RepositoryFailed,
    RepositoryUnreachable,
)
from tests.bed.ears import Ears, listening
from tests.bed.fake_clock import START, FakeClock
from tests.bed.fake_upstream import FakeUpstream
from tests.bed.tools import wait_until

OLD, NEW = "1" * 40, "2" * 40


@dataclass(slots=True)
class Scene:
    """A poller over a remote branch that asks when it is told to."""

    upstream: FakeUpstream = field(default_factory=FakeUpstream)
    clock: FakeClock = field(default_factory=FakeClock)
    notes: list[str] = field(default_factory=list)
    chance: float = 0.5
    trigger: RemoteTrigger = field(init=False)

    def __post_init__(self) -> None:
        self.trigger = RemoteTrigger(self.upstream, self.clock, lambda: self.chance, note=self.notes.append)

    @property
    def source(self) -> Source:
        return self.trigger.source

    @contextmanager
    def polled(self) -> Iterator[Ears[Wake]]:
        """It runs, and has asked once."""
        with listening(self.trigger) as ears:
            wait_until(lambda: self.upstream.asked == 1, seconds=20, what="the first poll", every=0.001)
            yield ears

    def poll(self) -> Source:
        """It asks once more."""
        asked = self.upstream.asked
        self.trigger.hurry()
        wait_until(lambda: self.upstream.asked > asked, seconds=20, what="a poll", every=0.001)
        # The answer is known when it asks again: both are one thread's work.
        self.trigger.hurry()
        wait_until(lambda: self.upstream.asked > asked + 1, seconds=20, what="a poll", every=0.001)
        return self.source


def test_the_first_tip_is_fetched_and_wakes_everybody() -> None:
    scene = Scene()
    with scene.polled() as ears:
        ears.wait_for(lambda heard: heard, "a wake")
    assert ears.heard == [Wake(Cause.COMMIT, detail="main is at 1111111")]
    assert scene.upstream.fetched == [OLD]
    assert (scene.source.tip, scene.source.accepted, scene.source.answered_at) == (OLD, OLD, START)


def test_while_nothing_moves_it_only_asks() -> None:
    scene = Scene()
    with scene.polled() as ears:
        for _ in range(3):
            scene.poll()
    assert scene.upstream.asked > 5
    assert scene.upstream.fetched == [OLD]
    assert len(ears.heard) == 1


def test_a_branch_that_moved_is_fetched_once() -> None:
    scene = Scene()
    with scene.polled() as ears:
        scene.poll()
        scene.upstream.remote = NEW
        scene.poll()
        scene.poll()
    assert scene.upstream.fetched == [OLD, NEW]
    assert [wake.detail for wake in ears.heard] == ["main is at 1111111", "main is at 2222222"]


def test_what_is_here_already_wakes_nobody_after_a_restart() -> None:
    scene = Scene(FakeUpstream(accepted=OLD))
    with scene.polled() as ears:
        scene.poll()
    assert not ears.heard
    assert scene.source.accepted == OLD


@pytest.mark.parametrize("kind", [RepositoryUnreachable, PermissionRefused, RepositoryFailed, Locked])
def test_a_remote_that_does_not_answer_leaves_what_was_accepted(kind: type[ReconcileError]) -> None:
    scene = Scene()
    with scene.polled() as ears:
        scene.poll()
        scene.clock.passed = 60
        scene.upstream.trouble = kind("origin/main could not be read: no route")
        failing = scene.poll()
        scene.clock.passed = 120
        still = scene.poll()
        scene.upstream.trouble = None
        back = scene.poll()
    assert failing.stale
    assert (failing.accepted, failing.why) == (OLD, "origin/main could not be read: no route")
    assert (failing.failing_since, failing.answered_at) == (scene.clock.now().replace(minute=1), START)
    assert still.failing_since == failing.failing_since
    assert still.failures > failing.failures
    assert not back.stale
    assert back.failures == 0
    assert len(ears.heard) == 1
    assert scene.notes == [
        "The remote cannot be followed: origin/main could not be read: no route",
        "The remote can be followed again",
    ]


def test_the_state_of_the_remote_in_words() -> None:
    known = Source("https://git.test/shop.git", "main", accepted=OLD, answered_at=START)
    stale = Source("https://git.test/shop.git", "main", failing_since=START, failures=1, why="no route")
    assert str(known) == "main of https://git.test/shop.git, at 1111111"
    assert str(stale) == (
        "main of https://git.test/shop.git, not fetched yet, stale since 2026-09-30 14:00:00 UTC: no route"
    )


def test_a_branch_that_is_gone_keeps_what_was_accepted_and_is_said_once() -> None:
    scene = Scene()
    with scene.polled() as ears:
        scene.poll()
        scene.upstream.remote = None
        gone = scene.poll()
        scene.poll()
        scene.upstream.remote = OLD
        back = scene.poll()
    assert gone.accepted == OLD
    assert gone.remark == "there is no branch main at the remote; 1111111 is kept"
    assert back.remark == ""
    assert len(ears.heard) == 1
    assert scene.notes == ["About branch main: there is no branch main at the remote; 1111111 is kept"]


def test_a_tip_that_is_refused_wakes_nobody_and_is_not_fetched_again() -> None:
    scene = Scene()
    with scene.polled() as ears:
        scene.poll()
        scene.upstream.refused, scene.upstream.remark = True, "history was rewritten"
        scene.upstream.remote = NEW
        refused = scene.poll()
        scene.poll()
    assert (refused.tip, refused.accepted, refused.remark) == (NEW, OLD, "history was rewritten")
    assert scene.upstream.fetched == [OLD, NEW]
    assert len(ears.heard) == 1


@dataclass(slots=True)
class Left(FakeUpstream):
    """A remote whose answer is not waited for, because the daemon begins to stop."""

    stopping: threading.Event = field(default_factory=threading.Event)

    def tip(self) -> str | None:
        self.stopping.set()
        raise RepositoryUnreachable("git ls-remote was not done: we are stopping")


def test_a_remote_that_is_left_because_we_are_stopping_is_not_called_away() -> None:
    upstream = Left()
    scene = Scene(upstream)
    scene.trigger.run(lambda _: None, upstream.stopping)
    assert scene.notes == []
    assert not scene.source.stale


def test_who_wants_to_know_whether_it_moved_is_told_and_it_is_fetched_soon() -> None:
    scene = Scene()
    with scene.polled():
        scene.poll()
        assert scene.trigger.moved() == ""
        scene.upstream.remote = NEW
        assert scene.trigger.moved() == "main is at 2222222 by now"
        wait_until(lambda: scene.source.accepted == NEW, seconds=20, what="it is fetched")
        assert scene.trigger.moved() == ""


def test_who_wants_to_know_whether_it_moved_does_not_wait_for_one_that_is_away() -> None:
    scene = Scene()
    with scene.polled():
        scene.poll()
        scene.upstream.trouble = RepositoryUnreachable("no route")
        assert scene.trigger.moved() == ""
        scene.poll()
        asked = scene.upstream.asked
        assert scene.trigger.moved() == ""
        assert scene.upstream.asked == asked


class CountedClock(FakeClock):
    """Each look at the clock lets time pass, and whoever waits in small steps is through soon."""

    def monotonic(self) -> float:
        self.passed += 5.0
        return self.passed


def test_it_asks_by_itself_when_the_interval_is_over() -> None:
    scene = Scene(clock=CountedClock())
    with scene.polled():
        wait_until(lambda: scene.upstream.asked > 1, seconds=20, what="another poll")
    assert scene.upstream.fetched == [OLD]
