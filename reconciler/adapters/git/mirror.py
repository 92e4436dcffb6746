"""The clone behind a managed repository: bare, of one branch, replaced as a whole when it is damaged."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from reconciler.adapters.git.names import is_object_id
from reconciler.adapters.git.process import Git
from reconciler.adapters.git.remote import Overtaken, RemoteBranch
from reconciler.errors import ReconcileError, RepositoryFailed, RepositoryUnreachable

FETCHED = "refs/reconcile/fetched"
ACCEPTED = "refs/reconcile/accepted"

_OLD_LOCK_SECONDS = 120.0
"""Longer than any git of ours may take: whoever made such a lock is dead."""

_MOST_LOOSE = 27
"""Loose objects in one of 256 folders, as ``gc.auto`` counts them: about 6,700 in all."""

_MOST_PACKS = 50
_SHA_1 = 40


@dataclass(frozen=True, slots=True)
class Mirror:
    """The clone in ``folder``. Who calls what changes it has to be the only one, see ``turn``.

    Args:
        folder: where it is; beside it ``NAME.fresh`` is made, and ``NAME.damaged`` set aside.
        source: the remote branch, by URL.
        git: git in the folder above, which looks for no repository further up.
    """

    folder: Path
    source: RemoteBranch
    git: Git

    @property
    def fetched(self) -> str:
        """The commit that was fetched last; empty where there is none that can be read."""
        if not self.folder.is_dir():
            return ""
        answer = self._here.run("rev-parse", "--verify", "--quiet", f"{FETCHED}^{{commit}}")
        commit = answer.text.strip()
        return commit if answer.code == 0 and is_object_id(commit) else ""

    def fetch(self, like: str, readable: str) -> str:
        """Bring the branch here, and make the clone anew where it is missing or damaged; returns the tip.

        Args:
            like: any commit id of the remote, whose length tells the format of its objects.
            readable: a folder whose YAML has to be readable at the tip, empty for the top level.

        Raises:
            RepositoryUnreachable, PermissionRefused: the remote does not answer, or not to us.
            RepositoryFailed: it could not be stored, or the remote itself is damaged.
        """
        if not self.folder.is_dir():
            return self.renew(like, readable)
        try:
            tip = _brought(self._here, self.source)
        except ReconcileError:
            if self.sound():
                raise
            return self.renew(like, readable)
        return tip if self.readable(tip, readable) else self.renew(like, readable)

    def renew(self, like: str, readable: str) -> str:
        """Clone beside what there is, and only then put that aside; returns the tip. See ``fetch``."""
        fresh = replace(self, folder=self.folder.with_name(f"{self.folder.name}.fresh"))
        with _on_disk(self.folder):
            _remove(fresh.folder)
        kind = "sha1" if len(like) == _SHA_1 else "sha256"
        made = ("--quiet", "--bare", "--template=", f"--object-format={kind}", str(fresh.folder))
        self.git.ask("init", *made)
        tip = _brought(fresh._here, self.source)
        if not fresh.readable(tip, readable):
            raise RepositoryFailed(f"{self.source} is damaged at {tip[:7]}", hint="See git fsck there")
        fresh.configure()
        damaged = self.folder.with_name(f"{self.folder.name}.damaged")
        with _on_disk(self.folder):
            if self.folder.is_dir():
                _remove(damaged)
                self.folder.rename(damaged)
            fresh.folder.rename(self.folder)
        return tip

    def configure(self) -> None:
        """Name the remote, for who pushes from a work tree."""
        known = self._here.run("config", "--get", "remote.origin.url").text.strip()
        if known != self.source.remote:
            self._here.ask("config", "remote.origin.url", self.source.remote)

    def accept(self, commit: str) -> None:
        """Keep a commit from ever being pruned."""
        self._here.ask("update-ref", ACCEPTED, commit)

    def continues(self, old: str, new: str) -> bool | None:
        """Whether ``new`` has ``old`` in its history; None where that cannot be told."""
        code = self._here.run("merge-base", "--is-ancestor", old, new).code
        return code == 0 if code in (0, 1) else None

    def sound(self) -> bool:
        """Whether everything in it can be read. That is expensive: ask when something else went wrong."""
        return self._here.run("fsck", "--no-dangling", "--no-reflogs", "--no-progress").code == 0

    def readable(self, commit: str, folder: str) -> bool:
        """Whether the YAML below ``folder`` can be read at ``commit``: fetching looks at no old object."""
        where = ["--", folder] if folder else []
        listed = self._here.run("ls-tree", "-r", "-z", "--full-tree", commit, *where)
        entries = [entry.partition("\t") for entry in listed.text.split("\0")]
        blobs = [what.split()[2] for what, _, path in entries if path.endswith((".yaml", ".yml"))]
        read = self._here.run("cat-file", "--batch", feed="".join(f"{blob}\n" for blob in blobs).encode())
        # Of a broken pack git says so each time, and goes on as well as it can.
        complains = "error:" in listed.err or "error:" in read.err
        return listed.code == 0 and read.code == 0 and b" missing\n" not in read.out and not complains

    def unlock(self) -> None:
        """Remove the locks that only we could hold, as nobody else has the turn."""
        ours = (self.folder / "refs" / "reconcile").glob("*.lock")
        for lock in (*ours, self.folder / "config.lock"):
            lock.unlink(missing_ok=True)

    def unlock_old(self) -> None:
        """Remove locks of who pushed from a work tree and died; safe at any time.

        Raises:
            RepositoryFailed: there is a lock, and how old it is cannot be told, as nothing can be written.
        """
        locks = [*self.folder.glob("*.lock"), *(self.folder / "refs" / "remotes").rglob("*.lock")]
        if not locks:  # the folder may be gone, or the disk full: that is for others to notice
            return
        with _on_disk(self.folder, "written to"):
            now = _written_now(self.folder)
        for lock in locks:
            with suppress(FileNotFoundError):
                if now - lock.stat().st_mtime > _OLD_LOCK_SECONDS:
                    lock.unlink()

    def tidy(self) -> None:
        """Pack what many fetches brought one by one; what cannot be packed now stays for the next time."""
        loose = len(list((self.folder / "objects" / "17").glob("*")))
        packs = len(list((self.folder / "objects" / "pack").glob("*.pack")))
        if loose > _MOST_LOOSE or packs > _MOST_PACKS:
            with suppress(RepositoryUnreachable):  # it takes too long, or we are stopping
                self._here.run("gc", "--quiet")

    @property
    def _here(self) -> Git:
        return self.git.within(self.folder)


def _brought(git: Git, source: RemoteBranch) -> str:
    tip = source.fetch(git, FETCHED)
    if isinstance(tip, Overtaken):
        raise RepositoryFailed(f"{source} could not be stored: {tip.why}")
    return tip


@contextmanager
def _on_disk(folder: Path, what: str = "replaced") -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise RepositoryFailed(f"{folder} could not be {what}: {error.strerror}") from error


def _remove(folder: Path) -> None:
    if folder.is_dir():
        shutil.rmtree(folder)


def _written_now(folder: Path) -> float:
    """What a file that is written just now gets as its time: ages are told by one clock, whatever it says."""
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(b"now")
        file.flush()
        return os.fstat(file.fileno()).st_mtime
