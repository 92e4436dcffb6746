"""The files beside the commits: which ones differ from HEAD, and how they follow a new commit."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from reconciler.adapters.git.names import path_in_repository
from reconciler.adapters.git.process import Git
from reconciler.errors import Finding, InvalidState

LARGEST_FILE = 2**20

# Fields before the path, by kind of entry. https://git-scm.com/docs/git-status#_porcelain_format_version_2
_FIELDS_BEFORE_PATH = {"1": 8, "u": 10, "?": 1}


def uncommitted(git: Git, paths: Sequence[str]) -> tuple[str, ...]:
    """The files under ``paths`` that differ from HEAD in index or work tree, or are untracked, sorted."""
    if not paths:
        return ()
    answer = git.ask(
        "status",
        *("--porcelain=v2", "-z", "--untracked-files=all", "--no-renames", "--ignore-submodules=dirty", "--"),
        *(folder_or_file(path) for path in paths),
    )
    # status.showStash adds a line "# stash 1", which is none of these.
    entries = (
        entry for entry in answer.decode("utf-8", "replace").split("\0") if entry[:1] in ("1", "u", "?")
    )
    return tuple(sorted({entry.split(" ", _FIELDS_BEFORE_PATH[entry[0]])[-1] for entry in entries}))


def read(top: Path, path: str) -> str:
    """The text of a file as it lies there, committed or not.

    Raises:
        InvalidState: it is not there, not a regular file of this work tree, larger than 1 MiB, or not UTF-8.
        Refused: the path leaves the repository.
    """
    file = top / path_in_repository(path)
    if file.is_symlink() or not file.is_file() or not file.resolve().is_relative_to(top):
        raise _unreadable(path, "it is not a regular file in the work tree")
    content = file.read_bytes()
    if len(content) > LARGEST_FILE:
        raise _unreadable(path, "it is larger than 1 MiB")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _unreadable(path, f"it is not UTF-8 at byte {error.start}") from error


def _unreadable(path: str, why: str) -> InvalidState:
    return InvalidState(f"{path} cannot be read", findings=(Finding(path, 0, 0, why),))


def tracked(git: Git, path: str) -> bool:
    """Whether HEAD tracks ``path``, or something below it."""
    return bool(git.ask("ls-tree", "-z", "--full-tree", "HEAD", "--", folder_or_file(path)))


def follow(git: Git, commit: str, paths: Sequence[str]) -> str:
    """Bring index and work tree to ``commit`` for exactly ``paths``; returns why that failed, or nothing."""
    if not paths:
        return ""
    answer = git.run(
        "restore", f"--source={commit}", "--staged", "--worktree", "--no-recurse-submodules", "--", *paths
    )
    return answer.complaint if answer.code else ""


def fast_forward(git: Git, commit: str) -> str:
    """Move HEAD's branch and its files ahead to ``commit``; returns why that failed, or nothing.

    Git itself refuses where the branch has commits of its own, or uncommitted changes are in the way.
    """
    answer = git.run(
        "merge", "--ff-only", "--quiet", "--no-stat", "--no-verify-signatures", "--no-autostash", commit
    )
    return answer.complaint if answer.code else ""


def folder_or_file(path: str) -> str:
    """``path`` validated; empty and ``.`` are the top of the repository.

    Raises:
        Refused: it leaves the repository.
    """
    stripped = path.rstrip("/")
    return "." if stripped in ("", ".") and not path.startswith("/") else path_in_repository(stripped)
