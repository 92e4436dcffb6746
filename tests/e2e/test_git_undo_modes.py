"""Where the undoing is written: a branch for review, nowhere, here alone, or from what CI checked out."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.origin import Origin, settled
from tests.e2e.runs import Result
from tests.e2e.witness import Witness
from tests.e2e.world import World, await_answer


def test_on_a_branch_for_review_main_stays_until_a_person_merges(world: World) -> None:
    origin = settled(world, git="branch")
    release = origin.release(web="web:crash")
    branch = f"reconcile/rollback-production-{release[:7]}"
    with Witness(world, world.url) as witness:
        undo = world.once().expect(10).environment["undo"]
        witness.expect_undone(origin.bare, release, branch=branch)
    assert undo["state"] == "proposed"
    assert branch in undo["detail"]
    assert origin.tip() == release == world.git("rev-parse", "HEAD")
    assert world.git("for-each-ref", "--format=%(refname)", "refs/heads") == "refs/heads/main"
    proposed, before = origin.tip(branch), world.marks()
    for _ in range(2):
        assert world.once().expect(0).environment["result"] == "no-op"
    assert "ahead of Git: web crash → 1" in world.reconcile("status").stdout
    assert (origin.tip(branch), world.marks()) == (proposed, before)
    origin.git("update-ref", "refs/heads/main", proposed)  # as the button of a web page does
    origin.pull()
    status = world.reconcile("status").expect(0).stdout
    assert "ahead of Git" not in status, status
    assert "blocked" not in status
    assert world.once().expect(0).environment["undo"] is None
    assert world.marks() == before
    world.settle()


@pytest.mark.long
def test_a_proposal_that_nobody_wants_is_forgotten_with_the_next_release(world: World) -> None:
    origin = settled(world, git="branch")
    origin.release(web="web:crash")
    world.once().expect(10)
    origin.release(web="web:2")
    assert world.once().expect(0).environment["undo"] is None
    await_answer(world.url, "version=2")
    assert "ahead of Git" not in world.reconcile("status").expect(0).stdout
    world.settle()


@pytest.mark.long
def test_switched_off_git_stays_and_the_pin_is_blocked_all_the_same(world: World) -> None:
    origin = settled(world, git="off")
    release = origin.release(web="web:crash")
    with Witness(world, world.url):
        result = world.reconcile("--once").expect(10)
    assert "rollback.git is off" in result.stdout
    assert "git revert" in result.stdout, "a person is told what is left to do"
    assert origin.tip() == release == world.git("rev-parse", "HEAD")
    before = world.marks()
    again = world.once().expect(0)
    assert again.service("web")["change"] == "blocked"
    assert world.marks() == before
    world.revert()
    world.settle()


def test_without_a_remote_the_commit_is_made_here(world: World) -> None:
    origin = settled(world)
    world.git("remote", "remove", "origin")
    release = world.release(web="web:crash")
    undo = world.once().expect(10).environment["undo"]
    assert (undo["state"], undo["commit"]) == ("done", world.git("rev-parse", "HEAD"))
    assert "no remote" in undo["detail"]
    assert world.git("rev-parse", "HEAD^") == release
    assert origin.undoing(release) == []
    world.settle()


@pytest.mark.parametrize(
    "options",
    [pytest.param((), marks=pytest.mark.long, id="whole"), pytest.param(("--depth", "1"), id="depth-1")],
)
def test_from_a_detached_head_as_ci_checks_out(world: World, options: tuple[str, ...]) -> None:
    """No branch is checked out: `rollback.branch` says which one the release came from."""
    origin = settled(world, branch="main")
    release = origin.release(web="web:crash")
    job = checked_out(origin, release, *options)
    untouched = files(origin, release)
    undo = in_job(world, job).expect(10).environment["undo"]
    assert undo["state"] == "done"
    commit = origin.expect_undone(release)
    assert origin.git("rev-parse", f"{commit}^") == release
    assert files(origin, commit).keys() == untouched.keys(), "git revert would delete them in depth 1"
    assert world.git("rev-parse", "HEAD", folder=job) == release, "what the job works on does not move"
    assert world.git("status", "--porcelain", folder=job) == ""
    assert in_job(world, job).expect(0).service("web")["change"] == "blocked"
    following = checked_out(origin, commit, *options)
    assert in_job(world, following).expect(0).environment["sync"] == "synced"


@pytest.mark.long
def test_from_a_detached_head_without_a_branch_it_says_what_is_missing(world: World) -> None:
    origin = settled(world)
    release = origin.release(web="web:crash")
    job = checked_out(origin, release)
    environment = in_job(world, job).expect(10).environment
    assert environment["undo"]["state"] == "pending"
    assert "rollback.branch" in environment["undo"]["detail"]
    assert "HEAD is detached" in "".join(environment["notes"]), "it could be known before"
    assert origin.tip() == release
    await_answer(world.url, "version=1")


def checked_out(origin: Origin, commit: str, *options: str) -> Path:
    """A clone as a CI job has it: one commit, no branch. Compose's folder is the one of the world."""
    job = origin.clone(*options)
    origin.world.git("checkout", "--quiet", "--detach", commit, folder=job)
    return job


def in_job(world: World, job: Path) -> Result:
    """A pass over what the job checked out."""
    return world.once(folder=job)


def files(origin: Origin, revision: str) -> dict[str, str]:
    listed = origin.git("ls-tree", "-r", revision).splitlines()
    return {line.partition("\t")[2]: line.split()[2] for line in listed}
