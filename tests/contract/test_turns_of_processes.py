"""Processes on several hosts that act on one real engine: killed, stopped, and never two at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from reconciler.domain.turns import Pace
from tests.bed.engine import required_engine
from tests.bed.tools import wait_until
from tests.bed.turn_takers import Place, TurnTaker, interleavings
from tests.contract.turns_bench import real_turns

TAKERS, ROUNDS, KILLS = 4, 6, 3


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    bench = real_turns(required_engine())
    yield Place(bench.connection.endpoint.url, bench.one.project, tmp_path / "log", Pace(2.0, 0.3))
    bench.close()


def test_turns_of_processes_never_mix(place: Place) -> None:
    with ExitStack() as running:
        takers = [running.enter_context(place.taker(f"host {number}")) for number in range(TAKERS)]
        for taker in takers:
            taker.tell("turn", ROUNDS)
        answers = [answer for taker in takers for answer in taker.finish(60)]
    assert answers == ["left"] * (TAKERS * ROUNDS)
    assert place.turns() == TAKERS * ROUNDS
    assert interleavings(place.lines()) == []


def test_the_turn_of_one_that_is_killed_is_over_for_its_host(place: Place) -> None:
    with place.taker("this host") as killed:
        assert killed.ask("take") == "took"
    with place.taker("this host") as again, place.taker("another") as other:
        again.tell("turn")
        assert again.answer() == "left"
        other.tell("turn")
        assert other.answer() == "left"
    assert interleavings(place.lines()) == []


def test_the_turn_of_one_that_is_killed_ends_for_others_who_wait(place: Place) -> None:
    with ExitStack() as running:
        killed = running.enter_context(place.taker("one"))
        assert killed.ask("take") == "took"
        others = [running.enter_context(place.taker(f"other {number}")) for number in range(2)]
        for other in others:
            other.tell("turn")
        killed.kill()
        assert [other.answer() for other in others] == ["left", "left"]
    assert interleavings(place.lines()) == []


def test_processes_that_are_killed_at_any_moment_leave_nothing_that_is_stuck(place: Place) -> None:
    with ExitStack() as running:
        begun = [started(running, place, f"host {number}") for number in range(TAKERS)]
        takers = {taker.pid: taker for taker in begun}
        for number in range(KILLS):
            wait_until(lambda: place.holder() in takers, seconds=30, what="a turn")
            killed = takers.pop(place.holder(), None) or takers.popitem()[1]
            killed.kill()
            again = started(running, place, killed.identity if number % 2 else f"new host {number}")
            takers[again.pid] = again
        before = place.turns()
        wait_until(lambda: place.turns() > before + TAKERS, seconds=30, what="turns after the last kill")
    assert interleavings(place.lines()) == []


def started(running: ExitStack, place: Place, identity: str) -> TurnTaker:
    """A taker that wants one turn after the other, for longer than any test lasts."""
    taker = running.enter_context(place.taker(identity))
    taker.tell("turn", 1000)
    return taker


def test_one_that_was_stopped_does_nothing_more_once_another_took_over(place: Place) -> None:
    """It is stopped where it has nothing under way, and wakes up with a change in mind."""
    with place.taker("stopped") as zombie, place.taker("other") as other:
        assert (zombie.ask("take"), zombie.ask("act")) == ("took", "acted")
        zombie.stop()
        zombie.tell("act")
        assert (other.ask("take"), other.ask("act")) == ("took", "acted")
        zombie.go_on()
        assert zombie.answer() == "lost"
        assert zombie.ask("act") == "lost"
        zombie.finish(20)
        assert other.ask("act") == "acted"
        assert other.ask("leave") == "left"
    assert interleavings(place.lines()) == []
