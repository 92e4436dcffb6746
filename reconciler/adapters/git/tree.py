"""One work tree of a managed repository: files at one commit, with a detached HEAD of its own.

Its Git files are written here, as https://git-scm.com/docs/gitrepository-layout describes them, and not by
``git worktree add``: that refuses a folder that is there, and into one whose clone was replaced, or whose Git
files were lost, the work tree has to come back with everything that applications have put beside it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from reconciler.adapters.git.complaints import failure
from reconciler.adapters.git.durable import line, write_line
from reconciler.adapters.git.names import is_object_id
from reconciler.adapters.git.process import Answer, Git
from reconciler.errors import PermissionRefused, RepositoryFailed

_INDEX = re.compile(r"index (?:file|uses|entry)|bad (?:signature|index)|index\.lock")


@dataclass(frozen=True, slots=True)
class Tree:
    """The work tree in ``folder``; its HEAD and index are in the clone ``mirror``, under ``name``.

    Only one may change it at a time, see ``turn``.
    """

    folder: Path
    mirror: Path
    name: str
    git: Git

    @property
    def commit(self) -> str:
        """Where HEAD is, so that all files were at this commit; empty where that is not known.

        An index is there only after the first files were written.
        """
        head = line(self._private / "HEAD")
        attached = line(self.folder / ".git") == f"gitdir: {self._private}"
        return head if attached and is_object_id(head) and (self._private / "index").exists() else ""

    def follow(self, commit: str) -> None:
        """Bring the files that Git tracks to ``commit``, whatever was done to them; others stay.

        HEAD moves last, so a kill leaves a tree that does not say it was done.

        Raises:
            RepositoryFailed: the commit, or something of it, cannot be read; or the files cannot be written.
            PermissionRefused: the folder belongs to somebody else.
        """
        if not self.commit:
            self._attach(commit)
        for name in ("index.lock", "HEAD.lock"):  # of a git that was killed: there is no other one
            (self._private / name).unlink(missing_ok=True)
        answer = self._reset(commit)
        if answer.code != 0 and _INDEX.search(answer.err):
            (self._private / "index").unlink(missing_ok=True)
            answer = self._reset(commit)
        if answer.code != 0:
            raise self._explain(commit, answer)

    def differing(self) -> Sequence[str]:
        """The tracked files that are not what HEAD says. Told by times and sizes first, so it is cheap."""
        answer = self.git.within(self.folder).run("diff-index", "--name-only", "-z", "HEAD", "--")
        return [".git"] if answer.code != 0 else [path for path in answer.text.split("\0") if path]

    def _reset(self, commit: str) -> Answer:
        return self.git.within(self.folder).run(
            "reset", "--hard", "--quiet", "--no-recurse-submodules", commit
        )

    def _attach(self, commit: str) -> None:
        try:
            self._private.mkdir(parents=True, exist_ok=True)
            self.folder.mkdir(parents=True, exist_ok=True)
            (self._private / "index").unlink(missing_ok=True)
            write_line(self._private / "commondir", "../..")
            write_line(self._private / "gitdir", str(self.folder / ".git"))
            write_line(self._private / "HEAD", commit)
            write_line(self.folder / ".git", f"gitdir: {self._private}")
        except OSError as error:
            raise RepositoryFailed(f"{self.folder} cannot be made: {error.strerror}") from error

    def _explain(self, commit: str, answer: Answer) -> RepositoryFailed | PermissionRefused:
        if "dubious ownership" in answer.err:
            hint = "Run reconcile as that user, or give the folder back with chown -R"
            return PermissionRefused(f"{self.folder} belongs to another user", hint=hint)
        return failure(f"reset to {commit[:7]} in {self.folder}", answer.complaint)

    @property
    def _private(self) -> Path:
        return self.mirror / "worktrees" / self.name
