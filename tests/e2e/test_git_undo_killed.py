"""Killed anywhere between the host and Git, the next pass finishes it: exactly one commit, nothing lost."""

from __future__ import annotations

import shutil
import signal

import pytest

from tests.e2e.origin import Origin, settled
from tests.e2e.test_git_undo_meanwhile import become_due
from tests.e2e.witness import Witness
from tests.e2e.world import World, await_answer

DEADLY = """\
#!/bin/sh
# Kills whoever calls git for the {count}th time with a word that is none of a rehearsal.
case " $* " in
*" --dry-run "*) ;;
*" {word} "*)
    echo >> {calls}
    if [ "$(wc -l < {calls})" -eq {count} ]; then
        {before}
        kill -9 $PPID
        exit 1
    fi ;;
esac
exec {git} "$@"
"""


def deadly(world: World, word: str, *, count: int = 1, arrived: bool = False) -> dict[str, str]:
    """An environment in which git kills its caller at this command; after it was done, where `arrived`."""
    folder = world.root / f"git-{word}-{count}-{arrived}"
    folder.mkdir()
    real = shutil.which("git")
    before = f'{real} "$@" > /dev/null 2>&1' if arrived else ":"
    calls = folder / "calls"
    script = DEADLY.format(word=word, count=count, calls=calls, before=before, git=real)
    (folder / "git").write_text(script)
    (folder / "git").chmod(0o755)
    return {"PATH": f"{folder}:{world.environ['PATH']}"}


def expect_finished(origin: Origin, release: str) -> str:
    """The next pass finds what was begun, and ends it; returns the only commit."""
    world = origin.world
    world.once().expect(0)
    commit = origin.expect_undone(release)
    assert origin.git("rev-list", "--count", f"{release}..main") == "1"
    assert not (world.repository / ".git" / "index.lock").exists()
    origin.pull()
    world.settle()
    return commit


@pytest.mark.parametrize(
    ("word", "count", "arrived"),
    [
        pytest.param("--topo-order", 3, False, marks=pytest.mark.long, id="before-it-is-written-down"),
        pytest.param("push", 1, False, marks=pytest.mark.long, id="before-the-push"),
        pytest.param("push", 1, True, id="after-the-push"),
    ],
)
def test_killed_once_the_host_is_safe(world: World, word: str, count: int, *, arrived: bool) -> None:
    origin = settled(world)
    before = world.container("web").id
    release = origin.release(web="web:crash")
    with Witness(world, world.url, again=False):
        killed = world.once(environ=deadly(world, word, count=count, arrived=arrived))
        killed.expect(-signal.SIGKILL)
        await_answer(world.url, "version=1")
    assert world.container("web").id == before
    assert len(origin.undoing(release)) == arrived
    expect_finished(origin, release)
    assert world.container("web").id == before, "the bad image was not tried again"


@pytest.mark.long
def test_killed_at_every_step_of_writing_it(world: World) -> None:
    """Faults G-16: one pass after the other dies a step later than the one before."""
    origin = settled(world)
    release = origin.release(web="web:crash")
    origin.protect()
    world.once().expect(10)
    origin.allow()
    for word in ("fetch", "hash-object", "ls-tree", "mktree", "commit-tree", "push"):
        become_due(world)
        world.once(environ=deadly(world, word)).expect(-signal.SIGKILL)
        assert origin.undoing(release) == [], word
    become_due(world)
    world.once(environ=deadly(world, "push", arrived=True)).expect(-signal.SIGKILL)
    become_due(world)
    expect_finished(origin, release)
