"""Git is undone while others push, or not at all for now: the person wins, and nothing is lost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.bed.git_server import GitServer, Part
from tests.e2e.origin import PINS, Origin, settled
from tests.e2e.witness import Witness
from tests.e2e.world import World, await_answer
from tests.faults.inside import inside


@pytest.fixture
def server(world: World) -> Iterator[GitServer]:
    with GitServer(world.root, world.environ) as server:
        yield server


def over_http(world: World, server: GitServer) -> Origin:
    origin = settled(world)
    world.git("remote", "set-url", "origin", server.url("origin.git"))
    return origin


def become_due(world: World) -> None:
    """The time comes at which an undoing is tried again."""
    with inside(world) as reconciler:
        undo = reconciler.journal.undo(reconciler.environment)
        assert undo is not None
        assert undo.again_at is not None
        due = replace(undo, again_at=undo.again_at - timedelta(hours=2))
        reconciler.journal.note_undo(reconciler.environment, due)


def test_somebody_pushes_between_our_fetch_and_our_push(world: World, server: GitServer) -> None:
    """The same file, elsewhere: both commits are there, and neither has a byte of the other."""
    origin = over_http(world, server)
    release = origin.release(web="web:crash")
    theirs: list[str] = []

    def push() -> None:
        files = {PINS: origin.moved(worker="web:2"), "README.md": "Read me\n"}
        theirs.append(origin.colleague(files, "Release the worker"))

    server.before(Part.PUSH, push)
    with Witness(world, world.url, again=False):
        world.once().expect(10)
    (commit,) = origin.undoing(release)
    assert origin.tip() == commit
    assert origin.git("rev-parse", f"{commit}^") == theirs[0]
    assert len(origin.changed(commit)) == 2
    assert origin.tags("web", "worker") == ["1", "2"]
    world.once().expect(0)
    assert world.images_of("web", "worker") == ["1", "2"]


def test_a_person_who_moved_the_pin_meanwhile_wins(world: World, server: GitServer) -> None:
    origin = over_http(world, server)
    release = origin.release(web="web:crash")
    server.before(Part.PUSH, lambda: origin.colleague({PINS: origin.moved(web="web:2")}, "Fix it"))
    result = world.reconcile("-o", "json", "--once").expect(10)
    undo = result.environment["undo"]
    assert (undo["state"], undo["commit"]) == ("superseded", None)
    assert origin.undoing(release) == []
    await_answer(world.url, "version=1")
    assert "ahead of Git" not in world.reconcile("status").said
    origin.pull()
    assert world.once().expect(0).environment["result"] == "converged"
    await_answer(world.url, "version=2")
    assert origin.tags("web") == ["2"]


def test_a_protected_branch_is_tried_again_until_it_lets_us_in(world: World) -> None:
    origin = settled(world)
    release = origin.release(web="web:crash")
    origin.protect("main is protected, ask Ada")
    with Witness(world, world.url):
        result = world.once().expect(10)
    undo = result.environment["undo"]
    assert (undo["state"], undo["attempts"], undo["commit"]) == ("pending", 1, None)
    assert "main is protected, ask Ada" in undo["detail"]
    status = world.reconcile("status").expect(0).stdout
    assert "ahead of Git: web crash → 1" in status
    assert "main is protected, ask Ada" in status
    before = world.marks()
    quiet = world.once().expect(0).environment
    assert (quiet["result"], quiet["undo"]["attempts"]) == ("no-op", 1), "not due yet"
    become_due(world)
    later = world.once().expect(0).environment["undo"]
    assert (later["state"], later["attempts"]) == ("pending", 2)
    assert later["again_at"] > undo["again_at"]
    origin.allow()
    become_due(world)
    done = world.once().expect(0).environment["undo"]
    assert (done["state"], done["attempts"]) == ("done", 3)
    assert world.marks() == before
    origin.expect_undone(release)
    assert "ahead of Git" not in world.reconcile("status").stdout
    world.settle()


def test_a_remote_that_is_gone_is_told_once_it_is_back(world: World) -> None:
    origin = settled(world)
    release = origin.release(web="web:crash")
    with origin.away():
        undo = world.once().expect(10).environment["undo"]
        assert undo["state"] == "pending"
        await_answer(world.url, "version=1")
        assert "ahead of Git" in world.reconcile("status").expect(0).stdout
        for _ in range(2):
            become_due(world)
            assert world.once().expect(0).environment["undo"]["state"] == "pending"
    assert origin.undoing(release) == []
    become_due(world)
    assert world.once().expect(0).environment["undo"]["state"] == "done"
    origin.expect_undone(release)
    world.settle()


@pytest.mark.long
def test_a_push_whose_answer_got_lost_is_not_made_twice(world: World, server: GitServer) -> None:
    origin = over_http(world, server)
    release = origin.release(web="web:crash")
    server.lose_answers(Part.PUSH)
    undo = world.once().expect(10).environment["undo"]
    assert undo["state"] == "pending"
    become_due(world)
    done = world.once().expect(0).environment["undo"]
    assert done["state"] == "done"
    commit = origin.expect_undone(release)
    assert origin.tip() == commit


@pytest.mark.long
def test_a_newer_release_while_git_could_not_be_told_ends_the_matter(world: World) -> None:
    """The bad pin is gone from Git when the remote is back: a person was faster."""
    origin = settled(world)
    release = origin.release(web="web:crash")
    origin.protect()
    world.once().expect(10)
    origin.allow()
    origin.release(web="web:2")
    become_due(world)
    result = world.once().expect(0)
    assert result.environment["undo"]["state"] == "superseded"
    assert result.environment["result"] == "converged"
    assert origin.undoing(release) == []
    await_answer(world.url, "version=2")
    world.settle()


@pytest.mark.long
def test_what_a_person_unblocked_meanwhile_is_not_undone(world: World) -> None:
    """Their word is newer than ours: the pin is tried again, and undone for that try alone."""
    origin = settled(world)
    release = origin.release(web="web:crash")
    origin.protect()
    world.once().expect(10)
    origin.allow()
    world.reconcile("unblock", "production", "web").expect(0)
    become_due(world)
    origin.colleague({"README.md": "Read me\n"}, "Write something else")
    undo = world.once().expect(10).environment["undo"]
    assert (undo["state"], undo["attempts"]) == ("done", 1), "one of its own"
    assert len(origin.undoing(release)) == 1


@pytest.mark.long
def test_two_rejected_releases_that_git_could_not_be_told_are_both_undone(world: World) -> None:
    origin = settled(world)
    first = origin.release(web="web:crash")
    with origin.away():
        world.once().expect(10)
        second = world.release(worker="web:crash")
        world.once().expect(10)
    origin.pushed()
    for _ in range(2):
        become_due(world)
        world.once().expect(0)
    for release, service in ((first, "web"), (second, "worker")):
        (commit,) = origin.undoing(release)
        assert f"production: {service} crash → 1" in origin.git("log", "-1", "--format=%B", commit)
        assert len(origin.changed(commit)) == 2
    assert origin.tags("web", "worker") == ["1", "1"]
    world.settle()
