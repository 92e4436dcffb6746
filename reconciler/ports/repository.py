"""The Git repository that holds the state folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from reconciler.domain.desired import Revision
from reconciler.ports.triggers import Places


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit that touched a pins file: the raw material of history.

    ``at`` is the committer date in UTC. ``trailers`` are the ``Key: value`` lines that end the message.
    """

    id: str
    subject: str
    author: str
    at: datetime
    trailers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Edit:
    """A new content for one tracked file, for ``Repository.commit``.

    ``derive`` maps the file's present text to its new text. It is called again on whatever arrived
    when somebody else pushed first, and may raise ``Stale`` when the edit no longer makes sense.
    """

    path: str
    derive: Callable[[str], str]


class Repository(Protocol):
    """The Git repository that holds the state folder. Paths are relative to its top level, with ``/``."""

    @property
    def top(self) -> Path:
        """The top-level folder of the work tree, absolute."""

    def head(self) -> Revision:
        """The commit that HEAD names.

        Raises:
            RepositoryUnreachable: no repository, bare, without commits, or not readable by us.
            Refused: a merge, rebase, cherry-pick or revert is under way.
        """

    def resolve(self, name: str) -> Revision:
        """The commit that ``name`` (a branch, a tag, an abbreviated id) stands for.

        Raises:
            Refused: nothing in the repository is called that, or it is not a name.
        """

    def read(self, revision: Revision, path: str) -> str:
        """The text of a tracked regular file at a revision; symlinks and submodules are refused.

        Of a revision that is ``dirty`` the file in the work tree is read instead.

        Raises:
            InvalidState: no such file there, not a regular file, larger than 1 MiB, or not UTF-8.
        """

    def uncommitted(self, paths: Sequence[str]) -> tuple[str, ...]:
        """The files under ``paths`` whose content differs from HEAD, untracked ones included, sorted."""

    def tracked(self, path: str) -> bool:
        """Whether ``path`` (a file or folder) holds anything that HEAD tracks."""

    def ids(self, revision: Revision, paths: Sequence[str]) -> Mapping[str, str]:
        """The object ids of files and folders at a commit, by path: equal ids are equal contents.

        Paths that are not there are left out.
        """

    def log(self, path: str, *, limit: int = 0) -> tuple[Commit, ...]:
        """The commits that changed ``path``, newest first; ``limit`` 0 means all.

        An empty path stands for every commit, those that changed nothing included.
        """

    def commit(
        self, edits: Sequence[Edit], message: str, *, push: str = "", base: str = "", author: str = ""
    ) -> Revision:
        """Write one commit on top of HEAD's branch, by plumbing, as compare-and-swap.

        The work tree and index follow where they were clean for these files. With ``push`` (a
        branch name) the commit is based on that remote branch's tip and pushed without force; when
        somebody else was faster it is derived again on what arrived, a few times, with jitter.

        Args:
            edits: what changes; none for a commit that only says something.
            message: the commit message, with its trailers.
            push: the remote branch to push to, or empty.
            base: a remote branch to start from where ``push`` is a new branch; empty for ``push`` itself.
            author: ``Name <address>`` of author and committer; empty for Git's own settings.

        Raises:
            Stale: the edit no longer applies, or others were faster every time.
            RepositoryUnreachable, PermissionRefused, RepositoryFailed: the push could not be done;
            nothing has changed locally.
        """

    def person(self) -> str:
        """The name of who commits here, as Git knows it; empty where it does not."""

    def upstream(self) -> str:
        """The branch that HEAD's branch is pushed to, or empty where it has no remote."""

    def rehearse(self, branch: str) -> None:
        """Find out whether a push to the remote branch would be let in, as far as a dry run can tell.

        Raises:
            RepositoryUnreachable, PermissionRefused, RepositoryFailed, Refused: why it would not.
        """

    def stamp(self) -> tuple[object, ...]:
        """A cheap value (file times, no child process) that changes whenever HEAD may have moved."""

    def places(self) -> Places:
        """The files that change when HEAD may have moved, for who watches files."""
