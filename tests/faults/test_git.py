"""Faults of Git that show in a whole pass or half-way through a transfer: rows G-03, G-05, G-08, G-09."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest

from reconciler.domain.report import Result, Step
from reconciler.errors import ReconcileError, Stale
from reconciler.ports import Edit
from tests.bed.cut import cut_after
from tests.bed.git_world import PINS, GitWorld, http_server, pins, with_tag
from tests.e2e.world import World
from tests.faults.inside import inside

TWO = "services: {web: {image: web}, worker: {image: web}}"


def test_g_03_a_transfer_that_is_cut_off_leaves_everything_as_it_was(tmp_path: Path) -> None:
    """Wherever it is cut, the branch and the objects stay whole; the next try goes through."""
    world = GitWorld.new(tmp_path)
    origin = world.origin()
    clone = world.clone(origin)
    world.push_from_elsewhere(
        origin, {"notes.txt": secrets.token_hex(10_000), PINS: pins(worker="3.0.0")}, "Theirs"
    )
    head = world.git(clone, "rev-parse", "HEAD")
    edit = Edit(PINS, with_tag("cache", "2.0.0"))
    with http_server(world) as port:
        for count in (0, 20, 150, 300, 500, 1000, 5000):
            with cut_after(count, port) as cut:
                world.git(clone, "config", "remote.origin.url", f"http://127.0.0.1:{cut}/origin.git")
                with pytest.raises(ReconcileError):
                    world.open(clone).commit([edit], "Move", push="main")
            assert world.git(clone, "rev-parse", "HEAD") == head, count
            world.git(clone, "fsck", "--strict", "--no-dangling")
            assert world.git(clone, "status", "--porcelain") == ""
    world.git(clone, "config", "remote.origin.url", f"file://{origin}")
    world.open(clone).commit([edit], "Move", push="main")
    assert world.show(origin, "main", PINS) == pins(worker="3.0.0", cache="2.0.0")


def test_g_05_the_commit_that_was_released_last_is_gone(world: World) -> None:
    """What differs is read from the engine, so rewritten history changes nothing."""
    world.stack(TWO, web="web:1", worker="web:1")
    world.once().expect(0)
    released = world.git("rev-parse", "HEAD")
    before = world.marks()
    world.git("commit", "--quiet", "--amend", "-m", "Rewritten")
    world.git("reflog", "expire", "--expire=now", "--all")
    world.git("gc", "--quiet", "--prune=now")
    assert released not in world.git("cat-file", "--batch-all-objects", "--batch-check")
    assert world.reconcile("--once").expect(0).stdout.startswith("No changes.")
    assert world.marks() == before


EMPTIED = {
    "the pins file is gone": (65, "state/production/compose.pins.yaml", None),
    "the pins file is empty": (65, "state/production/compose.pins.yaml", ""),
    "the pins file is cut off": (65, "state/production/compose.pins.yaml", "services:\n  web:\n    ima"),
    "the Compose file is gone": (65, "app/docker-compose.yml", None),
    "the Compose file is empty": (65, "app/docker-compose.yml", ""),
    "the Compose file has no services": (65, "app/docker-compose.yml", "services: {}\n"),
    "the settings are gone": (64, "state/reconcile.yaml", None),
    "the settings are empty": (78, "state/reconcile.yaml", ""),
}


def test_g_08_files_that_are_emptied_or_deleted_stop_nothing(world: World) -> None:
    """Also where orphans may be pruned: an accident must not read as a wish."""
    world.settings["prune"] = True
    world.stack(TWO, web="web:1", worker="web:1")
    world.once().expect(0)
    before = world.marks()
    for what, (code, path, text) in EMPTIED.items():
        file = world.repository / path
        if text is None:
            file.unlink()
        else:
            file.write_text(text)
        world.git("commit", "--all", "--quiet", "-m", what)
        assert world.reconcile("--once").expect(code).said.strip(), what
        assert world.marks() == before, what
        world.git("reset", "--quiet", "--hard", "HEAD~1")
    world.settle()


@pytest.mark.parametrize("moment", ["pull", "switch"])
def test_g_09_a_commit_that_lands_during_a_release(world: World, moment: str) -> None:
    """The pass ends with one release as a whole, never with a mix; the next one brings the newest."""
    world.stack(TWO, web="web:1", worker="web:1")
    world.once().expect(0)
    fresh = f"{world.images.registry.address}/{world.images.elsewhere('web:1')}"
    world.release(web=fresh, worker=fresh)
    landed: list[str] = []

    def commit(step: Step) -> None:
        if step.verb == moment and not landed:
            landed.append(world.release(web="web:2", worker="web:2"))

    with inside(world, progress=commit) as reconciler:
        report = reconciler.run_once()
    assert landed
    assert report.result is Result.CONVERGED or isinstance(report.error, Stale), report
    assert len({container.image_id for container in world.containers()}) == 1
    world.expect_no_leftovers()
    world.once().expect(0)
    assert world.images_of("web", "worker") == ["2", "2"]
    world.settle()
