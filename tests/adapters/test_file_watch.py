"""Changes of real files as wakes: those that count, those that do not, and what happens without inotify."""

from __future__ import annotations

import itertools
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from reconciler.adapters import file_watch
from reconciler.adapters.file_watch import FileWatch
from reconciler.domain.triggers import Cause, Wake
from reconciler.ports import Places
from tests.bed.ears import Ears, listening
from tests.bed.git_world import PINS, GitWorld, pins
from tests.bed.tools import wait_until


@dataclass(slots=True)
class Scene:
    """A trigger over files that tests may exchange. It makes notes where it is `late`, and only there."""

    places: Places
    late: bool = False
    top: Path | None = None
    notes: list[str] = field(default_factory=list)
    asked: int = 0

    def look(self) -> Places:
        self.asked += 1
        return self.places

    @contextmanager
    def watched(self) -> Iterator[Ears[Wake]]:
        """The trigger runs, and has taken its first look."""
        with listening(FileWatch(self.look, self.notes.append, self.top)) as ears:
            wait_until(lambda: self.asked > 1, seconds=20, what="a first look", every=0.002)
            yield ears
        assert bool(self.notes) is self.late, self.notes


def files(*paths: Path) -> Scene:
    return Scene(Places(frozenset(paths)))


def told(path: Path) -> Callable[[list[Wake]], bool]:
    """Whether a change of `path` was told."""
    return lambda heard: any(str(path) in wake.detail for wake in heard)


# --- Files ----------------------------------------------------------------------------------------


def test_a_file_that_is_written_wakes_everybody_and_is_named(tmp_path: Path) -> None:
    file = tmp_path / "compose.yaml"
    file.write_text("services: {}\n")
    with files(file).watched() as ears:
        file.write_text("services: {web: {}}\n")
        ears.wait_for(told(file), "the change")
    assert {(wake.cause, wake.projects, wake.detail) for wake in ears.heard} == {
        (Cause.COMMIT, frozenset(), str(file))
    }


def test_files_are_named_as_people_know_them(tmp_path: Path) -> None:
    there, elsewhere = tmp_path / "repository" / "compose.yaml", tmp_path / "elsewhere.yaml"
    there.parent.mkdir()
    scene = files(there, elsewhere)
    scene.top = there.parent
    with scene.watched() as ears:
        there.write_text("a")
        ears.wait_for(lambda heard: heard, "the first")
        elsewhere.write_text("b")
        ears.wait_for(lambda heard: len(heard) > 1, "the second")
    assert [wake.detail for wake in ears.heard] == ["compose.yaml", str(elsewhere)]


def test_a_file_that_an_editor_replaces(tmp_path: Path) -> None:
    file, fresh = tmp_path / "compose.yaml", tmp_path / ".compose.yaml.swx"
    file.write_text("a")
    with files(file).watched() as ears:
        fresh.write_text("b")
        fresh.replace(file)
        ears.wait_for(told(file), "the change")


def test_a_file_that_appears_and_goes(tmp_path: Path) -> None:
    file = tmp_path / "not yet" / "there" / "pins.yaml"
    with files(file).watched() as ears:
        file.parent.mkdir(parents=True)
        file.write_text("a")
        ears.wait_for(told(file), "the file")
        count = len(ears.heard)
        shutil.rmtree(file.parent)
        ears.wait_for(lambda heard: len(heard) > count, "its end")


def test_other_files_of_the_folder_and_below_it_do_not_count(tmp_path: Path) -> None:
    file = tmp_path / "compose.yaml"
    (tmp_path / "data").mkdir()
    with files(file).watched() as ears:
        for count in range(100):
            (tmp_path / f"upload-{count}").write_text("x")
            (tmp_path / "data" / str(count)).write_text("x")
        file.write_text("services: {}\n")
        ears.wait_for(told(file), "the change")
    assert {wake.detail for wake in ears.heard} == {str(file)}


def test_many_files_are_named_in_part(tmp_path: Path) -> None:
    folder, fresh = tmp_path / "app", tmp_path / "fresh"
    folder.mkdir()
    fresh.mkdir()
    for number in range(5):
        (fresh / f"{number}.yaml").write_text("x")
    with files(*(folder / f"{number}.yaml" for number in range(5))).watched() as ears:
        folder.rename(tmp_path / "old")
        fresh.rename(folder)
        ears.wait_for(lambda heard: heard, "the changes")
    assert ears.heard[0].detail.endswith("2.yaml and 2 more")


def test_a_folder_that_is_replaced_is_watched_on(tmp_path: Path) -> None:
    folder, fresh = tmp_path / "app", tmp_path / "fresh"
    for place in (folder, fresh):
        place.mkdir()
        (place / "compose.yaml").write_text(place.name)
    with files(folder / "compose.yaml").watched() as ears:
        folder.rename(tmp_path / "old")
        fresh.rename(folder)
        ears.wait_for(lambda heard: heard, "the other folder")
        count = len(ears.heard)
        (folder / "compose.yaml").write_text("and changed")
        ears.wait_for(lambda heard: len(heard) > count, "a change in it")


def test_a_folder_that_is_new_is_heard_of_by_inotify_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not by looking every second: that is switched off here."""
    monkeypatch.setattr(file_watch, "TICK_SECONDS", 1000.0)
    file = tmp_path / "new" / "pins.yaml"
    with Scene(Places(trees=frozenset({tmp_path}))).watched() as ears:
        file.parent.mkdir()
        (tmp_path / "known").touch()
        ears.wait_for(lambda heard: heard, "a change in a folder that is known")
        written = itertools.count()

        def told(heard: list[Wake]) -> bool:
            file.write_text(str(next(written)))
            return any(wake.detail == str(file) for wake in heard)

        ears.wait_for(told, "a change of the file alone")


def test_other_files_may_be_wanted_later(tmp_path: Path) -> None:
    first, second = tmp_path / "a" / "first.yaml", tmp_path / "b" / "second.yaml"
    for file in (first, second):
        file.parent.mkdir()
        file.write_text("x")
    scene = files(first)
    with scene.watched() as ears:
        scene.places = Places(frozenset({second}))
        asked = scene.asked
        wait_until(lambda: scene.asked > asked + 2, seconds=20, what="the other files are looked at")
        assert not ears.heard, "to look elsewhere is no change"
        second.write_text("changed")
        ears.wait_for(told(second), "a change there")
    assert not told(first)(ears.heard)


def test_a_burst_of_a_thousand_changes_wakes_a_few_times(tmp_path: Path) -> None:
    file = tmp_path / "compose.yaml"
    with files(file).watched() as ears:
        for count in range(1000):
            file.write_text("x" * count)
        ears.wait_for(lambda heard: heard, "a change")
    assert len(ears.heard) < 100


def test_nothing_to_watch(tmp_path: Path) -> None:
    with files().watched() as ears:
        pass
    assert not ears.heard


# --- Git ------------------------------------------------------------------------------------------


@pytest.fixture
def world(tmp_path: Path) -> GitWorld:
    return GitWorld.new(tmp_path)


def refs_of(world: GitWorld, folder: Path) -> Scene:
    return Scene(world.open(folder).places())


def test_a_commit_is_told_by_its_branch(world: GitWorld) -> None:
    clone = world.clone(world.origin())
    with refs_of(world, clone).watched() as ears:
        world.commit(clone, {PINS: pins(backend="1.1.0")}, "Release")
        ears.wait_for(told(clone / ".git/refs/heads/main"), "the commit")


def test_a_revert_a_checkout_and_a_detached_head_are_told(world: GitWorld) -> None:
    clone = world.clone(world.origin())
    with refs_of(world, clone).watched() as ears:
        for command in (["revert", "--no-edit", "HEAD"], ["checkout", "-q", "HEAD~1"]):
            count = len(ears.heard)
            world.git(clone, *command)
            ears.wait_for(lambda heard, count=count: len(heard) > count, command[0])  # type: ignore[misc]
        count = len(ears.heard)
        world.commit(clone, {"a": "b"}, "On no branch")
        ears.wait_for(lambda heard: len(heard) > count, "a commit on a detached HEAD")


def test_a_commit_on_a_branch_in_a_folder_that_is_new(world: GitWorld) -> None:
    clone = world.clone(world.origin())
    with refs_of(world, clone).watched() as ears:
        world.git(clone, "checkout", "-q", "-b", "people/ada/try")
        ears.wait_for(lambda heard: heard, "the checkout")
        world.commit(clone, {"a": "b"}, "Try")
        ears.wait_for(told(clone / ".git/refs/heads/people/ada/try"), "the commit")


def test_a_branch_whose_ref_was_packed(world: GitWorld) -> None:
    clone = world.clone(world.origin())
    world.git(clone, "pack-refs", "--all")
    with refs_of(world, clone).watched() as ears:
        world.commit(clone, {"a": "b"}, "Change")
        ears.wait_for(told(clone / ".git/refs/heads/main"), "the commit")


def test_a_linked_work_tree_has_its_head_elsewhere_than_its_refs(world: GitWorld) -> None:
    clone = world.clone(world.origin())
    linked = world.root / "linked"
    world.git(clone, "worktree", "add", "-q", "--detach", str(linked))
    with refs_of(world, linked).watched() as ears:
        world.commit(linked, {"a": "b"}, "On a detached HEAD")
        ears.wait_for(told(clone / ".git/worktrees/linked/HEAD"), "its own commit")
        world.commit(clone, {"c": "d"}, "On main")
        ears.wait_for(told(clone / ".git/refs/heads/main"), "a commit on a branch")


def test_looking_at_a_repository_is_no_change_of_it(world: GitWorld) -> None:
    clone = world.clone(world.origin())
    with refs_of(world, clone).watched() as ears:
        for _ in range(3):
            (clone / "README.md").touch()
            world.git(clone, "status")
            world.git(clone, "add", "--all")
        (clone / ".git/index.lock").touch()
        (clone / ".git/refs/heads/main.lock").touch()
        (clone / ".git/COMMIT_EDITMSG").write_text("x")
        (clone / ".git/refs/heads/main.lock").unlink()
        (clone / ".git/index.lock").unlink()
        world.commit(clone, {"a": "b"}, "Change")
        ears.wait_for(lambda heard: heard, "the commit")
    assert {wake.detail for wake in ears.heard} == {str(clone / ".git/refs/heads/main")}


def test_the_end_of_a_merge_is_told(world: GitWorld) -> None:
    clone = world.clone(world.origin())
    merge = clone / ".git/MERGE_HEAD"
    merge.write_text(world.git(clone, "rev-parse", "HEAD") + "\n")
    with refs_of(world, clone).watched() as ears:
        merge.unlink()
        ears.wait_for(told(merge), "its end")


# --- Without inotify ------------------------------------------------------------------------------


def test_without_watchfiles_files_are_looked_at_and_that_is_said_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "watchfiles", None)
    file = tmp_path / "compose.yaml"
    scene = files(file)
    scene.late = True
    with scene.watched() as ears:
        file.write_text("a")
        ears.wait_for(told(file), "the change")
        file.write_text("and b")
        ears.wait_for(lambda heard: len(heard) > 1, "another one")
    assert len(scene.notes) == 1
    assert "watchfiles" in scene.notes[0]


WITHOUT_INOTIFY = """
import sys, threading
from pathlib import Path
from reconciler.adapters import file_watch
from reconciler.adapters.file_watch import FileWatch
from reconciler.ports import Places

file, stopping, asked = Path(sys.argv[1]), threading.Event(), []

def places():
    asked.append(1)
    if len(asked) == 2:
        file.write_text("changed")
    return Places(frozenset({file}))

def wake(wake):
    print("woken", wake.detail)
    stopping.set()

threading.Timer(20, stopping.set).start()
FileWatch(places, print).run(wake, stopping)
import os; sys.stdout.flush(); os._exit(0)
"""


@pytest.mark.parametrize("limit", ["max_inotify_instances", "max_inotify_watches"])
def test_where_inotify_is_exhausted_files_are_looked_at_and_that_is_said(limit: str, tmp_path: Path) -> None:
    """In a user namespace of its own the limit is nobody else's."""
    file = tmp_path / "compose.yaml"
    command = f'echo 0 >/proc/sys/user/{limit} && exec "$@"'
    done = subprocess.run(
        [
            *("unshare", "--user", "--map-root-user", "sh", "-ec", command, "sh"),
            *(sys.executable, "-c", WITHOUT_INOTIFY, str(file)),
        ],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    noted, woken = done.stdout.splitlines()
    assert "noticed after 1 s" in noted, done.stderr
    assert woken == f"woken {file}"


def test_it_ends_while_it_only_looks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "watchfiles", None)
    stopping = threading.Event()
    stopping.set()
    FileWatch(lambda: Places(frozenset({tmp_path / "a"}))).run(lambda _: None, stopping)
    assert stopping.is_set()
