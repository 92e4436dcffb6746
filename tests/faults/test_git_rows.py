"""Rows G-10 and G-13 to G-15: many commits, merges, refusals and our own commit, around a bad release."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.adapters.clock import SystemClock
from reconciler.adapters.state_files import YamlStateFiles
from reconciler.app.desired import DesiredState
from reconciler.app.undoing import Undoing
from reconciler.domain.environment import GitPolicy, Rollback
from reconciler.domain.report import Result, Step
from reconciler.domain.undo import Undo, UndoState
from tests.app.passes import Passes
from tests.app.scene import Scene
from tests.bed.fake_container import Behaviour
from tests.bed.fake_engine import FakeWorld
from tests.bed.git_world import PINS, GitWorld, image, pins
from tests.domain.values import environment, svc

PRODUCTION = environment(rollback=Rollback(GitPolicy.PUSH))


def test_g_10_fifty_commits_while_a_release_runs() -> None:
    """Two releases: the one that was under way, and the last of them all."""
    passes = Passes(Scene((svc("web", "0"),))).up()
    versions = iter(range(2, 52))

    def commit(_step: Step) -> None:
        for version in versions:
            passes.release(web=str(version))

    passes.release(web="1")
    passes.scene.steps = Heard(commit)
    assert [passes.once().result for _ in range(3)] == [Result.CONVERGED, Result.CONVERGED, Result.NO_OP]
    assert passes.scene.running() == "web-1=51"
    assert len([call for call in passes.scene.did if call.startswith("start")]) == 2


class Heard(list[Step]):
    """Steps, of each of which somebody hears as it ends."""

    def __init__(self, tell: Callable[[Step], None]) -> None:
        super().__init__()
        self.tell = tell

    def append(self, step: Step) -> None:
        super().append(step)
        self.tell(step)


@pytest.fixture
def world(tmp_path: Path) -> GitWorld:
    return GitWorld.new(tmp_path)


def undoing(world: GitWorld, clone: Path) -> Undoing:
    desired = DesiredState(world.open(clone), YamlStateFiles(), FakeWorld(), "state")
    return Undoing(desired, SystemClock())


def rejected(release: str) -> Undo:
    """Backend 2.0.0 was rejected, 1.0.0 runs."""
    move = ("backend", image("backend", "2.0.0"), image("backend", "1.0.0"))
    return Undo("01RUN", release, (move,), (f"backend {move[1]}",), "check backend: 500")


def test_g_13_a_release_that_came_as_a_merge_and_was_edited_around_since(world: GitWorld) -> None:
    """`git revert` refuses the merge, and meets a conflict next to the pin; here one scalar changes."""
    origin = world.origin()
    clone = world.clone(origin)
    world.git(clone, "checkout", "--quiet", "-b", "feature")
    world.commit(clone, {PINS: pins(backend="2.0.0"), "src/new.py": "new\n"}, "Release the backend")
    world.git(clone, "checkout", "--quiet", "main")
    world.git(clone, "merge", "--quiet", "--no-ff", "-m", "Merge feature", "feature")
    release = world.git(clone, "rev-parse", "HEAD")
    commented = pins(backend="2.0.0", frontend="3.0.0").replace("  backend:\n", "  backend: # careful\n")
    world.commit(clone, {PINS: commented}, "Edit around it")
    world.git(clone, "push", "--quiet", "origin", "main")
    done = undoing(world, clone).carry_out(PRODUCTION, rejected(release))
    assert done.state is UndoState.DONE, done.detail
    expected = commented.replace(image("backend", "2.0.0"), image("backend", "1.0.0"))
    assert world.show(origin, "main", PINS) == expected
    assert world.git(origin, "diff", "--name-only", "main^", "main") == PINS
    assert world.show(origin, "main", "src/new.py") == "new\n"
    assert not (clone / ".git" / "REVERT_HEAD").exists()
    assert world.git(clone, "status", "--porcelain") == ""


def test_g_15_our_own_commit_starts_nothing() -> None:
    """Whatever it triggers, a webhook or a CI job: the pass after it has nothing to do."""
    passes = Passes(Scene((svc("web"),), env=PRODUCTION)).up()
    passes.scene.behave("web", "2", Behaviour(crashes=1))
    passes.release(web="2")
    report = passes.once()
    assert report.undo is not None
    assert report.undo.state is UndoState.DONE
    commits = passes.commits()
    passes.scene.world.calls.clear()
    for _ in range(10):
        assert passes.once().result is Result.NO_OP
    assert (passes.commits(), passes.scene.did) == (commits, [])


def test_g_14_a_server_that_refuses_for_months_is_still_asked(world: GitWorld) -> None:
    """Less and less often, but each hour at least, the two-thousandth time as the tenth."""
    origin = world.origin()
    clone = world.clone(origin)
    release = world.commit(clone, {PINS: pins(backend="2.0.0")}, "Release the backend")
    world.git(clone, "push", "--quiet", "origin", "main")
    world.protect(origin)
    pauses = []
    for attempts in (0, 1, 2, 10, 2000):
        now = SystemClock().now()
        undo = undoing(world, clone).carry_out(PRODUCTION, replace(rejected(release), attempts=attempts))
        assert (undo.state, undo.attempts) == (UndoState.PENDING, attempts + 1)
        assert "protected branch" in undo.detail
        assert undo.again_at is not None
        pauses.append(round((undo.again_at - now).total_seconds() / 30))
    assert pauses == [1, 2, 4, 120, 120]
