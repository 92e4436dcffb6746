"""Ended in the middle, or not alone: whatever is killed, the next pass ends with what Git wants."""

from __future__ import annotations

import signal
import time

import pytest

from tests.bed.tools import wait_until
from tests.e2e.world import World, await_answer, published

STACK = """
    services:
      web:
        image: web
        ports: ["127.0.0.1:{port}:8080"]
        restart: always
      worker:
        image: web
    """


@pytest.fixture
def url(world: World) -> str:
    """Where version 1 answers; from now on, a release soaks for a long time."""
    port, url = published()
    world.stack(STACK.format(port=port), web="web:1", worker="web:1")
    world.once().expect(0)
    await_answer(url, "version=1")
    world.settings["gate"]["soak"] = "60s"
    return url


def identities(world: World) -> dict[str, str]:
    return {c.name: c.id for c in world.containers()}


def without_soak(world: World) -> None:
    world.settings["gate"]["soak"] = "0s"
    world.commit("No soak")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_while_the_gate_is_open_undoes_the_release(
    world: World, url: str, number: signal.Signals, code: int
) -> None:
    before = identities(world)
    world.release(web="web:2", worker="web:2")
    run = world.start("-o", "json", "--once")
    await_answer(url, "version=2")
    run.signal(number)
    result = run.result().expect(code)
    assert result.environment["result"] == "rolled-back"
    assert result.environment["judgement"]["verdict"] == "inconclusive"
    assert identities(world) == before
    await_answer(url, "version=1")
    world.expect_no_leftovers()


def test_a_release_that_was_killed_in_its_soak_is_judged_by_the_next_pass(world: World, url: str) -> None:
    world.release(web="web:2")
    run = world.start("--once")
    await_answer(url, "version=2")
    run.signal(signal.SIGKILL)
    assert run.result().code == -signal.SIGKILL
    assert "never judged" in world.reconcile("plan").expect(0).stdout
    running = world.container_of("web", "2").id
    without_soak(world)
    result = world.once().expect(0)
    assert result.environment["result"] == "converged"
    assert result.environment["judgement"]["verdict"] == "pass"
    assert world.container("web").id == running, "the one that was switched is the one that stays"
    assert world.container("web").content["HostConfig"]["RestartPolicy"]["Name"] == "always"
    world.settle()


def test_a_bad_release_that_was_killed_in_its_gate_is_undone_by_the_next_pass(world: World, url: str) -> None:
    before = identities(world)
    world.check("web", f"{url}/health")
    world.settings["gate"]["timeout"] = "60s"
    world.settings["gate"]["checks"]["web"]["failures"] = 100  # the gate stays open until the kill
    world.release(web="web:broken")
    run = world.start("--once")
    await_answer(url, "version=broken")
    run.signal(signal.SIGKILL)
    run.result()
    world.settings["gate"] |= {"timeout": "2s", "soak": "0s"}
    world.settings["gate"]["checks"]["web"]["failures"] = 3
    world.commit()
    world.once().expect(10)
    assert identities(world) == before
    assert world.container("web").content["HostConfig"]["RestartPolicy"]["Name"] == "always"
    await_answer(url, "version=1")
    world.expect_no_leftovers()


def test_a_release_that_was_killed_and_reverted_gives_the_predecessor_back(world: World, url: str) -> None:
    before = identities(world)
    world.release(web="web:2")
    run = world.start("--once")
    await_answer(url, "version=2")
    run.signal(signal.SIGKILL)
    run.result()
    world.settings["gate"]["soak"] = "0s"
    world.release(web="web:1")
    world.once().expect(0)
    assert identities(world) == before
    await_answer(url, "version=1")
    world.settle()


@pytest.mark.long
def test_killed_at_many_moments_the_next_pass_always_converges(world: World, url: str) -> None:
    """From the start of a release to its end; tests/app kills the same code at every single change."""
    without_soak(world)
    for moment in range(6):
        version = "2" if moment % 2 == 0 else "1"
        world.release(web=f"web:{version}", worker=f"web:{version}")
        run = world.start("--once")
        deadline = time.monotonic() + 0.4 + 0.25 * moment
        wait_until(lambda end=deadline: time.monotonic() > end, seconds=10, what="the moment")  # type: ignore[misc]
        run.signal(signal.SIGKILL)
        run.result()
        world.once().expect(0)
        await_answer(url, f"version={version}")
        assert world.images_of("web", "worker") == [version, version]
        assert len(world.marks()) == 2
    world.settle()


def test_a_second_reconciler_exits_75_and_touches_nothing(world: World, url: str) -> None:
    world.release(web="web:2")
    run = world.start("-o", "json", "--once")
    await_answer(url, "version=2")
    before = world.marks()
    result = world.once().expect(75)
    assert f"process {run.process.pid}" in result.environment["error"]["problem"]
    assert "--lock-wait" in result.environment["error"]["hint"]
    assert world.marks() == before
    run.signal(signal.SIGTERM)
    run.result().expect(143)


def test_a_second_reconciler_may_wait_for_the_first(world: World, url: str) -> None:
    world.settings["gate"]["soak"] = "2s"
    world.release(web="web:2")
    first = world.start("-o", "json", "--once")
    await_answer(url, "version=2")
    second = world.start("-o", "json", "--lock-wait", "60", "--once")
    assert first.result().expect(0).environment["result"] == "converged"
    assert second.result().expect(0).environment["result"] == "no-op"
    world.settle()


def test_a_plan_may_be_made_while_a_pass_is_under_way(world: World, url: str) -> None:
    world.release(web="web:2")
    run = world.start("--once")
    await_answer(url, "version=2")
    world.reconcile("plan").expect(0)
    world.reconcile("status").expect(0)
    run.signal(signal.SIGTERM)
    run.result().expect(143)
