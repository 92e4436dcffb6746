"""A commit that begins a branch at the remote, for review there: `commit(push=…, base=…)`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.errors import Refused, RepositoryFailed, Stale
from tests.bed.git_remote import MESSAGE, REVIEW, Remote, expect_one_scalar, local_state, undo
from tests.bed.git_server import Part
from tests.bed.git_world import PINS, GitWorld, pins


@pytest.fixture(params=["file", "http"])
def remote(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Remote]:
    with Remote.new(GitWorld.new(tmp_path), request.param) as remote:
        yield remote


@pytest.fixture
def over_http(tmp_path: Path) -> Iterator[Remote]:
    with Remote.new(GitWorld.new(tmp_path), "http") as remote:
        yield remote


def test_a_new_branch_leaves_everything_here_as_it_is(remote: Remote) -> None:
    clone = remote.clone()
    (clone / "README.md").write_text("changed\n")
    (clone / "src/main.py").write_text("staged\n")
    remote.world.git(clone, "add", "src/main.py")
    theirs = remote.world.push_from_elsewhere(remote.bare, {PINS: pins(worker="3.0.0")}, "Theirs")
    before, notes = local_state(remote.world, clone), list[str]()
    remote.world.open(clone, notes=notes).commit(undo("cache"), MESSAGE, push=REVIEW, base="main")
    assert (local_state(remote.world, clone), notes) == (before, [])
    assert remote.tip() == theirs
    expect_one_scalar(remote, REVIEW, theirs, pins(worker="3.0.0", cache="0.9.0"))


def test_our_own_branch_stays_here_too(remote: Remote) -> None:
    """With a base only the remote moves, whatever the pushed branch is called."""
    clone, notes = remote.clone(), list[str]()
    before, tip = local_state(remote.world, clone), remote.tip()
    remote.world.open(clone, notes=notes).commit(undo("cache"), MESSAGE, push="main", base="main")
    assert (local_state(remote.world, clone), notes) == (before, [])
    expect_one_scalar(remote, "main", tip, pins(cache="0.9.0"))


def test_a_branch_that_says_so_already_gets_no_second_commit(remote: Remote) -> None:
    """Also when others have put a commit on top."""
    repository = remote.world.open(remote.clone())
    repository.commit(undo("cache"), MESSAGE, push=REVIEW, base="main")
    colleague = remote.clone("colleague", "--branch", REVIEW)
    tip = remote.world.commit(colleague, {"note.md": "Looks good.\n"}, "Review")
    remote.world.git(colleague, "push", "--quiet", "origin", f"HEAD:{REVIEW}")
    with pytest.raises(Stale, match="already"):
        repository.commit(undo("cache"), MESSAGE, push=REVIEW, base="main")
    assert remote.tip(REVIEW) == tip


def test_a_branch_that_says_something_else_goes_on(remote: Remote) -> None:
    repository = remote.world.open(remote.clone())
    first = repository.commit(undo("cache"), MESSAGE, push=REVIEW, base="main")
    remote.world.push_from_elsewhere(remote.bare, {"README.md": "theirs\n"}, "Main moves on")
    repository.commit(undo("worker"), MESSAGE, push=REVIEW, base="main")
    assert remote.world.git(remote.bare, "rev-parse", f"{REVIEW}~1") == first.commit
    expect_one_scalar(remote, REVIEW, first.commit, pins(cache="0.9.0", worker="0.9.0"))


@pytest.mark.parametrize("part", [Part.OFFER_PUSH, Part.PUSH])
def test_a_branch_that_somebody_begins_meanwhile(over_http: Remote, part: Part) -> None:
    colleague = over_http.world.open(over_http.clone("colleague"))
    begin: list[str] = []
    over_http.server.before(
        part,
        lambda: begin.append(colleague.commit(undo("worker"), "x", push=REVIEW, base="main").commit),
    )
    over_http.world.open(over_http.clone()).commit(undo("cache"), MESSAGE, push=REVIEW, base="main")
    assert over_http.world.git(over_http.bare, "rev-parse", f"{REVIEW}~1") == begin[0]
    expect_one_scalar(over_http, REVIEW, begin[0], pins(cache="0.9.0", worker="0.9.0"))


def test_a_base_that_is_not_there(remote: Remote) -> None:
    with pytest.raises(RepositoryFailed, match="origin has no branch gone"):
        remote.world.open(remote.clone()).commit(undo("cache"), MESSAGE, push=REVIEW, base="gone")
    assert remote.world.git(remote.bare, "branch", "--list") == "* main"


@pytest.mark.parametrize("where", ["there", "here"])
def test_a_branch_in_the_way_of_the_name_is_named_at_once(remote: Remote, where: str) -> None:
    clone, naps = remote.clone(), list[float]()
    if where == "there":
        remote.world.git(remote.bare, "branch", "reconcile", "main")
    else:  # as after a branch that was removed there
        remote.world.git(clone, "update-ref", "refs/remotes/origin/reconcile", "HEAD")
        remote.world.git(remote.bare, "branch", REVIEW, "main")
    with pytest.raises(RepositoryFailed, match="reconcile is in the way"):
        remote.world.open(clone, naps=naps).commit(undo("cache"), MESSAGE, push=REVIEW, base="main")
    assert naps == []


def test_names_that_cannot_be_used(remote: Remote) -> None:
    repository = remote.world.open(remote.clone())
    for push, base in ((REVIEW, "--upload-pack=touch PWNED"), (REVIEW, "a..b"), ("", "main")):
        with pytest.raises(Refused):
            repository.commit(undo("cache"), MESSAGE, push=push, base=base)
    assert remote.world.git(remote.bare, "branch", "--list") == "* main"
