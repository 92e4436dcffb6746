"""What a gate sees of containers by itself: whatever is wrong with them, their predecessors serve again."""

from __future__ import annotations

import re

from tests.e2e.gated import rolled_back
from tests.e2e.origin import Origin
from tests.e2e.witness import Witness
from tests.e2e.world import World

TOO_SOON = 2.5
"""Seconds after which the image `loop` still runs."""


def test_a_crash_at_start(origin: Origin) -> None:
    environment = rolled_back(origin, "restarted", web="web:crash")
    assert environment["judgement"]["verdict"] == "fail"
    assert "version=crash exits with 7, as told" in "".join(environment["excerpts"].values())


def test_a_crash_loop_that_begins_in_the_soak(origin: Origin) -> None:
    """It runs and answers for three seconds: good at first, and bad at the first sample after."""
    origin.world.settings["gate"]["soak"] = "5s"
    environment = rolled_back(origin, "restarted 1 times", web="web:loop")
    (tally,) = [one for one in environment["judgement"]["tallies"] if "web" in one["subject"]]
    assert tally["good"] > 1
    assert tally["last"]["at_seconds"] > TOO_SOON


def test_a_container_that_needs_more_memory_than_it_may_have(origin: Origin) -> None:
    """The engine tells of it, if it is quick enough, in the container's state: not in each case."""
    world = origin.world
    world.settings["gate"]["soak"] = (
        "15s"  # it ends with the first bad look; on a busy host that takes a while
    )
    release = origin.release(web="web:oom")
    with Witness(world, world.url) as witness:
        environment = world.once().expect(10).environment
        witness.expect_undone(origin.bare, release)
    assert "oom" in [one.action for one in witness.events]
    reason = environment["judgement"]["reason"]
    assert re.search(r"out of memory|exit code 137|restarted 1 times$", reason), reason


def test_a_healthcheck_that_says_unhealthy(origin: Origin) -> None:
    rolled_back(origin, "its health check says unhealthy", web="health:broken")


def test_a_first_release_has_nothing_to_go_back_to(world: World) -> None:
    """Exit 11, nothing runs, nothing is written to Git, and the next pass does not try it again."""
    world.settings["gate"]["timeout"] = "3s"
    world.settings["rollback"] = {"git": "push"}
    release = world.stack("services: {web: {image: web}}", web="web:crash")
    origin = Origin.of(world)
    with Witness(world):
        environment = world.once().expect(11).environment
        assert environment["result"] == "rollback-failed"
        again = world.once()
    assert world.containers() == []
    assert origin.tip() == release
    assert (again.code, again.environment["result"]) == (0, "no-op")
    assert again.service("web")["change"] == "blocked"
    assert again.environment["health"] == "missing"
    world.release(web="web:2")
    world.once().expect(0)
