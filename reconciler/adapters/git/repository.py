"""The repository that holds the state folder: the port ``Repository`` over the git executable."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.adapters.git import head, worktree
from reconciler.adapters.git.complaints import outrun
from reconciler.adapters.git.discovery import locate
from reconciler.adapters.git.head import Head, Layout
from reconciler.adapters.git.names import branch_name
from reconciler.adapters.git.objects import read_files
from reconciler.adapters.git.patience import Patience
from reconciler.adapters.git.process import Git
from reconciler.domain.desired import Revision
from reconciler.errors import Refused, RepositoryFailed
from reconciler.ports import Commit, Edit, Places

if TYPE_CHECKING:
    from reconciler.adapters.git.proposal import Draft
    from reconciler.adapters.git.remote import RemoteBranch


def _warn(text: str) -> None:
    import logging

    logging.getLogger(__name__).warning("%s", text)


@dataclass(frozen=True, slots=True)
class GitRepository:
    """A Git work tree, obeying ``reconciler.ports.Repository``. Make one with ``discover``.

    ``note`` hears what a person should know although nothing failed, one sentence at a time.
    """

    git: Git
    layout: Layout
    patience: Patience = field(default_factory=Patience)
    note: Callable[[str], None] = _warn
    _heads: dict[tuple[object, ...], Revision] = field(default_factory=dict)

    @classmethod
    def discover(
        cls,
        folder: Path,
        *,
        deadline_seconds: float = 60.0,
        environ: Mapping[str, str] | None = None,
        patience: Patience | None = None,
        note: Callable[[str], None] = _warn,
    ) -> GitRepository:
        """The repository whose work tree holds ``folder``.

        Args:
            folder: anywhere in the work tree.
            deadline_seconds: how long one git may take; its process group is killed then.
            environ: the environment of the caller, from which git gets what is safe; default ``os.environ``.
            patience: how often and how slowly a commit is tried again.
            note: hears that a local branch or file did not follow a commit.

        Raises:
            RepositoryUnreachable: git is missing, or there is no repository, or it is bare, has no commits,
                or belongs to somebody else.
        """
        git = Git.at(folder.absolute(), deadline_seconds, os.environ if environ is None else environ)
        layout = locate(git)
        return cls(git.within(layout.top), layout, patience or Patience(), note)

    @property
    def top(self) -> Path:
        """The top-level folder of the work tree, absolute."""
        return self.layout.top

    @property
    def shallow(self) -> bool:
        """Whether older history was not fetched, so that ``log`` and ``resolve`` may know too little."""
        return (self.layout.shared / "shallow").exists()

    def head(self) -> Revision:
        """The commit that HEAD names; one child, and none while nothing moves.

        Raises:
            RepositoryUnreachable: there is none, or it cannot be read.
            Refused: a merge, rebase, cherry-pick, revert or bisect is under way.
        """
        head.require_quiet(self.layout)
        stamp = head.stamp(self.layout)
        known = self._heads.get(stamp)  # another thread may clear them at any moment
        if known is None:
            known = self._look().revision
            self._heads.clear()
            self._heads[stamp] = known
        return known

    def resolve(self, name: str) -> Revision:
        """The commit that ``name`` stands for: a branch, a tag, one of ``origin``'s branches, an id.

        They are tried in this order; a full id is always the commit. ``HEAD`` and steps (``~3``, ``^``)
        work. ``refs/tags/v1`` and the like say exactly which.

        Raises:
            Refused: nothing in the repository is called that, or it is not a name.
        """
        from reconciler.adapters.git import history

        return history.resolve(self.git, self.layout, name)

    def read(self, revision: Revision, path: str) -> str:
        """The text of a tracked regular file at a revision; executable ones count as regular.

        Of a ``dirty`` revision it is the file that lies in the work tree.

        Raises:
            InvalidState: no such file there, not a regular file, larger than 1 MiB, or not UTF-8.
            Refused: the path leaves the repository, or the revision is not in it.
        """
        if revision.dirty:
            return worktree.read(self.layout.top, path)
        return self.read_many(revision, (path,))[0]

    def read_many(self, revision: Revision, paths: Sequence[str]) -> tuple[str, ...]:
        """The texts of several files, in the order of ``paths``, with one child for all.

        Raises:
            InvalidState: as ``read``, with one finding for each path that cannot be read.
            Refused: as ``read``.
        """
        return tuple(file.text for file in read_files(self.git, revision.commit, paths))

    def uncommitted(self, paths: Sequence[str]) -> tuple[str, ...]:
        """The files under ``paths`` whose content differs from HEAD, untracked ones included, sorted."""
        return worktree.uncommitted(self.git, paths)

    def tracked(self, path: str) -> bool:
        """Whether ``path`` (a file or folder) holds anything that HEAD tracks."""
        return worktree.tracked(self.git, path)

    def ids(self, revision: Revision, paths: Sequence[str]) -> Mapping[str, str]:
        """The object ids of files and folders at a commit, by path; what is not there is left out."""
        from reconciler.adapters.git.objects import object_ids

        return object_ids(self.git, revision.commit, paths)

    def log(self, path: str, *, limit: int = 0) -> tuple[Commit, ...]:
        """The commits that changed ``path``, children before parents; ``limit`` 0 means all.

        An empty path stands for every commit, also for those that changed nothing.
        In a shallow clone the oldest commit that was fetched seems to have changed everything.
        """
        from reconciler.adapters.git import history

        return history.log(self.git, worktree.folder_or_file(path), limit)

    def person(self) -> str:
        """The name of who commits here: from the environment, else from Git's settings."""
        named = self.git.identity.get("GIT_AUTHOR_NAME", "").strip()
        return named or self.git.run("config", "--get", "user.name").text.strip()

    def upstream(self) -> str:
        """The branch that HEAD's branch is pushed to, or empty where it has no remote.

        A branch without a configured upstream is pushed to its own name at ``origin``, where that exists.
        """
        here = self._look()
        remote, ref = _destination(here)
        if ref or not here.revision.branch:
            return ref
        known = self.git.ask("remote").decode("utf-8", "replace").splitlines()
        return here.revision.branch if remote in known else ""

    def stamp(self) -> tuple[object, ...]:
        """A cheap value (file times, no child process) that changes whenever HEAD may have moved."""
        return head.stamp(self.layout)

    def places(self) -> Places:
        """The files that change when HEAD may have moved."""
        return head.places(self.layout)

    def commit(
        self, edits: Sequence[Edit], message: str, *, push: str = "", base: str = "", author: str = ""
    ) -> Revision:
        """Write one commit on top of HEAD's branch, by plumbing, as compare-and-swap.

        Index and work tree follow for exactly these files where they were clean; everything else that is
        staged or changed stays. With ``push`` the commit is based on that remote branch's tip and pushed
        without force. Afterwards HEAD's branch is fast-forwarded if it is the one that is pushed there and
        nothing is in the way; otherwise it stays, and ``note`` says so. A detached HEAD stays.

        With ``base`` the remote branch ``push`` is begun on the tip of the remote branch ``base``, or
        continued where it is there already; local branches, index and work tree stay as they are.

        Args:
            edits: what changes; none for a commit that only says something.
            message: the commit message, with its trailers.
            push: the remote branch to push to, or empty.
            base: the remote branch that ``push`` begins on, or empty.
            author: ``Name <address>`` of author and committer; empty for Git's own settings.

        Raises:
            Stale: the edit no longer applies or is there already, or others were faster every time.
            Refused: HEAD is detached, or a merge is under way, and ``push`` is not given; no such remote;
                a name or ``author`` that cannot be used.
            InvalidState: a file to edit cannot be read on the branch.
            RepositoryUnreachable, PermissionRefused, RepositoryFailed: it could not be written or pushed;
                no local branch or file has changed. A push that was cut off may have arrived: trying again
                then ends in ``Stale``.
        """
        from reconciler.adapters.git.authorship import authorship
        from reconciler.adapters.git.proposal import Draft

        text = message.replace("\0", "").encode("utf-8", "replace").decode()
        draft = Draft(tuple(edits), text, authorship(author))
        if push:
            return self._push(draft, branch_name(push), branch_name(base) if base else "")
        if base:
            raise Refused(f"Nothing says which branch is to begin on {base}", hint="Name it with push")
        return self._commit_here(draft)

    def rehearse(self, branch: str, *, deadline_seconds: float = 15.0) -> None:
        """Find out with a dry run whether a push to the remote branch would be let in.

        The remote is asked for the right to write, and nothing is sent. A branch that it does not have
        yet is fine, and so is one that is ahead of ours. What only a real push meets stays unseen: branch
        protection, hooks and size limits of the server, a full disk there.

        Args:
            branch: where the push would go.
            deadline_seconds: how long to wait for the remote, if that is less than the repository's own.

        Raises:
            Refused: there is no such remote, or no branch can be called that.
            RepositoryUnreachable, PermissionRefused: the remote does not answer, or not to us.
            RepositoryFailed: git could not ask.
        """
        name, here = branch_name(branch), self._look()
        git = replace(self.git, deadline_seconds=min(deadline_seconds, self.git.deadline_seconds))
        self._remote_branch(here, name).rehearse(git, here.revision.commit)

    def _look(self) -> Head:
        return head.look(self.git, self.layout)

    def _commit_here(self, draft: Draft) -> Revision:
        from reconciler.adapters.git.proposal import propose

        why = ""
        for attempt in range(self.patience.attempts):
            here = self.head()
            if not here.branch:
                hint = "Check out a branch first, or push to one"
                raise Refused("HEAD is detached: no branch would hold the commit", hint=hint)
            new = propose(self.git, here.commit, draft)
            changed = worktree.uncommitted(self.git, draft.paths)
            why = self._swap(f"refs/heads/{here.branch}", new, here.commit, draft.message)
            if not why:
                self._follow(new, draft.paths, changed)
                return head.describe(self.git, new, here.branch)
            self.patience.pause(attempt)
        raise outrun(f"Branch {here.branch}", why)

    def _swap(self, ref: str, new: str, old: str, message: str) -> str:
        """Compare-and-swap of a ref; returns why it did not happen, or nothing."""
        answer = self.git.run(
            "update-ref", "-m", f"reconcile: {message.partition(chr(10))[0]}", "--", ref, new, old
        )
        if answer.code and "cannot lock ref" not in answer.err:
            raise RepositoryFailed(f"{ref} could not be moved: {answer.complaint}")
        return answer.complaint if answer.code else ""

    def _follow(self, new: str, paths: Sequence[str], changed: Sequence[str]) -> None:
        why = worktree.follow(self.git, new, [path for path in paths if path not in changed])
        if why:
            self.note(f"Commit {new[:7]} is made, but the work tree could not follow: {why}")
        for path in changed:
            self.note(f"{path} has uncommitted changes, and stays without what commit {new[:7]} changed")

    def _push(self, draft: Draft, branch: str, base: str) -> Revision:
        from reconciler.adapters.git.publication import publish

        here = self._look()
        target = self._remote_branch(here, branch)
        start = replace(target, branch=base) if base else None
        new = publish(self.git, self.patience, draft, target, start)
        if not base:
            self._catch_up(here, target, new)
        return head.describe(self.git, new, branch)

    def _remote_branch(self, here: Head, branch: str) -> RemoteBranch:
        from reconciler.adapters.git.remote import RemoteBranch

        return RemoteBranch.of(self.git, _destination(here)[0], branch)

    def _catch_up(self, here: Head, target: RemoteBranch, new: str) -> None:
        local = here.revision.branch
        remote, ref = _destination(here)
        if not local or (remote, ref or local) != (target.remote, target.branch):
            return
        why = worktree.fast_forward(self.git, new)
        if why:
            where = f"pushed to {target}, but the local branch {local} could not follow"
            self.note(f"Commit {new[:7]} is {where}: {why}. git pull brings it up to date")


def _destination(here: Head) -> tuple[str, str]:
    """Remote and branch that HEAD's branch is pushed to; the branch is empty where none is configured."""
    remote, ref = here.upstream
    if remote in ("", ".") or not ref.startswith("refs/heads/"):
        return "origin", ""
    return remote, ref.removeprefix("refs/heads/")
