"""Whether a push would be let in, asked with a dry run: `rehearse`."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.errors import PermissionRefused, ReconcileError, Refused, RepositoryUnreachable
from tests.bed.git_remote import REVIEW, Remote, local_state, undo
from tests.bed.git_server import Part
from tests.bed.git_world import GitWorld, leftovers, silent_server
from tests.bed.tools import wait_until


@pytest.fixture(params=["file", "http"])
def remote(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Remote]:
    with Remote.new(GitWorld.new(tmp_path), request.param) as remote:
        yield remote


@pytest.fixture
def over_http(tmp_path: Path) -> Iterator[Remote]:
    with Remote.new(GitWorld.new(tmp_path), "http") as remote:
        yield remote


@pytest.mark.parametrize("branch", ["main", REVIEW])
@pytest.mark.parametrize("state", ["same", "ahead", "behind", "depth 1", "detached"])
def test_a_push_that_would_be_let_in(remote: Remote, branch: str, state: str) -> None:
    """Nothing moves, here or there."""
    clone = remote.clone("clone", *(["--depth", "1"] if state == "depth 1" else []))
    match state:
        case "ahead":
            remote.world.commit(clone, {"README.md": "mine\n"}, "Mine")
        case "behind" | "depth 1":
            remote.world.push_from_elsewhere(remote.bare, {"README.md": "theirs\n"}, "Theirs")
        case "detached":
            remote.world.git(clone, "checkout", "--quiet", "--detach", "HEAD")
        case _:
            pass
    refs = remote.world.git(remote.bare, "for-each-ref")
    before, tracked = local_state(remote.world, clone), remote.world.git(clone, "for-each-ref")
    remote.world.open(clone).rehearse(branch)
    assert local_state(remote.world, clone) == before
    assert (remote.world.git(clone, "for-each-ref"), remote.world.git(remote.bare, "for-each-ref")) == (
        tracked,
        refs,
    )
    assert Part.PUSH not in remote.server.seen


def test_it_asks_for_the_right_to_write_with_one_request(over_http: Remote) -> None:
    """What a reader may know is not asked for: a token that may only read must not pass."""
    over_http.world.open(over_http.clone()).rehearse(REVIEW)
    assert set(over_http.server.seen) == {Part.OFFER_PUSH}


def test_who_may_only_read(over_http: Remote) -> None:
    over_http.world.git(over_http.bare, "config", "http.receivepack", "false")
    with pytest.raises(PermissionRefused, match="main was to be written"):
        over_http.world.open(over_http.clone()).rehearse("main")


def test_a_wrong_password(over_http: Remote) -> None:
    clone = over_http.clone()
    url = over_http.server.url("origin.git", "robot:wr0ng")
    over_http.world.git(clone, "remote", "set-url", "origin", url)
    with pytest.raises(PermissionRefused) as caught:
        over_http.world.open(clone).rehearse("main")
    assert "wr0ng" not in f"{caught.value!r} {caught.value}"


def test_there_is_no_remote(remote: Remote) -> None:
    clone = remote.clone()
    remote.world.git(clone, "remote", "remove", "origin")
    with pytest.raises(Refused, match="no remote called origin"):
        remote.world.open(clone).rehearse("main")


def test_a_repository_that_is_gone(remote: Remote) -> None:
    clone = remote.clone()
    shutil.rmtree(remote.bare)
    with pytest.raises(RepositoryUnreachable, match="origin/main could not be written"):
        remote.world.open(clone).rehearse("main")


def test_a_port_that_nobody_listens_on(over_http: Remote) -> None:
    clone = over_http.clone()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://robot:s3cret@127.0.0.1:{listener.getsockname()[1]}/origin.git"
    over_http.world.git(clone, "remote", "set-url", "origin", url)
    with pytest.raises(RepositoryUnreachable) as caught:
        over_http.world.open(clone).rehearse("main")
    assert "s3cret" not in f"{caught.value!r} {caught.value}"


def test_a_remote_that_hangs_is_left_at_the_shorter_deadline(over_http: Remote) -> None:
    clone = over_http.clone()
    with silent_server() as port:
        over_http.world.git(clone, "remote", "set-url", "origin", f"http://127.0.0.1:{port}/hangs-{port}.git")
        with pytest.raises(RepositoryUnreachable, match="git push was not done after 1 seconds"):
            over_http.world.open(clone).rehearse("main", deadline_seconds=1)
        with pytest.raises(RepositoryUnreachable, match="git push was not done after 2 seconds"):
            over_http.world.open(clone, deadline_seconds=2).rehearse("main")
        wait_until(lambda: not leftovers(f"hangs-{port}"), seconds=10, what="no process is left")


def test_branch_protection_is_not_seen(remote: Remote) -> None:
    """What the docstring says it cannot tell: only the push itself meets the server's hooks."""
    remote.world.protect(remote.bare)
    repository = remote.world.open(remote.clone())
    repository.rehearse("main")
    with pytest.raises(ReconcileError, match="protected branch"):
        repository.commit(undo("cache"), "Roll back", push="main")


def test_no_hook_of_the_repository_runs(remote: Remote) -> None:
    clone = remote.clone()
    remote.world.hook(clone, "pre-push", f"touch {remote.world.root}/ran; exit 1")
    remote.world.open(clone).rehearse("main")
    assert not (remote.world.root / "ran").exists()
