"""People's brakes on a real engine: releases wait, and rollbacks and repairs do not."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator

import pytest

from tests.e2e.daemon import watching
from tests.e2e.world import World, await_answer, published

STACK = """
    services:
      web:
        image: web
        ports: ["127.0.0.1:{port}:8080"]
        environment: {{COLOUR: {colour}}}
      worker:
        image: web
      mailer:
        image: web
    """
OPEN = {"cron": "* * * * *", "duration": "1h", "timezone": "Europe/Berlin", "reason": "inventory"}
NAMES = ("mailer", "web", "worker")


class Stage:
    """Three services at version 2, which were released at version 1 before; one of them answers."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.port, self.url = published()
        self.compose()
        world.release(**dict.fromkeys(NAMES, "web:1"))
        world.once().expect(0)
        world.release(**dict.fromkeys(NAMES, "web:2"))
        world.once().expect(0)
        await_answer(self.url, "version=2")

    def compose(self, colour: str = "blue") -> None:
        self.world.write("docker-compose.yml", STACK.format(port=self.port, colour=colour))

    def pause(self, *arguments: str) -> None:
        self.world.reconcile("pause", "production", "-m", "migrating the disk", *arguments).expect(0)

    def held(self, cause: str) -> None:
        """A pass changes nothing, and says why."""
        before = self.world.marks()
        result = self.world.once().expect(0)
        assert result.environment["result"] == "no-op"
        assert result.service("web")["change"] == "held"
        assert cause in result.service("web")["cause"]
        assert self.world.marks() == before
        self.world.reconcile("--strict", "--once").expect(12)


@pytest.fixture
def stage(world: World) -> Iterator[Stage]:
    yield Stage(world)
    for volume in world.docker(
        "volume", "ls", "-q", "--filter", f"label=reconcile.pause={world.project}"
    ).split():
        world.docker("volume", "rm", volume)


# --- pause --------------------------------------------------------------------------------------------


def test_a_pause_holds_a_release_and_repairs_what_was_killed(stage: Stage, world: World) -> None:
    stage.pause("--for", "2h")
    world.release(web="web:3")
    stage.held("paused by Ada until ")
    world.docker("kill", world.container("web").name)
    result = world.once().expect(0)
    assert result.environment["result"] == "converged"
    await_answer(stage.url, "version=2")
    world.docker("rm", "--force", world.container("worker").name, world.container("web").name)
    world.once().expect(0)
    await_answer(stage.url, "version=2")
    assert world.images_of(*NAMES) == ["2", "2", "2"]
    stage.held("paused by Ada")
    world.reconcile("resume", "production").expect(0)
    world.once().expect(0)
    await_answer(stage.url, "version=3")
    world.settle()
    world.reconcile("resume", "production").expect(1)


def test_a_pause_lets_git_revert_through(stage: Stage, world: World) -> None:
    stage.pause()
    world.revert()
    world.once().expect(0)
    await_answer(stage.url, "version=1")
    assert world.images_of(*NAMES) == ["1", "1", "1"]


def test_a_pause_lets_the_revert_of_a_definition_through(stage: Stage, world: World) -> None:
    stage.compose("green")
    world.commit("Another colour")
    world.once().expect(0)
    stage.pause()
    world.git("revert", "--no-edit", "HEAD")
    world.once().expect(0)
    assert "COLOUR=blue" in world.container("web").content["Config"]["Env"]


def test_a_pause_holds_for_a_host_that_remembers_nothing(stage: Stage, world: World) -> None:
    """A pipeline elsewhere acts on the same engine, with a state directory of its own."""
    stage.pause()
    world.release(web="web:3")
    elsewhere = {"RECONCILE_STATE_DIR": str(world.root / "elsewhere")}
    before = world.marks()
    result = world.once(environ=elsewhere).expect(0)
    assert (result.environment["result"], result.environment["sync"]) == ("no-op", "paused")
    assert world.marks() == before
    world.docker("kill", world.container("web").name)
    world.once(environ=elsewhere).expect(0)
    await_answer(stage.url, "version=2")


def test_a_pause_is_shown_everywhere(stage: Stage, world: World) -> None:
    stage.pause("--until", "2999-11-27T18:00Z")
    world.release(web="web:3")
    sentence = "production is paused by Ada since "
    status = world.reconcile("status", "-o", "json").expect(0).environment
    assert status["sync"] == "paused"
    assert status["paused"]["by"] == "Ada"
    assert status["paused"]["reason"] == "migrating the disk"
    assert status["paused"]["until"] == "2999-11-27T18:00:00Z"
    for arguments in (["status"], ["plan"], ["--once"], ["-o", "markdown", "--once"]):
        assert sentence in world.reconcile(*arguments).expect(0).stdout, arguments
    assert world.reconcile("-o", "json", "plan").expect(0).service("web")["to"]["tag"] == "3"


def test_a_daemon_obeys_a_pause_and_goes_on_when_it_ended(stage: Stage, world: World) -> None:
    with watching(world) as daemon:
        stage.pause()
        world.release(web="web:3")
        daemon.await_said("no-op", times=2)
        world.docker("kill", world.container("web").name)
        daemon.await_said("converged")
        await_answer(stage.url, "version=2")
        world.reconcile("resume", "production").expect(0)
        daemon.run.signal(signal.SIGHUP)
        await_answer(stage.url, "version=3")
        daemon.await_said("converged", times=2)


# --- freeze windows -----------------------------------------------------------------------------------


def test_a_freeze_window_holds_releases_and_nothing_else(stage: Stage, world: World) -> None:
    world.settings["freeze"] = [OPEN]
    world.release(web="web:3")
    stage.held("frozen until ")
    assert world.once().environment["frozen"]["reason"] == "inventory"
    override = world.root / "by-hand.yml"
    override.write_text(json.dumps({"services": {"worker": {"environment": {"WHO": "somebody"}}}}))
    files = [str(world.app / "docker-compose.yml"), str(world.pins_file), str(override)]
    world.by_hand("up", "--detach", "--no-deps", "worker", files=files)
    world.once().expect(0)
    assert "WHO=somebody" not in world.container("worker").content["Config"]["Env"]
    await_answer(stage.url, "version=2")
    world.revert()
    world.settings["freeze"] = [{**OPEN, "cron": "0 0 29 2 *"}]
    world.release(web="web:3")
    world.once().expect(0)
    await_answer(stage.url, "version=3")


# --- protected ----------------------------------------------------------------------------------------


def test_a_protected_environment_waits_for_an_approval_of_its_pins(stage: Stage, world: World) -> None:
    world.settings["protected"] = True
    world.release(web="web:3")
    stage.held("needs an approval: reconcile approve production")
    world.reconcile("approve", "production", "-m", "checked with ops").expect(0)
    assert world.reconcile("status", "-o", "json").environment["approved"] is True
    world.once().expect(0)
    await_answer(stage.url, "version=3")
    world.release(web="web:4")
    stage.held("needs an approval")
    world.reconcile("--yes", "--once").expect(0)
    await_answer(stage.url, "version=4")


def test_a_protected_environment_can_be_rolled_back_by_anybody(stage: Stage, world: World) -> None:
    world.settings["protected"] = True
    world.commit("Protect")
    world.reconcile("rollback", "production", "--no-push").expect(0)
    await_answer(stage.url, "version=1")


# --- blast radius -------------------------------------------------------------------------------------


def test_most_of_a_host_changed_by_hand_is_not_put_right_unasked(stage: Stage, world: World) -> None:
    override = world.root / "by-hand.yml"
    by_hand = {name: {"environment": {"WHO": "somebody"}} for name in ("mailer", "worker")}
    override.write_text(json.dumps({"services": by_hand}))
    files = [str(world.app / "docker-compose.yml"), str(world.pins_file), str(override)]
    world.by_hand("up", "--detach", "mailer", "worker", files=files)
    before = world.marks()
    refused = world.once().expect(64)
    problem = refused.environment["error"]["problem"]
    assert "stops or replaces 2 of 3 services" in problem
    assert "at most 1 may be: mailer, worker" in problem
    assert "--allow-mass-change" in refused.environment["error"]["hint"]
    assert world.marks() == before
    world.reconcile("--allow-removal", "--once").expect(0)
    assert "WHO=somebody" not in world.container("worker").content["Config"]["Env"]
    world.settle()
