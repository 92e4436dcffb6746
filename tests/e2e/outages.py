"""Releases during which the registry or the Git server is killed, and what is true after one more pass."""

from __future__ import annotations

import time

from tests.bed.git_daemon import GitDaemon
from tests.e2e.killing import (
    PASS,
    Kind,
    Trial,
    ending,
    noted,
    release,
    started,
    story,
    taken_back,
    untouched,
    wrong,
)
from tests.e2e.origin import Origin
from tests.e2e.test_git_undo_meanwhile import become_due
from tests.e2e.witness import Witness


def registry_killed(origin: Origin, seconds: float) -> Trial:
    """Release what has to be pulled, and kill the registry after so many seconds; then it comes back."""
    world, registry = origin.world, origin.world.images.registry
    new = f"{registry.address}/{world.images.elsewhere('web:2')}"
    commit, before = origin.release(web=new, worker=new), world.marks()
    broken, killed, converged = list[str](), list[str](), 0.0
    with noted(broken), Witness(world, world.url) as witness:
        run = started(world, seconds)
        registry.kill()
        killed.append(f"after {seconds:.3f} s: {ending(run)}")
        if run.process.returncode:
            broken += untouched(world, before, witness)
        registry.start()
        back = time.monotonic()
        fresh = world.once()
        converged = time.monotonic() - back
        broken += wrong(origin, Kind.GOOD, commit, fresh, witness.before, witness.look())
    return Trial(Kind.GOOD, tuple(killed), converged, tuple(broken), story(world) if broken else "")


def git_killed(origin: Origin, daemon: GitDaemon, hook: str) -> Trial:
    """Release what the gate rejects; the Git server dies in the push of the revert, and comes back.

    Args:
        daemon: serves the remote; it runs.
        hook: in which of its hooks: before it has taken the commit (``pre-receive``), or after.
    """
    world = origin.world
    world.reconcile("unblock", "production")  # exits with 1 where nothing was blocked
    commit = release(origin, Kind.BAD)
    broken, killed, converged = list[str](), list[str](), 0.0
    daemon.kills_itself(origin.bare.name, hook)
    with noted(broken), Witness(world, world.url, again=True) as witness:
        killed.append(f"in {hook}: {ending(world.start(*PASS))}")
        daemon.start()
        become_due(world)
        back = time.monotonic()
        fresh = world.once()
        converged = time.monotonic() - back
        broken += wrong(origin, Kind.BAD, commit, fresh, witness.before, witness.look())
    taken_back(origin, Kind.BAD)
    return Trial(Kind.BAD, tuple(killed), converged, tuple(broken), story(world) if broken else "")
