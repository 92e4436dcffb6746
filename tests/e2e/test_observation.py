"""`reconcile --once --observe`: somebody is there when a release fails late, or when a newer one comes."""

from __future__ import annotations

import signal
from typing import Any

from tests.bed.tools import wait_until
from tests.e2e.gated import serving
from tests.e2e.origin import Origin
from tests.e2e.runs import Run
from tests.e2e.witness import Witness
from tests.e2e.world import World, await_answer

UNTIL_AN_EVENT = "60s"
"""Where something ends the observation, its own end must be far."""


def observed_for(delay: str) -> dict[str, Any]:
    """A matrix whose longest delay is ``delay``: as long as the observation."""
    return {
        "critical": "rollback",
        "high": {"rollback": "after 2s"},
        "medium": {"alert": delay},
        "low": "report",
    }


def checked(origin: Origin, delay: str) -> World:
    world = origin.world
    world.settings["severity"] = observed_for(delay)
    world.check("web", f"{world.url}/health")
    return world


def observing(world: World, release: str) -> Run:
    """A pass that has released ``release``, and observes it now."""
    run = world.start("-o", "json", "--once", "--observe")
    wait_until(lambda: observed(world) == release, seconds=30, what=f"{release[:7]} is observed")
    return run


def observed(world: World) -> str | None:
    """The commit that is observed at this moment, by `reconcile status`."""
    observation = world.reconcile("-o", "json", "status").environment["observation"]
    return str(observation["revision"]) if observation else None


def test_a_release_that_fails_late_is_taken_back(origin: Origin) -> None:
    """Three seconds it answers, then 500s: the gate has long been passed."""
    world = checked(origin, "8s")
    worker = world.container("worker").id
    release = origin.release(web="web:late")
    with Witness(world, world.url) as witness:
        environment = world.once("--observe").expect(10).environment
        witness.expect_undone(origin.bare, release)
    assert witness.versions == ("version=1", "version=late", "version=1")
    assert environment["result"] == "rolled-back"
    assert environment["judgement"]["reason"] == "check web: 500 Internal Server Error"
    decision = environment["judgement"]["decision"]
    assert (decision["phase"], decision["rule"]) == (
        "observed",
        "critical check web failed: roll back at once",
    )
    assert environment["restored"]["verdict"] == "pass"
    assert environment["undo"]["state"] == "done"
    assert origin.tags("web", "worker") == ["1", "1"]
    assert world.container("worker").id == worker
    assert observed(world) is None


def test_a_good_release_is_observed_to_the_end(origin: Origin) -> None:
    world = checked(origin, "4s")
    release = origin.release(web="web:2")
    with Witness(world, world.url):
        run = observing(world, release)
        environment = run.result().expect(0).environment
    assert environment["result"] == "converged"
    assert environment["notes"] == ["the release was observed: everything stayed good"]
    assert (origin.tip(), world.images_of("web")) == (release, ["2"])
    assert observed(world) is None


def test_a_second_release_ends_the_observation_of_the_first(origin: Origin) -> None:
    world = checked(origin, UNTIL_AN_EVENT)
    first = origin.release(web="web:2")
    with Witness(world, world.url) as witness:
        run = observing(world, first)
        second = origin.release(web="web:3")
        environment = run.result().expect(0).environment
        assert environment["result"] == "converged"
        assert environment["revision"]["commit"] == first
        assert environment["notes"] == ["the release was observed: a newer pin arrived"]
        assert world.images_of("web") == ["2"], "the second is for the next pass"
        assert observed(world) is None
        later = world.once().expect(0).environment
        await_answer(world.url, "version=3")
    assert (later["result"], later["revision"]["commit"]) == ("converged", second)
    assert witness.versions == ("version=1", "version=2", "version=3")
    assert origin.tip() == second


def test_a_signal_ends_the_observation_and_not_the_release(origin: Origin) -> None:
    world = checked(origin, UNTIL_AN_EVENT)
    release = origin.release(web="web:2")
    with Witness(world, world.url) as witness:
        run = observing(world, release)
        before = serving(world)
        run.signal(signal.SIGTERM)
        environment = run.result().expect(143).environment
        assert serving(world) == before, "the release stays as it was"
    assert environment["result"] == "converged"
    assert environment["notes"] == ["the release was observed: interrupted"]
    assert witness.versions == ("version=1", "version=2")
    assert origin.tip() == release
    assert observed(world) is None
