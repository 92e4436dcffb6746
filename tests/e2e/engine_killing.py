"""Releases during which the engine is killed and started again, and what must be true after one more pass."""

from __future__ import annotations

import re
import time
from collections import Counter
from contextlib import closing
from dataclasses import replace
from datetime import timedelta

from docker import APIClient

from tests.bed.private_engine import PrivateEngine
from tests.e2e.invariants import one_generation, serves_again
from tests.e2e.killing import Kind, Trial, ending, noted, release, started, story, taken_back, wrong
from tests.e2e.leftovers import leftovers
from tests.e2e.origin import Origin
from tests.e2e.runs import Result
from tests.e2e.snapshot import Scope, Snapshot, take
from tests.e2e.world import World
from tests.faults.inside import inside

INSIDE = {
    "exec": {"service": "web", "command": ["wget", "-q", "-O", "/dev/null", "http://127.0.0.1:8080/health"]}
}
"""What the gate asks: the ports of an engine in its own network are not to be reached from here."""
KEPT_PORT = "the engine kept the port of what it had not started: restarted once more"
DEAD_TASK = "the engine cannot start what it had begun to start"
FURTHER_PASSES = 3
"""Where the engine lost its way: what ran before is repaired, and the release tried again."""


def engine_tried(engine: PrivateEngine, origin: Origin, kind: Kind, seconds: float) -> Trial:
    """Release, and kill the engine after so many seconds; it starts again, and one pass makes good."""
    world = origin.world
    world.reconcile("unblock", "production")
    commit, before = release(origin, kind), look(world)
    broken, killed, converged = list[str](), list[str](), 0.0
    with noted(broken):
        run = started(world, seconds)
        engine.kill()
        engine.start()
        back = time.monotonic()
        broken += resurrected(world)
        killed.append(f"after {seconds:.3f} s: {ending(run)}")
        fresh = world.once()
        converged = time.monotonic() - back
        further = FURTHER_PASSES if (lost := lost_its_way(fresh)) else 0
        if lost:
            killed.append(lost)
        if lost == KEPT_PORT:
            engine.stop()
            engine.start()
        while (bad := wrong(origin, kind, commit, fresh, before, look(world))) and further:
            no_longer_waits(world)
            fresh, further = world.once(), further - 1
        after = look(world)
        broken += [*bad, *serves_again(before, after), *one_generation(after), *resurrected(world)]
        broken += [*leftovers(world, after), *([] if kind is Kind.GONE else restless(world))]
    trial = Trial(kind, tuple(killed), converged, tuple(broken), story(world) if broken else "")
    taken_back(origin, kind)
    return trial


def lost_its_way(ended: Result) -> str:
    """What the engine itself lost when it was killed while it started a container; nothing in most cases.

    Measured with Docker alone, 20.10: the port of that container stays allocated until the engine is
    restarted once more, and the container itself can never be started again. The former must be named.
    """
    if "the engine itself kept it: restart the engine" in ended.said:
        return KEPT_PORT
    return DEAD_TASK if re.search(r"task \w+: already exists", ended.said) else ""


def no_longer_waits(world: World) -> None:
    """The time comes at which what was not to blame is tried again; other trials rejected it, too."""
    with inside(world) as reconciler:
        waiting = [one for one in reconciler.journal.blocks(reconciler.environment) if one.waits_for]
        longer_ago = [replace(one, at=one.at - timedelta(days=1)) for one in waiting]
        reconciler.journal.block(reconciler.environment, longer_ago)


def look(world: World) -> Snapshot:
    with closing(APIClient(base_url=world.host, version="auto")) as client:
        return take(client, Scope(world.project, "", world.images.registry.address, alone=True))


def resurrected(world: World) -> list[str]:
    """Services of which more runs than the one instance that they have: a predecessor came back."""
    running = Counter(one.service for one in world.containers() if one.status == "running")
    return [f"I-2: {count} instances of {name} run" for name, count in running.items() if count > 1]


def restless(world: World) -> list[str]:
    """What one more pass does, which should be nothing (I-6)."""
    before = world.marks()
    result = world.reconcile("--once")
    if result.code == 0 and "No changes." in result.stdout and world.marks() == before:
        return []
    return [f"I-6: one more pass exited with {result.code} and said: {result.said}"]
