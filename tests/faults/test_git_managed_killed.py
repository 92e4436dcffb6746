"""SIGKILL at any point of clone, fetch and reset of a managed repository: the next start makes it whole."""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import pytest

from tests.bed.git_world import PINS, pins
from tests.bed.managed import ManagedWorld, poll

REPOSITORY = Path(__file__).parents[2]

FOLLOW = """
import os, sys, pathlib, signal
from reconciler.adapters.git.managed import ManagedRepository
from reconciler.domain.watching import Managed

root, url, step, when = sys.argv[1:]
left = [int(step)]

def dying(method):
    def call(*arguments, **named):
        left[0] -= 1
        if left[0] == 0 and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        mine = left[0] == 0
        try:
            return method(*arguments, **named)
        finally:
            if mine:
                os.kill(os.getpid(), signal.SIGKILL)
    return call

for name in ("rename", "replace", "unlink", "mkdir"):
    setattr(pathlib.Path, name, dying(getattr(pathlib.Path, name)))
os.fsync = dying(os.fsync)

managed = ManagedRepository.open(pathlib.Path(root), Managed(url, "main"))
managed.fetch(managed.tip())
managed.update("production")
"""
"""Follows the remote once; `step` counts what it does to files by itself, 0 lets it through."""

DYING_GIT = """
N=$(cat "$COUNT" 2>/dev/null || echo 0); N=$((N + 1)); echo $N >"$COUNT"
[ "$N" = "$AT" ] || exec "$GIT" "$@"
case $WHEN in
  before) kill -9 $PPID ;;
  after) "$GIT" "$@"; kill -9 $PPID ;;
  meanwhile) "$GIT" "$@" & sleep "$NAP"; kill -9 $PPID 0 ;;
esac
"""
"""The git number AT takes its caller with it."""


@pytest.fixture
def scene(tmp_path: Path) -> ManagedWorld:
    return ManagedWorld.new(tmp_path)


def follow(scene: ManagedWorld, environ: Mapping[str, str], step: int = 0, when: str = "") -> bool:
    """A daemon follows the remote; whether it was killed on the way."""
    command = [sys.executable, "-c", FOLLOW, str(scene.root), scene.url, str(step), when]
    done = subprocess.run(
        command, cwd=REPOSITORY, env=environ, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return done.returncode != 0


def expect_whole(scene: ManagedWorld, what: object) -> None:
    """The next start follows, and is done with everything that the last one left."""
    managed = scene.start()
    assert poll(managed).accepted == scene.pushed, what
    folder = managed.update("production")
    assert scene.pins(folder) == pins(backend="1.1.0"), what
    assert scene.opened(folder).uncommitted(["."]) == (), what
    assert scene.opened(folder).head().commit == scene.pushed, what
    scene.world.git(scene.mirror, "fsck", "--no-dangling")
    assert not list(scene.mirror.rglob("*.lock")), what


@pytest.fixture(params=["first clone", "next commit"])
def begun(request: pytest.FixtureRequest, scene: ManagedWorld) -> ManagedWorld:
    """A remote that is ahead of what there is: of nothing, or of an older commit."""
    if request.param == "next commit":
        scene.fetched().update("production")
    scene.push({PINS: pins(backend="1.1.0")}, "Release")
    keep(scene)
    return scene


def keep(scene: ManagedWorld) -> None:
    if scene.root.exists():
        shutil.copytree(scene.root, scene.world.root / "kept", symlinks=True)


def put_back(scene: ManagedWorld) -> None:
    kept = scene.world.root / "kept"
    shutil.rmtree(scene.root, ignore_errors=True)
    if kept.exists():
        shutil.copytree(kept, scene.root, symlinks=True)


@pytest.mark.parametrize("when", ["before", "after", "meanwhile"])
def test_killed_with_any_of_its_gits(when: str, begun: ManagedWorld) -> None:
    environ, count = begun.world.with_git(DYING_GIT), begun.world.root / "count"
    environ |= {"COUNT": str(count), "WHEN": when, "NAP": "0.002"}
    at = 1
    while True:
        count.unlink(missing_ok=True)
        put_back(begun)
        killed = follow(begun, {**environ, "AT": str(at)})
        expect_whole(begun, (when, at))
        if not killed:
            break
        at += 1
    assert at > 7, "there are at least so many"


@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_at_any_of_its_own_steps(when: str, begun: ManagedWorld) -> None:
    step = 1
    while True:
        put_back(begun)
        killed = follow(begun, begun.world.environ, step, when)
        expect_whole(begun, (when, step))
        if not killed:
            break
        step += 1
    assert step > 4, "there are at least so many"


def test_killed_at_random_instants(begun: ManagedWorld) -> None:
    chance = random.Random(7)
    command = [sys.executable, "-c", FOLLOW, str(begun.root), begun.url, "0", ""]
    for number in range(12):
        put_back(begun)
        child = subprocess.Popen(command, cwd=REPOSITORY, env=begun.world.environ, stderr=subprocess.DEVNULL)
        with suppress(subprocess.TimeoutExpired):
            child.wait(0.1 + chance.random() * 0.3)
        child.kill()
        child.wait()
        expect_whole(begun, number)
