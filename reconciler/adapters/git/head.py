"""Where HEAD is, and whether somebody is in the middle of something."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from reconciler.adapters.git.names import is_object_id
from reconciler.adapters.git.process import Git
from reconciler.domain.desired import Revision
from reconciler.errors import Refused, RepositoryUnreachable
from reconciler.ports import Places

_BRANCH = re.compile(r"refs/heads/[^\x00-\x20\x7f~^:?*\[\\]+")
# With the reftable format, the file HEAD says this and the truth is in the tables.
# https://git-scm.com/docs/reftable#_layout
_REFTABLE_STUB = "refs/heads/.invalid"

_UNDER_WAY = (
    ("MERGE_HEAD", "merge"),
    ("CHERRY_PICK_HEAD", "cherry-pick"),
    ("REVERT_HEAD", "revert"),
    ("rebase-merge", "rebase"),
    ("rebase-apply", "rebase"),
    ("sequencer", "cherry-pick or revert"),
    ("BISECT_LOG", "bisect"),
)


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a work tree keeps its Git files: HEAD and index in ``private``, the refs in ``shared``."""

    top: Path
    private: Path
    shared: Path


@dataclass(frozen=True, slots=True)
class Head:
    """What HEAD names. ``upstream`` is ``(remote, ref)`` as configured, empty strings where it is not."""

    revision: Revision
    upstream: tuple[str, str] = ("", "")


def look(git: Git, layout: Layout) -> Head:
    """Read HEAD with one child: the branch from its file, the rest from that branch by its full name.

    The name ``HEAD`` itself would be looked up a second time, and could have moved in between.

    Raises:
        RepositoryUnreachable: there is no commit there, or HEAD cannot be read.
    """
    target = _target(git, layout)
    if is_object_id(target):
        return Head(describe(git, target))
    # An exact ref; `git log refs/heads/x-gabcd` would also take commit abcd for a branch that is gone.
    fields = "%00".join(
        ("%(refname)", "%(objectname)", "%(contents:subject)", "%(authorname)", "%(upstream:remotename)")
    )
    answer = git.ask("for-each-ref", f"--format={fields}%00%(upstream:remoteref)", "--", target)
    words = answer.decode("utf-8", "replace").rstrip("\n").split("\0")
    if words[0] != target:
        branch = target.removeprefix("refs/heads/")
        hint = "Commit something, or check out a branch that exists"
        raise RepositoryUnreachable(f"{layout.top} has no commit on its branch {branch}", hint=hint)
    _, commit, subject, author, remote, ref = words
    return Head(Revision(commit, target.removeprefix("refs/heads/"), subject, author), (remote, ref))


def describe(git: Git, commit: str, branch: str = "") -> Revision:
    """The revision that a full id, with steps such as ``~1`` behind it, stands for.

    Raises:
        Refused: there is no such commit.
    """
    answer = git.run(
        "log",
        "--max-count=1",
        "--encoding=UTF-8",
        "--format=%H%x00%s%x00%an",
        "--end-of-options",
        commit,
        "--",
    )
    if answer.code != 0:
        hint = "In a shallow clone, git fetch --unshallow brings the older commits"
        raise Refused(f"There is no commit {commit[:7]}{commit.lstrip('0123456789abcdef')}", hint=hint)
    identity, subject, author = answer.text.rstrip("\n").split("\0")
    return Revision(identity, branch, subject, author)


def require_quiet(layout: Layout) -> None:
    """See that no merge or the like is under way.

    Raises:
        Refused: one is.
    """
    for name, what in _UNDER_WAY:
        if (layout.private / name).exists():
            hint = "Finish it or abort it, then run again; git status says how"
            raise Refused(f"A {what} is under way in {layout.top}", hint=hint)


def stamp(layout: Layout) -> tuple[object, ...]:
    """Signatures of the files that change when HEAD, its branch or the index does."""
    text = _head_text(layout)
    ref = text.removeprefix("ref: ")
    files = [layout.private / name for name in ("HEAD", "index", *(name for name, _ in _UNDER_WAY))]
    files += [layout.shared / "packed-refs", layout.shared / "reftable" / "tables.list"]
    if _BRANCH.fullmatch(ref):
        files.append(layout.shared / ref)
    return (text, *(_signature(file) for file in files))


def places(layout: Layout) -> Places:
    """The files that change when HEAD or a local branch moves.

    Not the index, which ``git status`` writes, and no folder of remote branches: nobody reads those.
    """
    files = [layout.private / name for name in ("HEAD", *(name for name, _ in _UNDER_WAY))]
    files += [layout.shared / "packed-refs", layout.shared / "reftable" / "tables.list"]
    return Places(frozenset(files), frozenset({layout.shared / "refs" / "heads"}))


def _target(git: Git, layout: Layout) -> str:
    """The full name of HEAD's branch, or the id of its commit."""
    target = _head_text(layout).removeprefix("ref: ")
    if target == _REFTABLE_STUB:
        answer = git.run("symbolic-ref", "--quiet", "HEAD")
        target = answer.text.strip() or git.ask("rev-parse", "--verify", "HEAD").decode().strip()
    if not is_object_id(target) and _BRANCH.fullmatch(target) is None:
        hint = "Check out a branch, or see git fsck"
        raise RepositoryUnreachable(f"HEAD of {layout.top} names neither a branch nor a commit", hint=hint)
    return target


def _head_text(layout: Layout) -> str:
    try:
        return (layout.private / "HEAD").read_text("utf-8", "replace").strip()
    except OSError as error:
        raise RepositoryUnreachable(f"{layout.private / 'HEAD'} cannot be read: {error.strerror}") from error


def _signature(file: Path) -> tuple[int, int, int] | None:
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
