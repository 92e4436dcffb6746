"""What a power loss or a kill leaves of a managed repository, and that the next pass makes it whole again."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.adapters.git.managed import ManagedRepository
from reconciler.errors import PermissionRefused, ReconcileError, RepositoryUnreachable
from tests.bed.git_world import PINS, pins
from tests.bed.managed import ManagedWorld, poll

ACCEPTED, FETCHED = "refs/reconcile/accepted", "refs/reconcile/fetched"
Damage = Callable[[Path], object]


@pytest.fixture
def scene(tmp_path: Path) -> ManagedWorld:
    return ManagedWorld.new(tmp_path)


def emptied(name: str) -> Damage:
    return lambda mirror: (mirror / name).write_bytes(b"")


def garbage(name: str) -> Damage:
    return lambda mirror: (mirror / name).write_text("[garbage\n")


def touched(name: str) -> Damage:
    return lambda mirror: (mirror / name).touch()


def removed(name: str) -> Damage:
    def remove(mirror: Path) -> None:
        found = mirror / name
        shutil.rmtree(found) if found.is_dir() else found.unlink()

    return remove


def loose(what: str) -> Damage:
    """The object that a name stands for, which becomes a file of its own, is emptied."""

    def empty(mirror: Path) -> None:
        packs = list((mirror / "objects/pack").glob("*.pack"))
        for pack in packs:
            moved = pack.rename(mirror / pack.name)
            for rest in (mirror / "objects/pack").glob(f"{pack.stem}.*"):
                rest.unlink()
            with moved.open("rb") as feed:
                subprocess.run(["git", "unpack-objects", "-q"], cwd=mirror, stdin=feed, check=True)
            moved.unlink()
        said = subprocess.run(["git", "rev-parse", what], cwd=mirror, capture_output=True, check=True)
        identity = said.stdout.decode().strip()
        file = mirror / "objects" / identity[:2] / identity[2:]
        file.chmod(0o600)
        file.write_bytes(b"")

    return empty


def packed(ending: str, size: int) -> Damage:
    """All objects are in one pack, and that is cut off."""

    def cut(mirror: Path) -> None:
        subprocess.run(["git", "repack", "-adq"], cwd=mirror, check=True)
        (found,) = (mirror / "objects/pack").glob(f"*.{ending}")
        found.chmod(0o600)
        os.truncate(found, size)

    return cut


MIRROR = {
    "lock of the ref that is fetched to": touched(f"{FETCHED}.lock"),
    "lock of the accepted ref": touched(f"{ACCEPTED}.lock"),
    "lock of the configuration": touched("config.lock"),
    "lock of packed refs": touched("packed-refs.lock"),
    "fetched ref empty": emptied(FETCHED),
    "accepted ref empty": emptied(ACCEPTED),
    "packed refs garbage": garbage("packed-refs"),
    "HEAD empty": emptied("HEAD"),
    "HEAD gone": removed("HEAD"),
    "configuration garbage": garbage("config"),
    "configuration empty": emptied("config"),
    "objects gone": removed("objects"),
    "refs gone": removed("refs"),
    "all gone": removed("."),
    "commit empty": loose(FETCHED),
    "tree empty": loose(f"{FETCHED}^{{tree}}"),
    "state folder empty": loose(f"{FETCHED}:state"),
    "pins empty": loose(f"{FETCHED}:{PINS}"),
    "settings empty": loose(f"{FETCHED}:state/reconcile.yaml"),
    "pack cut off": packed("pack", 100),
    "index of the pack empty": packed("idx", 0),
}

TREE = {
    "lock of the index": touched("worktrees/environment-production/index.lock"),
    "lock of HEAD": touched("worktrees/environment-production/HEAD.lock"),
    "HEAD empty": emptied("worktrees/environment-production/HEAD"),
    "index empty": emptied("worktrees/environment-production/index"),
    "index garbage": garbage("worktrees/environment-production/index"),
    "index gone": removed("worktrees/environment-production/index"),
    "commondir empty": emptied("worktrees/environment-production/commondir"),
    "Git files gone": removed("worktrees/environment-production"),
    "link empty": emptied("../environments/production/.git"),
    "link gone": removed("../environments/production/.git"),
    "pins empty": emptied(f"../environments/production/{PINS}"),
    "folder gone": removed("../environments/production"),
}


def expect_whole(scene: ManagedWorld, managed: ManagedRepository, backend: str) -> None:
    """The tree of production is what the remote has, and nothing is broken any more."""
    folder = managed.update("production")
    assert scene.pins(folder) == pins(backend=backend)
    assert scene.opened(folder).head().commit == scene.pushed
    assert scene.opened(folder).uncommitted(["."]) == ()
    scene.world.git(scene.mirror, "fsck", "--no-dangling")


@pytest.mark.parametrize("damage", MIRROR.values(), ids=MIRROR.keys())
def test_a_damaged_clone_is_whole_again_with_the_next_commit(damage: Damage, scene: ManagedWorld) -> None:
    scene.fetched().update("production")
    damage(scene.mirror)
    scene.push({PINS: pins(backend="1.1.0")})
    managed = scene.start()
    poll(managed)
    expect_whole(scene, managed, "1.1.0")


@pytest.mark.parametrize("damage", MIRROR.values(), ids=MIRROR.keys())
def test_a_damaged_clone_is_whole_again_without_one(damage: Damage, scene: ManagedWorld) -> None:
    scene.fetched().update("production")
    damage(scene.mirror)
    managed = scene.start()
    managed.update("production")
    poll(managed)
    expect_whole(scene, managed, "1.0.0")


@pytest.mark.parametrize("damage", TREE.values(), ids=TREE.keys())
def test_a_damaged_work_tree_is_whole_again(damage: Damage, scene: ManagedWorld) -> None:
    scene.fetched().update("production")
    damage(scene.mirror)
    expect_whole(scene, scene.start(), "1.0.0")


@pytest.mark.parametrize("damage", TREE.values(), ids=TREE.keys())
def test_it_is_so_while_the_daemon_runs_too(damage: Damage, scene: ManagedWorld) -> None:
    managed = scene.fetched()
    managed.update("production")
    damage(scene.mirror)
    scene.push({PINS: pins(backend="1.1.0")})
    poll(managed)
    expect_whole(scene, managed, "1.1.0")


def test_an_index_that_is_lost_is_no_change_of_files(scene: ManagedWorld) -> None:
    managed = scene.fetched()
    managed.update("production")
    removed("worktrees/environment-production/index")(scene.mirror)
    expect_whole(scene, managed, "1.0.0")
    assert scene.notes == []


def test_a_damaged_clone_is_set_aside_and_said(scene: ManagedWorld) -> None:
    managed = scene.fetched()
    managed.update("production")
    loose(f"{FETCHED}:{PINS}")(scene.mirror)
    scene.start().update("production")
    assert scene.mirror.with_name("mirror.git.damaged").is_dir()
    assert not scene.mirror.with_name("mirror.git.fresh").exists()
    assert scene.notes == [f"{scene.mirror} is damaged, and cloned again"]


def test_files_of_an_application_survive_that_the_clone_is_replaced(scene: ManagedWorld) -> None:
    top = scene.fetched().update("production").parent
    (top / "data").write_text("precious")
    removed(".")(scene.mirror)
    expect_whole_but = scene.start().update("production").parent
    assert (expect_whole_but / "data").read_text() == "precious"
    assert scene.world.git(expect_whole_but, "status", "--porcelain") == "?? data"


def test_nothing_is_set_aside_while_the_remote_is_away(scene: ManagedWorld) -> None:
    scene.fetched().update("production")
    loose(f"{FETCHED}:{PINS}")(scene.mirror)
    away = scene.origin.rename(scene.world.root / "away.git")
    with pytest.raises(RepositoryUnreachable):
        scene.start().update("production")
    assert not scene.mirror.with_name("mirror.git.damaged").exists()
    away.rename(scene.origin)
    expect_whole(scene, scene.start(), "1.0.0")


def test_a_remote_that_is_damaged_itself_changes_nothing_here(scene: ManagedWorld) -> None:
    managed = scene.fetched()
    new = scene.push({PINS: pins(backend="1.1.0")})
    loose(f"main:{PINS}")(scene.origin)
    with pytest.raises(ReconcileError):
        managed.fetch(new)
    assert scene.pins(managed.update("production")) == pins()


def test_a_clone_of_another_user_is_made_again_and_a_tree_of_one_is_named(scene: ManagedWorld) -> None:
    folder = scene.fetched().update("production")
    chown(scene.mirror)
    managed = scene.start()
    poll(managed)
    expect_whole(scene, managed, "1.0.0")
    chown(folder.parent)
    with pytest.raises(PermissionRefused, match="belongs to another user"):
        scene.start().update("production")


def chown(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        os.chown(path, 12345, 12345, follow_symlinks=False)


def test_a_disk_that_is_full_leaves_what_was_accepted(scene: ManagedWorld) -> None:
    """On a file system of half a megabyte."""
    scene.root.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512k,mode=700", "none", scene.root], check=True)
    try:
        managed = scene.fetched()
        managed.update("production")
        new = scene.push({"big": os.urandom(600_000).hex()})
        with pytest.raises(ReconcileError):
            managed.fetch(new)
        assert scene.pins(managed.update("production")) == pins()
        assert managed.accepted != new
    finally:
        subprocess.run(["umount", scene.root], check=True)
