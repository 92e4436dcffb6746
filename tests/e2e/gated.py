"""Releases under a gate, one after the other: version 1 runs, and Git has a remote to push to."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.e2e.origin import Origin
from tests.e2e.runs import Result
from tests.e2e.witness import Witness
from tests.e2e.world import World, await_answer, published

STACK = """
    services:
      web:
        image: web
        ports: ["127.0.0.1:{port}:8080"]
        restart: unless-stopped
        mem_limit: 48m
        stop_grace_period: 2s
      worker:
        image: web
    """


def gated(world: World, *, web: str = "web:1") -> Origin:
    """Version 1 runs and answers at ``world.url``; nothing is checked yet but containers."""
    port, world.url = published()
    world.settings["gate"] = {"timeout": "10s", "soak": "0s"}
    world.settings["rollback"] = {"git": "push"}
    world.stack(STACK.format(port=port), web=web, worker="web:1")
    world.once().expect(0)
    await_answer(world.url, f"version={web.partition(':')[2]}")
    return Origin.of(world)


@contextmanager
def for_a_while(origin: Origin) -> Iterator[Origin]:
    """Whatever is released or set in the block is taken back behind it."""
    world = origin.world
    pins, settings, variables = dict(world.pins), copy.deepcopy(world.settings), dict(world.variables)
    yield origin
    world.git("fetch", "--quiet", "origin")
    world.git("reset", "--quiet", "--hard", "origin/main")
    world.pins, world.settings, world.variables = pins, settings, variables
    world.commit("Everything as it was")
    origin.pushed()
    world.reconcile("unblock", "production")  # exits with 1 where nothing was blocked
    world.once().expect(0)


def rolled_back(origin: Origin, why: str, **pins: str) -> dict[str, Any]:
    """Release what the gate rejects: the same containers serve again, and Git pins what runs.

    Args:
        why: a part of the reason.
        pins: what is released.

    Returns:
        The report on the environment.
    """
    world = origin.world
    before = serving(world)
    release = origin.release(**pins)
    with Witness(world, world.url) as witness:
        environment = world.once().expect(10).environment
        witness.expect_undone(origin.bare, release)
    assert environment["result"] == "rolled-back"
    assert why in environment["judgement"]["reason"], environment["judgement"]
    assert environment["restored"]["verdict"] == "pass"
    assert environment["health"] == "healthy"
    assert serving(world) == before, "the very same containers serve again"
    return environment


def kept(origin: Origin, **pins: str) -> dict[str, Any]:
    """Release what the gate lets through: it runs, and Git stays. Returns the report on the environment."""
    world = origin.world
    release = origin.release(**pins)
    with Witness(world, world.url):
        environment = world.once().expect(0).environment
    assert environment["result"] == "converged"
    assert environment["undo"] is None
    assert origin.tip() == release
    return environment


def waiting(result: Result) -> dict[str, Any]:
    """A pass that tried nothing: the pin of web waits. Returns the report on the environment."""
    assert result.service("web")["change"] == "blocked", result.said
    assert result.environment["result"] == "no-op", result.said
    return result.environment


def serving(world: World) -> dict[str, tuple[str, str]]:
    """Containers by name: id and status."""
    return {one.name: (one.id, one.status) for one in world.containers()}


def ruling(environment: dict[str, Any], check: str) -> dict[str, Any]:
    """What the matrix said about one check."""
    rulings = environment["judgement"]["decision"]["rulings"]
    (found,) = [one for one in rulings if one["check"] == f"check {check}"]
    assert isinstance(found, dict)
    return found


def tally(environment: dict[str, Any], check: str) -> dict[str, Any]:
    """What the samples of one check came to."""
    (found,) = [one for one in environment["judgement"]["tallies"] if one["subject"] == f"check {check}"]
    assert isinstance(found, dict)
    return found
