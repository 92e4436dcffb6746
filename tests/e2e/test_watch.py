"""The daemon: from a commit to the running release with nobody at a keyboard, and drift repaired."""

from __future__ import annotations

import signal

import pytest

from tests.bed.parameters import long_but
from tests.bed.tools import wait_until
from tests.e2e.daemon import Daemon, watching
from tests.e2e.gated import gated, serving
from tests.e2e.origin import Origin
from tests.e2e.world import World, await_answer


@pytest.fixture
def origin(world: World) -> Origin:
    return gated(world)


def test_a_commit_runs_and_its_revert_runs_again(origin: Origin) -> None:
    world = origin.world
    with watching(world) as daemon:
        world.release(web="web:2")
        await_answer(world.url, "version=2")
        daemon.await_said("converged")
        world.revert()
        await_answer(world.url, "version=1")
        daemon.await_said("converged", times=2)  # ended in its gate, the daemon would undo it
    world.settle()


def test_a_bad_commit_is_undone_on_the_host_and_in_git(origin: Origin) -> None:
    world = origin.world
    before = serving(world)
    with watching(world) as daemon:
        release = origin.release(web="web:crash")
        daemon.await_said("rolled-back")
        wait_until(lambda: origin.undoing(release) != [], seconds=30, what="Git is told")
    assert serving(world) == before
    origin.expect_undone(release)


@pytest.mark.parametrize(
    "harm", long_but("rm --force", "pause", among=("rm --force", "stop", "kill", "pause"))
)
def test_a_container_that_was_harmed_runs_again(origin: Origin, harm: str) -> None:
    world = origin.world
    with watching(world) as daemon:
        world.docker(*harm.split(), world.container("worker").name)

        def repaired() -> bool:
            return [c.status for c in world.containers()] == ["running", "running"]

        wait_until(repaired, seconds=30, what="both run")
        daemon.await_said("converged    worker")
    assert "roll" not in daemon.said, "no release is to blame"
    world.settle()


def test_told_to_end_while_the_gate_is_open_it_undoes_the_release(origin: Origin) -> None:
    world = origin.world
    before = serving(world)
    world.settings["gate"]["soak"] = "60s"
    with watching(world) as daemon:
        world.release(web="web:2", worker="web:2")
        await_answer(world.url, "version=2")
        daemon.end().expect(143)
    assert serving(world) == before
    await_answer(world.url, "version=1")
    world.expect_no_leftovers()


def test_a_hangup_looks_again_and_ends_nothing(origin: Origin) -> None:
    with watching(origin.world) as daemon:
        daemon.run.signal(signal.SIGHUP)
        daemon.await_said("no-op", times=2)


def killed_in_its_soak(world: World, daemon: Daemon) -> None:
    world.settings["gate"]["soak"] = "60s"
    world.release(web="web:2")
    await_answer(world.url, "version=2")
    daemon.kill()
    world.settings["gate"]["soak"] = "0s"
    world.commit("No soak")


def test_killed_in_the_middle_the_next_daemon_goes_on(origin: Origin) -> None:
    world = origin.world
    with watching(world) as daemon:
        killed_in_its_soak(world, daemon)
    with watching(world):
        assert world.images_of("web", "worker") == ["2", "1"]
    world.settle()


def test_a_release_that_fails_late_is_taken_back(origin: Origin) -> None:
    """Its check passes in the gate, and fails some seconds later."""
    world = origin.world
    before = serving(world)
    world.check("web", f"{world.url}/health", interval="500ms")
    world.settings["severity"] = {"critical": "rollback", "high": {"rollback": "after 60s"}}
    world.commit("Ask web")
    with watching(world) as daemon:
        release = origin.release(web="web:late")
        daemon.await_said("converged")
        wait_until(lambda: origin.undoing(release) != [], seconds=60, what="Git is told")
        daemon.await_said("rolled-back")
    assert serving(world).keys() == before.keys()
    await_answer(world.url, "version=1")


def test_a_release_that_fails_late_is_taken_back_by_the_next_daemon_too(origin: Origin) -> None:
    """The one that released it was killed while it observed."""
    world = origin.world
    world.check("web", f"{world.url}/health", interval="500ms")
    world.settings["severity"] = {"critical": "rollback", "high": {"rollback": "after 60s"}}
    world.commit("Ask web")
    with watching(world) as daemon:
        release = origin.release(web="web:late")
        daemon.await_said("converged")
        daemon.kill()
    with watching(world):
        wait_until(lambda: origin.undoing(release) != [], seconds=60, what="Git is told")
    await_answer(world.url, "version=1")


def cloning(origin: Origin, poll: str = "1s") -> str:
    """A `watch.yaml` that has the origin cloned; returns its path."""
    file = origin.world.root / "watch.yaml"
    file.write_text(
        f'version: 1\npoll: {poll}\nrepository: {{url: "file://{origin.bare}", branch: main, path: state}}\n'
    )
    return str(file)


def test_a_repository_of_its_own_is_followed(origin: Origin) -> None:
    """Nobody pulls: the daemon polls, and undoes in Git what it rejects."""
    world = origin.world
    elsewhere = world.root / "elsewhere"
    elsewhere.mkdir()
    with watching(world, "--config", cloning(origin), folder=elsewhere) as daemon:
        origin.release(web="web:2")
        await_answer(world.url, "version=2")
        release = origin.release(web="web:crash")
        daemon.await_said("rolled-back")
        wait_until(lambda: origin.undoing(release) != [], seconds=30, what="Git is told")
        origin.git("update-ref", "refs/heads/main", "main~2")
        daemon.await_said("history was rewritten")
    await_answer(world.url, "version=2")


def test_a_rollback_by_hand_beside_the_daemon_waits_for_it(origin: Origin) -> None:
    """Whichever of the two acts, the command ends when the rollback was judged."""
    world = origin.world
    origin.release(web="web:2")
    world.once().expect(0)
    world.settings["gate"]["soak"] = "2s"
    world.commit("Soak")
    origin.pushed()
    with watching(world):
        world.reconcile("rollback", "production", "-m", "It is slow").expect(0)
        assert world.images_of("web") == ["1"]
    world.settle()


def test_two_writers_are_told_apart_and_the_quarrel_ends(origin: Origin) -> None:
    """Somebody removes a container again and again; after five corrections it is left to them."""
    world = origin.world
    with watching(world) as daemon:
        for _ in range(5):
            world.docker("rm", "--force", world.container("worker").name)
            wait_until(lambda: world.runs("worker", "1"), seconds=30, what="the worker is back")
        world.docker("rm", "--force", world.container("worker").name)
        daemon.await_said("somebody removes it through the engine")
        assert world.images_of("web", "worker") == ["1", "-"]
        daemon.run.signal(signal.SIGHUP)
        world.await_that("worker", "1")
