"""From a folder to the repository around it, or to a sentence that says why there is none to use."""

from __future__ import annotations

from pathlib import Path

from reconciler.adapters.git.head import Layout
from reconciler.adapters.git.process import Answer, Git
from reconciler.errors import RepositoryUnreachable


def locate(git: Git) -> Layout:
    """Find the work tree that ``git.folder`` is in, with one child.

    Raises:
        RepositoryUnreachable: there is none that could be used.
    """
    answer = git.run(
        "rev-parse",
        "--is-bare-repository",
        "--absolute-git-dir",
        "--git-common-dir",
        "--show-toplevel",
        "HEAD",
    )
    if answer.code != 0:
        raise _explain(git.folder, answer)
    _, private, shared, top, _ = answer.text.splitlines()
    # --path-format=absolute is younger than the git of Debian 11: here, relative means to the folder.
    return Layout(Path(top), Path(private), (git.folder / shared).resolve())


def _explain(folder: Path, answer: Answer) -> RepositoryUnreachable:
    lines = answer.text.splitlines()
    if "dubious ownership" in answer.err:
        top = answer.err.partition("repository at '")[2].partition("'")[0] or str(folder)
        hint = f"If you trust it: git config --global --add safe.directory {top}"
        return RepositoryUnreachable(f"The Git repository at {top} belongs to another user", hint=hint)
    if "not a git repository" in answer.err:
        hint = "Run inside a clone, or name its state folder with -C"
        return RepositoryUnreachable(f"{folder} is not in a Git repository", hint=hint)
    if lines[:1] == ["true"] or "must be run in a work tree" in answer.err:
        hint = "Use a clone that has its files checked out"
        return RepositoryUnreachable(
            f"{folder} is in a bare repository or a .git folder, without a work tree", hint=hint
        )
    if len(lines) >= 4:
        hint = "Commit something first; git fsck tells if the repository is damaged"
        return RepositoryUnreachable(f"The Git repository at {lines[3]} has no commit to read", hint=hint)
    return RepositoryUnreachable(f"The Git repository around {folder} cannot be used: {answer.complaint}")
