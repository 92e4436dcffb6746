"""Who a commit is by, and who signs it: `commit(author=…)` and `commit.gpgSign` with SSH keys."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.adapters.git.authorship import authorship
from reconciler.errors import Refused, RepositoryFailed
from tests.bed.git_remote import undo
from tests.bed.git_world import GitWorld
from tests.bed.tools import run

ROBOT = "Reconcile Robot <robot@example.org>"


@pytest.fixture
def world(tmp_path: Path) -> GitWorld:
    return GitWorld.new(tmp_path)


@pytest.fixture
def clone(world: GitWorld) -> Path:
    return world.clone(world.origin())


@pytest.fixture
def key(world: GitWorld, clone: Path) -> Path:
    """A key of the robot with which commits are signed, and which is believed."""
    key = world.root / "key"
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "robot", "-f", key)
    believed = world.root / "allowed"
    believed.write_text(f"robot@example.org {key.with_suffix('.pub').read_text()}")
    for name, value in {
        "gpg.format": "ssh",
        "user.signingKey": str(key),
        "gpg.ssh.allowedSignersFile": str(believed),
        "commit.gpgSign": "true",
    }.items():
        world.git(clone, "config", name, value)
    return key


@pytest.mark.parametrize("push", ["", "main", "new"])
def test_author_and_committer_are_the_one_who_is_named(world: GitWorld, clone: Path, push: str) -> None:
    """Whatever Git's settings and the environment say; the date stays theirs."""
    variables = {
        "GIT_AUTHOR_NAME": "Eve",
        "GIT_COMMITTER_EMAIL": "eve@example.org",
        "GIT_AUTHOR_DATE": "2026-01-02T03:04:05+00:00",
    }
    repository = world.open(clone, environ={**world.environ, **variables})
    base = "main" if push == "new" else ""
    revision = repository.commit(undo("cache"), "Roll back", push=push, base=base, author=ROBOT)
    shown = world.git(clone, "log", "-1", "--format=%an <%ae>%n%cn <%ce>%n%aI", revision.commit)
    assert shown.splitlines() == [ROBOT, ROBOT, "2026-01-02T03:04:05+00:00"]
    assert revision.author == "Reconcile Robot"


def test_nobody_else_needs_to_be_known(world: GitWorld, clone: Path) -> None:
    (world.home / ".gitconfig").write_text("")
    with pytest.raises(RepositoryFailed, match="who commits"):
        world.open(clone).commit(undo("cache"), "Roll back")
    world.open(clone).commit(undo("cache"), "Roll back", author=ROBOT)
    assert world.git(clone, "fsck", "--strict") == ""


@pytest.mark.parametrize(
    ("text", "name", "address"),
    [
        (ROBOT, "Reconcile Robot", "robot@example.org"),
        ("Ünïcode 名前<x@y>", "Ünïcode 名前", "x@y"),
        (
            "reconcile[bot]  <1+reconcile[bot]@users.example.org>",
            *("reconcile[bot]", "1+reconcile[bot]@users.example.org"),
        ),
        ("root <root@localhost>", "root", "root@localhost"),
    ],
)
def test_what_can_be_an_author(text: str, name: str, address: str) -> None:
    found = authorship(text)
    assert {found["GIT_AUTHOR_NAME"], found["GIT_COMMITTER_NAME"]} == {name}
    assert {found["GIT_AUTHOR_EMAIL"], found["GIT_COMMITTER_EMAIL"]} == {address}


@pytest.mark.parametrize(
    "text",
    [
        *("Ada", "ada@example.org", "<ada@example.org>", "Ada <>", "Ada < >", "... <ada@example.org>"),
        *("Ada <ada@example.org", "Ada ada@example.org>", "Ada <<ada@example.org>>", "Ada <a b@c>"),
        *(
            "Ada <a@b>\n",
            "Ada\nparent 0 <a@b>",
            "Ada\0 <a@b>",
            "Ada <a\0@b>",
            "Ada <a@b> 0 +0000",
            "Ada\r <a@b>",
        ),
        *(
            "Ada\u2028 <a@b>",
            "\u202eadA <a@b>",
            "Ada\x1b[31m <a@b>",
            "\ud800 <a@b>",
            " ",
            "x" * 300 + " <a@b>",
        ),
    ],
)
def test_what_cannot(world: GitWorld, clone: Path, text: str) -> None:
    """Nothing is started, nothing is written."""
    broken = world.open(clone, environ=world.with_git('exec $GIT "$@"'))
    (world.root / "wrapped/git").write_text("#!/bin/sh\nexit 99\n")
    for push in ("", "main"):
        with pytest.raises(Refused, match="cannot be the author"):
            broken.commit(undo("cache"), "Roll back", push=push, author=text)


@pytest.mark.parametrize("push", ["", "main", "new"])
def test_a_commit_is_signed_with_the_ssh_key(world: GitWorld, clone: Path, key: Path, push: str) -> None:
    base = "main" if push == "new" else ""
    revision = world.open(clone).commit(undo("cache"), "Roll back", push=push, base=base, author=ROBOT)
    world.git(clone, "verify-commit", revision.commit)
    said = world.git(clone, "log", "-1", "--format=%G? %GS", revision.commit)
    assert said == "G robot@example.org"


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("program", "exit code"),
        ("no program", "No such file or directory"),
        ("no key", "No private key found"),
        ("locked key", "incorrect passphrase"),
    ],
)
@pytest.mark.parametrize("push", ["", "main"])
def test_what_cannot_be_signed_is_not_committed(
    world: GitWorld, clone: Path, key: Path, push: str, fault: str, words: str
) -> None:
    match fault:
        case "program":
            world.git(clone, "config", "gpg.ssh.program", "false")
        case "no program":
            world.git(clone, "config", "gpg.ssh.program", str(world.root / "none"))
        case "no key":
            key.unlink()
        case _:
            run("ssh-keygen", "-q", "-p", "-N", "s3cret", "-P", "", "-f", key)
    tips = world.git(clone, "rev-parse", "HEAD", "origin/main")
    with pytest.raises(RepositoryFailed, match=r"could not be signed \(commit.gpgSign is on\)") as caught:
        world.open(clone).commit(undo("cache"), "Roll back", push=push, author=ROBOT)
    assert words in caught.value.problem
    assert not caught.value.problem.endswith("error:")
    assert world.git(clone, "rev-parse", "HEAD", "origin/main") == tips
    assert world.git(world.root / "origin.git", "log", "-1", "--format=%s", "main") == "Say hello"
    assert "commit" not in world.git(clone, "fsck", "--unreachable", "--no-reflogs")
    assert world.git(clone, "status", "--porcelain") == ""
