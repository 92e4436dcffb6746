"""Names from outside reach git as names: faults.md, section 4, rows 1, 2, 4 and 7."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import reconciler.adapters.git
from reconciler.adapters.git import GitRepository
from reconciler.adapters.git.complaints import clean
from reconciler.adapters.git.names import branch_name, path_in_repository, revision_name
from reconciler.domain.desired import Revision
from reconciler.errors import InvalidState, PermissionRefused, ReconcileError, Refused, RepositoryUnreachable
from reconciler.ports import Edit
from tests.bed.git_world import PINS, GitWorld, with_tag

HOSTILE = [
    "--upload-pack=touch PWNED;git-upload-pack",
    "--output=PWNED",
    "-x",
    "--",
    "",
    " ",
    "main;touch PWNED",
    "main --output=PWNED",
    "$(touch PWNED)",
    "`touch PWNED`",
    "main\n--output=PWNED",
    "main\0x",
    "ext::sh -c touch% PWNED",
    "main:PINS",
    ":/Say",
    "@{-1}",
    "main@{1}",
    "main@{upstream}",
    "main..main",
    "^main",
    "main^{/Say}",
    "main^{tree}",
    "../../etc/passwd",
    "refs/../../x",
    "a//b",
    "a/.b",
    "a.lock",
    "a*",
    "a?b",
    "a[b",
    "a\\b",
    "~1",
    "HEAD~99999",
    "\ud800",
    "x" * 5000,
]

NO_PATHS = [
    *("--output=PWNED", "-x", "/etc/passwd", "../x", "state/../../x", "a//b", "a/./b", ".", ""),
    *(":(top)x", ":/", "a\nb", "a\0b", "\ud800", "x/" * 3000),
]


@pytest.fixture
def world(tmp_path: Path) -> GitWorld:
    return GitWorld.new(tmp_path)


@pytest.fixture
def clone(world: GitWorld) -> Path:
    return world.clone(world.origin())


def test_what_is_not_a_revision_or_branch_starts_no_git(world: GitWorld, clone: Path) -> None:
    repository, calls = _counting(world, clone)
    edit = Edit(PINS, with_tag("cache", "2.0.0"))
    for text in HOSTILE:
        with pytest.raises(Refused):
            repository.resolve(text)
        with pytest.raises(Refused):
            repository.read(Revision(text), PINS)
        if text:
            with pytest.raises(Refused):
                repository.commit([edit], "Move", push=text)
            with pytest.raises(Refused):
                repository.commit([edit], "Move", push="new", base=text)
        with pytest.raises(Refused):
            repository.rehearse(text)
    assert calls() == 0


def test_what_is_not_a_path_in_the_repository_starts_no_git(world: GitWorld, clone: Path) -> None:
    repository, calls = _counting(world, clone)
    for path in NO_PATHS:
        with pytest.raises(Refused, match="not a path"):
            repository.read(Revision("1" * 40), path)
    for path in set(NO_PATHS) - {"", "."}:
        with pytest.raises(Refused, match="not a path"):
            repository.log(path)
        with pytest.raises(Refused, match="not a path"):
            repository.tracked(path)
        with pytest.raises(Refused, match="not a path"):
            repository.uncommitted([PINS, path])
    assert calls() == 0


def test_a_folder_of_git_itself_holds_nothing_tracked(world: GitWorld, clone: Path) -> None:
    repository = world.open(clone)
    with pytest.raises(InvalidState):
        repository.read(repository.head(), ".git/config")


def test_files_called_like_options_and_patterns_are_files(world: GitWorld, clone: Path) -> None:
    world.commit(
        clone, {"state/--output=PWNED": "one\n", "state/*": "two\n", "state/a b:c": "three\n"}, "Odd"
    )
    repository = world.open(clone)
    texts = repository.read_many(repository.head(), ["state/--output=PWNED", "state/*", "state/a b:c"])
    assert texts == ("one\n", "two\n", "three\n")
    repository.commit([Edit("state/--output=PWNED", str.upper), Edit("state/*", str.upper)], "Shout")
    assert (clone / "state/*").read_text() == "TWO\n"
    assert (clone / PINS).read_text().startswith("# yaml")
    assert repository.log("state/*", limit=1)[0].subject == "Shout"


@pytest.mark.parametrize(
    "url", ["ext::sh -c touch% PWNED", "fd::3", "--upload-pack=touch PWNED", "-oProxyCommand=x"]
)
def test_a_url_that_would_run_something(world: GitWorld, clone: Path, url: str) -> None:
    """Row 2: only https, ssh, http, git and file; also when the user's configuration says otherwise."""
    world.git(clone, "config", "remote.origin.url", url)
    world.git(clone, "config", "protocol.allow", "always")
    before = sorted(path for path in world.root.rglob("*") if ".git" not in path.parts)
    with pytest.raises((RepositoryUnreachable, PermissionRefused)):
        world.open(clone).commit([Edit(PINS, with_tag("cache", "2.0.0"))], "Move", push="main")
    assert sorted(path for path in world.root.rglob("*") if ".git" not in path.parts) == before


def test_a_remote_called_like_an_option(world: GitWorld, clone: Path) -> None:
    name = "--upload-pack=touch PWNED"
    world.git(clone, "config", "branch.main.remote", name)
    world.git(clone, "config", f"remote.{name}.url", f"file://{world.root}/origin.git")
    world.git(clone, "config", f"remote.{name}.fetch", "+refs/heads/*:refs/remotes/odd/*")
    with pytest.raises(Refused, match="not the name of a remote"):
        world.open(clone).commit([Edit(PINS, with_tag("cache", "2.0.0"))], "Move", push="main")
    assert not list(world.root.rglob("PWNED"))


def test_reading_runs_nothing_that_the_repository_names(world: GitWorld, clone: Path, tmp_path: Path) -> None:
    trap = tmp_path / "trap"
    trap.write_text(f"#!/bin/sh\ntouch {tmp_path}/sprung\n")
    trap.chmod(0o755)
    for key in (
        "core.fsmonitor",
        "core.pager",
        "core.editor",
        "diff.external",
        "gpg.program",
        "core.askPass",
    ):
        world.git(clone, "config", key, str(trap))
    world.git(clone, "config", "core.hooksPath", str(tmp_path / "hooks"))
    world.git(clone, "config", "log.showSignature", "true")
    (tmp_path / "hooks").mkdir()
    for name in ("post-index-change", "reference-transaction", "fsmonitor-watchman"):
        (tmp_path / "hooks" / name).symlink_to(trap)
    repository = world.open(clone)
    repository.read(repository.head(), PINS)
    repository.uncommitted(["."])
    repository.log(PINS)
    repository.resolve("main~1")
    assert not (tmp_path / "sprung").exists()


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=40) | st.text("-~^:@{}./\\ *?[main\n\0", max_size=20))
def test_any_text_is_refused_or_harmless(text: str) -> None:
    for check in (branch_name, path_in_repository, lambda name: revision_name(name).base):
        try:
            passed = check(text)
        except Refused:
            continue
        assert passed[0] not in "-:/"
        assert not set(passed) & set("\0\n\r")
        assert ".." not in passed.split("/")
        passed.encode()


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("fatal: https://user:p%40ss@host/x: no", "fatal: https://***@host/x: no"),
        ("'https://ghp_token@github.com/a/b.git/'", "'https://***@github.com/a/b.git/'"),
        ("https://a:b@c@host/x ssh://git@host/y", "https://***@host/x ssh://***@host/y"),
        ("https://host/x?private_token=abc&y=1", "https://host/x?private_token=***&y=1"),
        ("unable to look up user:pass@127.0.0.1:1 (x)", "unable to look up ***@127.0.0.1:1 (x)"),
        ("git@github.com: Permission denied", "git@github.com: Permission denied"),
        ("mail@example.org is fine", "mail@example.org is fine"),
        ("remote: \x1b[31mred\x1b[0m\x07\rnext", "remote: red\nnext"),
    ],
)
def test_credentials_and_control_characters_are_not_shown(said: str, shown: str) -> None:
    assert clean(said.encode()) == shown


def test_one_module_starts_processes_and_none_uses_a_shell() -> None:
    folder = Path(reconciler.adapters.git.__file__).parent
    users = set()
    for file in folder.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import) and any(name.name == "subprocess" for name in node.names):
                users.add(file.name)
            if isinstance(node, ast.keyword):
                assert node.arg != "shell", file
    assert users == {"process.py"}


def test_every_error_is_one_of_ours(world: GitWorld, clone: Path) -> None:
    repository = world.open(clone)
    (clone / ".git/HEAD").unlink()
    for call in (
        repository.head,
        repository.upstream,
        lambda: repository.tracked("x"),
        lambda: repository.log("x"),
    ):
        with pytest.raises(ReconcileError):
            call()


def _counting(world: GitWorld, clone: Path) -> tuple[GitRepository, Callable[[], int]]:
    """A repository, and how many children it has started since."""
    count = world.root / "count"
    repository = world.open(clone, environ=world.with_git(f'echo x >> "{count}"; exec $GIT "$@"'))
    count.write_text("")
    return repository, lambda: len(count.read_text())
