"""A repository that the daemon clones and updates by itself: one clone, and a work tree per environment.

A work tree each, because an update for one environment must not touch files that a pass of another one reads.
What counts as the desired state is the *accepted* commit. It moves when another one was fetched whole and the
policy lets it; whatever goes wrong with the remote, the last one stays.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path

from reconciler.adapters.git.durable import line, write_line
from reconciler.adapters.git.mirror import Mirror
from reconciler.adapters.git.names import branch_name, is_object_id, object_id, path_in_repository, remote_url
from reconciler.adapters.git.process import Git
from reconciler.adapters.git.remote import RemoteBranch
from reconciler.adapters.git.tree import Tree
from reconciler.adapters.git.turn import turn
from reconciler.domain.source import Arrival
from reconciler.domain.watching import Managed, Rewritten
from reconciler.errors import PermissionRefused, Refused, RepositoryFailed, RepositoryUnreachable

POLL_DEADLINE_SECONDS = 20.0
USUAL_FETCH_SECONDS = 600.0
_TREE_WAIT_SECONDS = 60.0


def _never() -> bool:
    return False


def _ignore(_text: str) -> None:
    """Nobody wants to know."""


@dataclass(frozen=True, slots=True)
class ManagedRepository:
    """The port ``Upstream``, and the work trees that follow it. Make one with ``open``; threads may share it.

    ``note`` hears what a person should know although nothing failed, one sentence at a time.
    """

    root: Path
    settings: Managed
    git: Git
    note: Callable[[str], None] = _ignore
    _settled: set[str] = field(default_factory=set)

    @classmethod
    def open(
        cls,
        root: Path,
        settings: Managed,
        *,
        environ: Mapping[str, str] | None = None,
        fetch_seconds: float = USUAL_FETCH_SECONDS,
        stopped: Callable[[], bool] = _never,
        note: Callable[[str], None] = _ignore,
    ) -> ManagedRepository:
        """The managed repository below ``root``; nothing is fetched yet.

        Args:
            root: a folder of ours alone, made where it is missing.
            settings: what is followed.
            environ: the environment of the caller, from which git gets what is safe; default ``os.environ``.
            fetch_seconds: how long a fetch may take; its process group is killed then.
            stopped: once it says so, no git is waited for any more.
            note: hears that files were put back, or that a clone was replaced.

        Raises:
            Refused: address, branch or path cannot be used.
            PermissionRefused, RepositoryFailed: the folder cannot be used, or others could write to it.
        """
        _, protocol = remote_url(settings.url)
        branch_name(settings.branch)
        if settings.path:
            path_in_repository(settings.path)
        _make(root)
        git = Git.at(root, fetch_seconds, os.environ if environ is None else environ)
        environment = {
            **git.environment,
            "GIT_ALLOW_PROTOCOL": f"https:ssh:{protocol}",
            # The folder may be in somebody else's work tree, and that is not the one that is meant.
            "GIT_CEILING_DIRECTORIES": str(root.resolve().parent),
            "GIT_LFS_SKIP_SMUDGE": "1",
        }
        return cls(root.resolve(), settings, replace(git, environment=environment, stopped=stopped), note)

    @property
    def url(self) -> str:
        """See ``ports.Upstream``."""
        return self.settings.url

    @property
    def branch(self) -> str:
        """See ``ports.Upstream``."""
        return self.settings.branch

    @property
    def accepted(self) -> str:
        """See ``ports.Upstream``."""
        found = line(self.root / "accepted")
        return found if is_object_id(found) else ""

    def tip(self) -> str | None:
        """See ``ports.Upstream``."""
        seconds = min(POLL_DEADLINE_SECONDS, self.git.deadline_seconds)
        return self._source.tip(replace(self.git, deadline_seconds=seconds))

    def fetch(self, tip: str) -> Arrival:
        """See ``ports.Upstream``."""
        object_id(tip)
        with self._fetching():
            self._mirror.unlock()
            try:
                return self._judge(self._brought(tip))
            except RepositoryFailed:
                if self._mirror.sound():
                    raise
                return self._judge(self._mirror.renew(tip, self.settings.path))

    def update(self, environment: str) -> Path:
        """Bring the environment's own work tree to the accepted commit; returns the folder of reconcile.yaml.

        The remote is not asked, unless the clone turns out to be damaged. Files that Git does not track stay.

        Raises:
            RepositoryUnreachable: nothing was fetched yet, or the clone is damaged and the remote away.
            RepositoryFailed, PermissionRefused: the files cannot be brought there.
            Refused: the folder is a symbolic link there.
            Locked: another process is at it for too long.
        """
        return self._updated(f"environment-{environment}", self.root / "environments" / environment)

    def update_settings(self) -> Path:
        """The same for the work tree from which reconcile.yaml is read, before environments are known."""
        return self._updated("settings", self.root / "settings")

    def _brought(self, tip: str) -> str:
        """What the branch is at, once that is here; the remote is not asked where ``tip`` is here already."""
        fetched = self._mirror.fetched
        if fetched != tip:
            fetched = self._mirror.fetch(tip, self.settings.path)
            self._mirror.tidy()
        self._mirror.configure()
        return fetched

    def _updated(self, name: str, folder: Path) -> Path:
        if not self.accepted:
            hint = "It is fetched as soon as the remote answers"
            raise RepositoryUnreachable(f"{self._source} was not fetched yet", hint=hint)
        self._mirror.unlock_old()
        tree = Tree(folder, self._mirror.folder, name, self.git)
        with turn(self.root / f"{name}.lock", f"update {folder}", _TREE_WAIT_SECONDS):
            self._follow(tree)
        state = folder / self.settings.path
        if state.resolve() != state:
            raise Refused(f"{self.settings.path} in {self._source} leads elsewhere, by a symbolic link")
        return state

    def _follow(self, tree: Tree) -> None:
        """Only where something differs; but once after each start, as files may not have got to the disk."""
        commit = self.accepted
        settled = tree.name in self._settled and tree.commit == commit
        differing = tree.differing() if settled else ()
        if settled and not differing:
            return
        if differing:
            self.note(f"{', '.join(differing[:3])} in {tree.folder} was changed here, and is put back")
        try:
            if not self._mirror.readable(commit, self.settings.path):
                raise RepositoryFailed(f"{commit[:7]} cannot be read in {self._mirror.folder}")
            tree.follow(commit)
        except RepositoryFailed:
            self._repair()
            tree.follow(self.accepted)
        self._settled.add(tree.name)

    def _repair(self) -> None:
        """Clone anew where the clone is damaged, unless another thread has done so."""
        with self._fetching():
            if not self._mirror.sound():
                self.note(f"{self._mirror.folder} is damaged, and cloned again")
                arrival = self._judge(self._mirror.renew(self.accepted, self.settings.path))
                if arrival.remark:
                    self.note(arrival.remark)

    def _judge(self, new: str) -> Arrival:
        """Accept ``new``, unless it is no continuation and the policy wants one."""
        old = self.accepted
        remark = self._rewritten(old, new)
        if remark and self.settings.rewritten is Rewritten.REFUSE:
            return Arrival(old, f"{remark}; {old[:7]} is kept")
        self._mirror.accept(new)
        if new != old:
            try:
                write_line(self.root / "accepted", new)
            except OSError as error:
                raise RepositoryFailed(f"{self.root} cannot be written: {error.strerror}") from error
        return Arrival(new, remark)

    def _rewritten(self, old: str, new: str) -> str:
        """Why ``new`` is no continuation of ``old``; empty where it is one."""
        if not old or old == new:
            return ""
        match self._mirror.continues(old, new):
            case True:
                return ""
            case False:
                return f"history was rewritten: {old[:7]} is not an ancestor of {new[:7]}"
            case None:
                return f"it is unknown whether history was rewritten: {old[:7]} or {new[:7]} cannot be read"

    def _fetching(self) -> AbstractContextManager[None]:
        return turn(self.root / "fetch.lock", f"fetch {self._source}", self.git.deadline_seconds)

    @property
    def _source(self) -> RemoteBranch:
        return RemoteBranch(self.settings.url, self.settings.branch)

    @property
    def _mirror(self) -> Mirror:
        return Mirror(self.root / "mirror.git", self._source, self.git)


def _make(root: Path) -> None:
    """A folder that only we can write to: what lies in it decides what runs.

    Raises:
        PermissionRefused: it belongs to somebody else, or others can write to it.
        RepositoryFailed: it is none, or cannot be made.
    """
    try:
        root.mkdir(parents=True, exist_ok=True, mode=0o700)
        status = root.lstat()
    except OSError as error:
        raise RepositoryFailed(f"{root} cannot be made: {error.strerror}") from error
    if stat.S_ISLNK(status.st_mode):
        raise PermissionRefused(f"{root} is not used: it is a symbolic link", hint="Remove it")
    if status.st_uid != os.geteuid():
        hint = "Run reconcile as this user, or name another state directory"
        raise PermissionRefused(f"{root} is not used: it belongs to user id {status.st_uid}", hint=hint)
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        hint = f"Check it, then: chmod 700 {root}"
        raise PermissionRefused(f"{root} is not used: other users can write to it", hint=hint)
