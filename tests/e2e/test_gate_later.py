"""What becomes of a release that was kept, while it is observed; and what came meanwhile."""

from __future__ import annotations

from typing import Any

from tests.bed.tools import wait_until
from tests.e2e.gated import serving
from tests.e2e.origin import Origin
from tests.e2e.test_git_undo_meanwhile import become_due
from tests.e2e.witness import Witness
from tests.e2e.world import World, await_answer


def observed_for(seconds: int) -> dict[str, Any]:
    """A decision matrix whose longest delay, and so the observation, is so long."""
    return {"high": {"rollback": f"after {seconds}s"}, "medium": "alert", "low": "report"}


def test_a_release_that_fails_while_it_is_observed_is_taken_back(origin: Origin) -> None:
    """It answers for three seconds, and without a soak that is a good release."""
    world = origin.world
    world.settings["severity"] = observed_for(30)
    world.check("web", f"{world.url}/health")
    release = origin.release(web="web:late")
    with Witness(world, world.url) as witness:
        environment = world.once("--observe").expect(10).environment
        witness.expect_undone(origin.bare, release)
    assert witness.versions == ("version=1", "version=late", "version=1")
    assert environment["result"] == "rolled-back"
    assert environment["judgement"]["reason"] == "check web: 500 Internal Server Error"
    assert environment["judgement"]["decision"]["phase"] == "observed"
    assert environment["restored"]["verdict"] == "pass"
    assert environment["undo"]["state"] == "done"
    assert world.images_of("web", "worker") == ["1", "1"]


def test_a_second_release_ends_the_observation_of_the_first(origin: Origin) -> None:
    world = origin.world
    world.settings["severity"] = observed_for(600)
    first = origin.release(web="web:2")
    with Witness(world, world.url):
        run = world.start("-o", "json", "--observe", "--once")
        wait_until(lambda: _observes(world, first), seconds=30, what="the first release is observed")
        second = origin.release(web="web:3")
        result = run.result().expect(0)
        assert result.environment["result"] == "converged"
        assert result.environment["revision"]["commit"] == first
        assert "the release was observed: a newer pin arrived" in result.environment["notes"]
        assert world.images_of("web") == ["2"], "one process, one release"
        assert world.once().expect(0).environment["revision"]["commit"] == second
    await_answer(world.url, "version=3")
    assert origin.tip() == second


def test_registry_and_git_are_gone_while_a_release_is_taken_back(origin: Origin) -> None:
    """The host is back all the same; Git is told when it can be, by one commit."""
    world = origin.world
    world.settings["gate"]["soak"] = "6s"
    world.check("web", f"{world.url}/health")
    before = serving(world)
    release = origin.release(web="web:tired")
    with Witness(world, world.url) as witness:
        run = world.start("-o", "json", "--once")
        world.await_that("web", "tired")
        world.images.registry.stop()
        try:
            with origin.away():
                environment = run.result().expect(10).environment
                status = world.reconcile("status").expect(0).stdout
                assert serving(world) == before
                await_answer(world.url, "version=1")
        finally:
            world.images.registry.start()
        assert environment["undo"]["state"] == "pending"
        assert "ahead of Git: web tired → 1" in status
        assert origin.tip() == release
        become_due(world)
        later = world.once().expect(0).environment
        witness.expect_undone(origin.bare, release)
    assert (later["result"], later["undo"]["state"]) == ("no-op", "done")
    assert "ahead of Git" not in world.reconcile("status").expect(0).stdout


def _observes(world: World, release: str) -> bool:
    """Whether some pass says that it observes this release."""
    (environment,) = world.reconcile("-o", "json", "status").json["environments"]
    observation = environment["observation"]
    return bool(observation) and observation["revision"] == release
