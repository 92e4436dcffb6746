"""I-7: what a pass may not leave behind, on the engine, in Git, on the disk and among the processes."""

from __future__ import annotations

import fcntl
import signal
from collections.abc import Iterable
from pathlib import Path

from tests.bed.tools import BedError, wait_until
from tests.e2e.snapshot import Snapshot
from tests.e2e.world import World

TEMPLATE = "reconcile.template"
LEASE = "reconcile.lease"
PUBLIC = ("refs/heads/", "refs/remotes/", "refs/tags/")


def leftovers(world: World, after: Snapshot, mounted: Iterable[str] = ()) -> list[str]:
    """Everything that was left behind; an empty list is good.

    Args:
        mounted: the volumes that containers of the project have mounted while somebody looked.
    """
    found = [
        *_containers(after),
        *_leases(world),
        *_endpoints(after),
        *_volumes(world, after, set(mounted)),
        *_refs(world),
        *_files(world),
        *_locks(world),
        *_processes(world),
    ]
    return [f"I-7: left behind: {one}" for one in found]


def _containers(after: Snapshot) -> list[str]:
    return [
        f"container {one.name}"
        for one in after.containers
        if one.name.endswith((".successor", ".predecessor")) or TEMPLATE in one.content["Config"]["Labels"]
    ]


def _leases(world: World) -> list[str]:
    """Whoever had the turn has given it back, or whoever came next did so for them.

    A pass that was killed cannot, and nobody has come yet.
    """
    if [run.process.returncode for run in world.started[-1:]] == [-signal.SIGKILL]:
        return []
    names = world.docker(
        "ps", "--all", "--filter", f"label={LEASE}={world.project}", "--format", "{{.Names}}"
    )
    return [f"lease {name}" for name in names.split()]


def _endpoints(after: Snapshot) -> list[str]:
    """An endpoint of a container that does not run holds an address, and a name that leads nowhere."""
    running = {one.id for one in after.containers if one.status == "running"}
    return [
        f"endpoint of {end['Name'] or one} in network {network['Name']}"
        for network in after.networks
        for one, end in (network["Containers"] or {}).items()
        if one not in running
    ]


def _volumes(world: World, after: Snapshot, mounted: set[str]) -> list[str]:
    """Anonymous volumes that nobody has any more; those with a name are data, and stay."""
    in_use = {mount.get("Name") for one in after.containers for mount in one.content["Mounts"]}
    named = {volume["Name"] for volume in after.volumes}
    there = world.docker("volume", "ls", "--quiet", "--filter", "dangling=true").split()
    return [f"volume {name}" for name in sorted((mounted - in_use - named).intersection(there))]


def _refs(world: World) -> list[str]:
    refs = world.git("for-each-ref", "--format=%(refname)").splitlines()
    return [f"ref {name}" for name in refs if not name.startswith(PUBLIC)]


def _files(world: World) -> list[str]:
    """Temporary files, Git's locks and half-written objects; what is not committed and not ignored."""
    git, memory = world.repository / ".git", world.root / "memory"
    files = [
        *(world.root / "tmp").iterdir(),
        *git.rglob("*.lock"),
        *git.rglob("tmp_*"),
        *(one for one in memory.rglob("*") if one.name.startswith("tmp") or one.suffix == ".tmp"),
    ]
    changed = world.git("status", "--porcelain").splitlines()
    return [*(f"file {one.relative_to(world.root)}" for one in files), *(f"change {one}" for one in changed)]


def _locks(world: World) -> list[str]:
    return [f"lock {one.name}" for one in (world.root / "memory").glob("*.lock") if _held(one)]


def _held(lock: Path) -> bool:
    with lock.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _processes(world: World) -> list[str]:
    """Processes that bear the world's surroundings; Git may still be tidying up on its own for a moment."""
    try:
        wait_until(lambda: not _children(world), seconds=3, what="the end of all processes")
    except BedError:
        return [f"process {one}" for one in _children(world)]
    return []


def _children(world: World) -> list[str]:
    mark = f"RECONCILE_STATE_DIR={world.environ['RECONCILE_STATE_DIR']}\0".encode()
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (place / "environ").read_bytes() + b"\0":
                command = (place / "cmdline").read_bytes()
                found.append(f"{place.name}: {command.replace(bytes(1), b' ').decode(errors='replace')}")
        except OSError:
            continue
    return found
