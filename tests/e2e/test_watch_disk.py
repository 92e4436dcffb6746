"""A state directory that is full, read-only or damaged: the daemon says so, still repairs, and goes on."""

from __future__ import annotations

import json
import shutil
import signal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing
from pathlib import Path

import pytest

from tests.bed.tools import wait_until
from tests.e2e.daemon import Daemon, beginning, watching
from tests.e2e.gated import serving
from tests.e2e.origin import Origin
from tests.e2e.small_disk import SmallDisk, small_disk
from tests.e2e.world import World, await_answer

Trouble = Callable[[SmallDisk], AbstractContextManager[None]]
TROUBLE = {
    "full": (SmallDisk.full, "no space is left on the device"),
    "read-only": (SmallDisk.read_only, "its file system is read-only"),
}


@pytest.fixture
def disk(origin: Origin) -> Iterator[SmallDisk]:
    """The state directory of the next daemons is a disk of its own."""
    world = origin.world
    world.settings["severity"] = {"critical": "rollback", "high": "rollback", "medium": "report"}
    world.commit("Nothing is observed after its gate")
    with small_disk(world.root / "small") as disk:
        world.variables["RECONCILE_STATE_DIR"] = str(disk.folder)
        yield disk


def crash(world: World) -> None:
    world.docker("kill", world.container("worker").name)


def await_repaired(world: World) -> None:
    wait_until(lambda: world.container("worker").status == "running", seconds=30, what="worker runs again")


def refused(daemon: Daemon, why: str) -> None:
    """A release is refused, and what serves is not touched."""
    before = serving(daemon.world)
    daemon.world.release(web="web:2")
    daemon.await_said("failed       web 1 → 2")
    assert why in daemon.said.partition("failed       web 1 → 2")[2].partition("\n")[0]
    assert serving(daemon.world) == before


def released(daemon: Daemon) -> None:
    """What Git wants runs, soon and by itself."""
    daemon.await_said("converged    web 1 → 2")
    await_answer(daemon.world.url, "version=2")


def test_a_disk_that_gets_full_stops_releases_and_no_repair(origin: Origin, disk: SmallDisk) -> None:
    world = origin.world
    with watching(world) as daemon:
        with disk.full():
            crash(world)
            await_repaired(world)
            daemon.await_said("this pass is not in the journal")
            refused(daemon, "no space is left on the device")
            crash(world)
            await_repaired(world)
        released(daemon)
    world.settle()


@pytest.mark.parametrize(("trouble", "why"), TROUBLE.values(), ids=TROUBLE)
def test_a_daemon_that_begins_on_such_a_disk_repairs_and_goes_on_when_it_is_better(
    origin: Origin, disk: SmallDisk, trouble: Trouble, why: str
) -> None:
    world = origin.world
    world.once().expect(0)
    crash(world)
    with ExitStack() as troubled:
        troubled.enter_context(trouble(disk))
        with beginning(world) as daemon:
            await_repaired(world)
            daemon.await_said(why)
            refused(daemon, why)
            troubled.close()
            released(daemon)
    world.settle()


def test_a_damaged_journal_is_set_aside_and_nothing_else_happens(origin: Origin, disk: SmallDisk) -> None:
    """In its place lies another one while the daemon runs, and it is cut short before the next one begins."""
    world = origin.world
    with watching(world) as daemon:
        before = serving(world)
        replaced(disk.journal, b"no journal at all" * 1000)
        daemon.run.signal(signal.SIGHUP)
        daemon.await_said("is damaged")
        daemon.await_said("no-op", times=2)
        assert serving(world) == before
        world.release(web="web:2")
        released(daemon)
    before = serving(world)
    disk.journal.write_bytes(disk.journal.read_bytes()[:1000])
    with watching(world, "--log-format", "json") as daemon:
        assert any("is damaged" in json.loads(line).get("words", "") for line in daemon.said.splitlines())
        assert serving(world) == before
    assert len(list(disk.folder.glob("*.damaged-*"))) == 2
    world.settle()


def replaced(file: Path, content: bytes) -> None:
    """Another file lies in its place, and no log of the old one: that would be replayed into it."""
    fresh = file.with_name("fresh")
    fresh.write_bytes(content)
    fresh.chmod(0o600)
    fresh.rename(file)
    for ending in ("-wal", "-shm"):
        file.with_name(file.name + ending).unlink(missing_ok=True)


def test_a_state_directory_that_is_emptied_is_filled_anew(origin: Origin, disk: SmallDisk) -> None:
    world = origin.world
    with watching(world) as daemon:
        for one in disk.folder.iterdir():
            one.unlink()
        world.release(web="web:2")
        released(daemon)
        assert disk.journal.exists()
    world.settle()


def test_a_journal_of_a_newer_version_is_left_alone_and_so_is_what_runs(
    origin: Origin, disk: SmallDisk
) -> None:
    world, aside = origin.world, disk.folder / "newer"
    world.once().expect(0)
    newer = of_a_newer_version(disk.journal)
    with watching(world) as daemon:
        before = serving(world)
        replaced(disk.journal, newer)
        world.release(web="web:2")
        daemon.await_said("was written by a newer version of reconcile")
        assert serving(world) == before
    with beginning(world) as daemon:
        daemon.await_said("was written by a newer version of reconcile")
        assert serving(world) == before
        assert disk.journal.read_bytes() == newer
        disk.journal.rename(aside)
        released(daemon)
    world.settle()


def of_a_newer_version(journal: Path) -> bytes:
    """A copy of a journal that nobody has open, with another format."""
    copy = journal.with_name("copy")
    shutil.copy(journal, copy)
    with closing(sqlite3.connect(copy)) as opened:
        opened.execute("PRAGMA user_version = 99")
    content = copy.read_bytes()
    copy.unlink()
    return content
