"""Files of a commit, read by object id: never through a work tree, a symbolic link or a filter.

One ``git cat-file --batch`` serves all files of a request: first the folder, whose entry says what kind of
thing the path is, then the object, whose header says its size before any content has to be taken.
https://git-scm.com/docs/git-cat-file#_batch_output
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reconciler.adapters.git.complaints import failure
from reconciler.adapters.git.head import describe
from reconciler.adapters.git.names import is_object_id, object_id, path_in_repository
from reconciler.adapters.git.process import Git, Talk
from reconciler.errors import Finding, InvalidState

SIZE_LIMIT = 1024 * 1024
# A folder is larger than this only with tens of thousands of files in it.
_FOLDER_LIMIT = 4 * SIZE_LIMIT

_KINDS = {"40000": "a folder", "120000": "a symbolic link", "160000": "a submodule"}


@dataclass(frozen=True, slots=True)
class TrackedFile:
    """A regular file of a commit; ``mode`` is git's, in octal digits."""

    path: str
    mode: str
    text: str


class _Unusable(Exception):
    """Why one path cannot be read."""


class _TooLarge(_Unusable):
    """The same, and the rest of the talk is that object's content."""


def read_files(git: Git, commit: str, paths: Sequence[str]) -> tuple[TrackedFile, ...]:
    """The files at ``paths``, in that order, as they are in ``commit`` (a full id).

    Raises:
        InvalidState: with a finding for every path that is not there, not a regular file, larger than
            1 MiB, or not UTF-8.
        Refused: a path leaves the repository, or the commit is not there.
        RepositoryFailed, RepositoryUnreachable: the objects cannot be read.
    """
    object_id(commit)
    pending = [path_in_repository(path) for path in paths]
    files: list[TrackedFile] = []
    findings: list[Finding] = []
    while pending:
        with git.talk("cat-file", "--batch") as talk:
            pending = _read_until_too_large(talk, commit, pending, files, findings)
    if findings:
        describe(git, commit)  # a commit that is not here at all is another matter
        raise InvalidState(f"Files cannot be read at {commit[:7]}", findings=tuple(findings))
    return tuple(files)


def object_ids(git: Git, commit: str, paths: Sequence[str]) -> Mapping[str, str]:
    """The ids of what is at ``paths`` in ``commit`` (a full id), by path; what is not there is left out.

    Raises:
        Refused: a path leaves the repository, or the commit is not there.
        RepositoryFailed, RepositoryUnreachable: the objects cannot be read.
    """
    object_id(commit)
    wanted = [path_in_repository(path) for path in paths]
    if not wanted:
        return {}
    asked = "".join(f"{commit}:{path}\n" for path in wanted)
    answer = git.ask("cat-file", "--batch-check=%(objectname)", feed=asked.encode())
    ids = answer.decode("utf-8", "replace").split("\n")[:-1]
    found = {path: name for path, name in zip(wanted, ids, strict=True) if is_object_id(name)}
    if not found:
        describe(git, commit)  # a commit that is not here at all is another matter
    return found


def _read_until_too_large(
    talk: Talk, commit: str, pending: list[str], files: list[TrackedFile], findings: list[Finding]
) -> list[str]:
    """Read into ``files`` and ``findings``; returns the paths that need another talk."""
    for count, path in enumerate(pending, start=1):
        try:
            files.append(_read(talk, commit, path))
        except _Unusable as reason:
            findings.append(Finding(path, 0, 0, str(reason)))
            if isinstance(reason, _TooLarge):
                return pending[count:]
    return []


def _read(talk: Talk, commit: str, path: str) -> TrackedFile:
    folder, _, name = path.rpartition("/")
    tree = _content(talk, f"{commit}:{folder}", "tree", _FOLDER_LIMIT)
    entry = _entry(tree, name.encode(), len(commit) // 2) if tree is not None else None
    if entry is None:
        raise _Unusable(f"no such file at {commit[:7]}")
    mode, identity = entry
    if mode in _KINDS:
        raise _Unusable(f"is {_KINDS[mode]}, not a regular file")
    content = _content(talk, identity, "blob", SIZE_LIMIT)
    if content is None:
        raise failure("cat-file", f"missing blob {identity}, the content of {path}")
    try:
        return TrackedFile(path, mode, content.decode())
    except UnicodeDecodeError as error:
        raise _Unusable(f"is not UTF-8 (byte {error.start + 1})") from error


def _content(talk: Talk, name: str, kind: str, limit: int) -> bytes | None:
    """One object's content; None when there is no such object, or it is not of ``kind``."""
    talk.say(name)
    words = talk.line().split(" ")
    if len(words) != 3 or not words[2].isdigit():  # "NAME missing", "NAME ambiguous"
        return None
    size = int(words[2])
    if size > limit:
        what = "its folder " if kind == "tree" else ""
        raise _TooLarge(f"{what}is larger than {limit >> 20} MiB ({size} bytes)")
    content = talk.exactly(size + 1)[:-1]
    return content if words[1] == kind else None


def _entry(tree: bytes, name: bytes, width: int) -> tuple[str, str] | None:
    """Mode and object id of ``name`` in a raw tree; ids are ``width`` bytes."""
    at = 0
    while at < len(tree):
        end = tree.index(b"\0", at)
        mode, _, found = tree[at:end].partition(b" ")
        at = end + 1 + width
        if found == name:
            return mode.decode(), tree[end + 1 : at].hex()
    return None
