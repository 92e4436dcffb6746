"""Asking a remote where its branch is: `git ls-remote`, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.adapters.git.process import Git
from reconciler.adapters.git.remote import RemoteBranch
from reconciler.errors import PermissionRefused, RepositoryUnreachable
from tests.bed.git_remote import Remote
from tests.bed.git_world import GitWorld, http_server, leftovers, silent_server

MAIN = RemoteBranch("origin", "main")


@pytest.fixture
def world(tmp_path: Path) -> GitWorld:
    return GitWorld.new(tmp_path)


@pytest.fixture(params=["file", "http"])
def remote(request: pytest.FixtureRequest, world: GitWorld) -> Iterator[Remote]:
    with Remote.new(world, request.param) as made:
        yield made


def git_in(remote: Remote) -> Git:
    return Git.at(remote.clone(), 20, remote.world.environ)


def test_the_tip_is_told_and_nothing_is_fetched(remote: Remote) -> None:
    git = git_in(remote)
    before = remote.world.git(git.folder, "for-each-ref")
    objects = remote.world.git(git.folder, "count-objects", "-v")
    new = remote.world.push_from_elsewhere(remote.bare, {"a": "b"}, "Change")
    assert MAIN.tip(git) == new == remote.tip()
    assert remote.world.git(git.folder, "for-each-ref") == before
    assert remote.world.git(git.folder, "count-objects", "-v") == objects


def test_a_branch_that_is_not_there_is_none(remote: Remote) -> None:
    assert RemoteBranch("origin", "other").tip(git_in(remote)) is None


def test_a_repository_that_was_emptied_has_no_branch(remote: Remote) -> None:
    git = git_in(remote)
    remote.world.git(remote.bare, "update-ref", "-d", "refs/heads/main")
    assert MAIN.tip(git) is None


def test_a_ref_whose_name_ends_alike_is_another_one(remote: Remote) -> None:
    git = git_in(remote)
    tip = remote.tip()
    remote.world.git(remote.bare, "update-ref", "refs/heads/a/refs/heads/main", f"{tip}~1")
    assert MAIN.tip(git) == tip
    remote.world.git(remote.bare, "update-ref", "-d", "refs/heads/main")
    assert MAIN.tip(git) is None


def test_a_wrong_password_is_refused_and_not_shown(world: GitWorld) -> None:
    clone = world.clone(world.origin())
    with http_server(world, user="robot", password="right") as port:
        world.git(clone, "remote", "set-url", "origin", f"http://robot:s3cret@127.0.0.1:{port}/origin.git")
        with pytest.raises(PermissionRefused) as caught:
            MAIN.tip(Git.at(clone, 20, world.environ))
    assert "s3cret" not in str(caught.value)


def test_no_password_is_asked_for(world: GitWorld) -> None:
    clone = world.clone(world.origin())
    with http_server(world, user="robot", password="right") as port:
        world.git(clone, "remote", "set-url", "origin", f"http://127.0.0.1:{port}/origin.git")
        with pytest.raises(PermissionRefused, match="could not read Username"):
            MAIN.tip(Git.at(clone, 20, world.environ))


def test_a_remote_that_hangs_is_left_at_the_deadline(world: GitWorld) -> None:
    clone = world.clone(world.origin())
    with silent_server() as port:
        url = f"http://127.0.0.1:{port}/origin.git"
        world.git(clone, "remote", "set-url", "origin", url)
        with pytest.raises(RepositoryUnreachable, match=r"not done after 0\.3 seconds"):
            MAIN.tip(Git.at(clone, 0.3, world.environ))
    assert not leftovers(url)


@pytest.mark.parametrize("url", ["https://nowhere.invalid/a.git", "http://127.0.0.1:1/a.git"])
def test_a_remote_that_is_not_there(url: str, world: GitWorld) -> None:
    clone = world.clone(world.origin())
    world.git(clone, "remote", "set-url", "origin", url)
    with pytest.raises(RepositoryUnreachable, match="origin/main could not be read"):
        MAIN.tip(Git.at(clone, 20, world.environ))


def test_a_poll_is_left_when_we_are_stopping(world: GitWorld) -> None:
    clone = world.clone(world.origin())
    with silent_server() as port:
        url = f"http://127.0.0.1:{port}/origin.git"
        world.git(clone, "remote", "set-url", "origin", url)
        git = replace(Git.at(clone, 60, world.environ), stopped=lambda: True)
        with pytest.raises(RepositoryUnreachable, match="git ls-remote was not done: we are stopping"):
            MAIN.tip(git)
    assert not leftovers(url)
