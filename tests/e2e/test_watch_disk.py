"""A state directory that is full, read-only or damaged: the daemon says so, still repairs, and goes on."""

from __future__ import annotations

import json
import signal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing

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


@pytest.mark.parametrize(("trouble", "why"), TROUBLE.values(), ids=TROUBLE)
def test_a_disk_that_takes_nothing_stops_releases_and_no_repair(
    origin: Origin, disk: SmallDisk, trouble: Trouble, why: str
) -> None:
    world = origin.world
    with watching(world) as daemon:
        with trouble(disk):
            crash(world)
            await_repaired(world)
            daemon.await_said("this pass is not in the journal")
            refused(daemon, why)
        released(daemon)
    world.settle()


@pytest.mark.parametrize(("trouble", "why"), TROUBLE.values(), ids=TROUBLE)
def test_a_daemon_that_begins_on_such_a_disk_repairs_and_waits_for_a_better_one(
    origin: Origin, disk: SmallDisk, trouble: Trouble, why: str
) -> None:
    world = origin.world
    world.once().expect(0)
    crash(world)
    with trouble(disk), beginning(world) as daemon:
        await_repaired(world)
        daemon.await_said(why)
        refused(daemon, why)
    with beginning(world) as daemon:
        released(daemon)
    world.settle()


def test_a_damaged_journal_is_set_aside_and_nothing_else_happens(origin: Origin, disk: SmallDisk) -> None:
    """Cut short while the daemon runs, and overwritten before it begins."""
    world = origin.world
    with watching(world) as daemon:
        disk.journal.write_bytes(disk.journal.read_bytes()[:1000])
        before = serving(world)
        daemon.run.signal(signal.SIGHUP)
        daemon.await_said("no-op", times=2)
        assert "is damaged" in daemon.said
        assert serving(world) == before
        world.release(web="web:2")
        released(daemon)
    disk.journal.write_bytes(b"no journal at all" * 1000)
    before = serving(world)
    with watching(world, "--log-format", "json") as daemon:
        assert any("is damaged" in json.loads(line).get("words", "") for line in daemon.said.splitlines())
        assert serving(world) == before
    assert len(list(disk.folder.glob("*.damaged-*"))) == 2
    world.settle()


def test_a_journal_of_a_newer_version_is_left_alone_and_so_is_what_runs(
    origin: Origin, disk: SmallDisk
) -> None:
    world, aside = origin.world, disk.folder / "newer"
    with watching(world) as daemon:
        before = serving(world)
        with closing(sqlite3.connect(disk.journal)) as journal:
            journal.execute("PRAGMA user_version = 99")
        newer = disk.journal.read_bytes()
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
