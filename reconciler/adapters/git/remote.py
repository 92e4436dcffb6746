"""Fetch and push of one branch, and what their failures mean."""

from __future__ import annotations

import re
from dataclasses import dataclass

from reconciler.adapters.git.names import branch_name, is_object_id, remote_name
from reconciler.adapters.git.process import Answer, Git
from reconciler.errors import (
    PermissionRefused,
    ReconcileError,
    Refused,
    RepositoryFailed,
    RepositoryUnreachable,
)

_DENIED = re.compile(
    r"Authentication failed|could not read (?:Username|Password)|Permission (?:to .* )?denied"
    r"|returned error: 40[13]|Access denied|Invalid username or |not authorized|Write access .* not granted",
    re.IGNORECASE,
)
_HOST_KEY = re.compile(r"Host key verification failed|REMOTE HOST IDENTIFICATION HAS CHANGED")
_NO_BRANCH = re.compile(r"couldn't find remote ref")
# Trouble at home: another git holds the lock, or the disk is full.
_LOCAL = re.compile(r"cannot lock ref|Unable to create '[^']*\.lock'|No space left|insufficient permission")
# A branch called `a` leaves no room for one called `a/b`, here or there; waiting does not help.
_IN_THE_WAY = re.compile(r"'(?P<branch>[^']*)' exists; cannot create")
_BUSY = re.compile(r"cannot lock ref|Unable to create '[^']*\.lock'")
# How servers say that the branch moved between what they advertised and what we sent.
_OVERTAKEN = re.compile(
    r"failed to update ref|incorrect old value|cannot lock ref|failed to lock|non-fast-forward|fetch first"
)
_REFUSAL = re.compile(
    r"^!\t[^\t]*\t\[(?P<by>remote rejected|rejected|remote failure)\] ?\(?(?P<why>.*?)\)?$", re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class Overtaken:
    """Somebody else was faster, here or there; ``why`` in git's words."""

    why: str


@dataclass(frozen=True, slots=True)
class RemoteBranch:
    """One branch of one remote, both by validated name; instead of its name, a validated URL will do."""

    remote: str
    branch: str

    @classmethod
    def of(cls, git: Git, remote: str, branch: str) -> RemoteBranch:
        """The branch called ``branch`` at the configured remote ``remote``.

        Raises:
            Refused: a name cannot be used, or there is no such remote. Git would take an unknown name for
                a folder.
        """
        known = git.ask("remote").decode("utf-8", "replace").splitlines()
        if remote_name(remote) not in known:
            raise Refused(
                f"There is no remote called {remote} to push to", hint=f"git remote add {remote} URL"
            )
        return cls(remote, branch_name(branch))

    def __str__(self) -> str:
        return f"{self.branch} of {self.remote}" if ":" in self.remote else f"{self.remote}/{self.branch}"

    def tip(self, git: Git) -> str | None:
        """The branch's commit there; nothing is fetched. None where the remote has no such branch.

        Raises:
            RepositoryUnreachable, PermissionRefused: the remote does not answer, or not to us.
            RepositoryFailed: git could not ask.
        """
        ref = f"refs/heads/{self.branch}"
        answer = git.run("ls-remote", "--quiet", "--refs", "--", self.remote, ref)
        if answer.code != 0:
            raise self._explain("read", answer)
        # To ls-remote a name is a pattern: refs/other/refs/heads/main would be listed as well.
        found = (line.split("\t") for line in answer.text.splitlines())
        return next((words[0] for words in found if words[1:] == [ref] and is_object_id(words[0])), None)

    def fetch(self, git: Git, into: str = "") -> str | Overtaken:
        """Bring the branch here and return its tip; a clone's depth stays what it is.

        Args:
            git: git in the clone.
            into: the ref that shall name it; empty for the remote's own, which has to be a remote by name.

        Raises:
            RepositoryUnreachable, PermissionRefused: the remote does not answer, or not to us.
            RepositoryFailed: it has no such branch, or what came could not be stored.
        """
        tip = self.fetch_if_there(git, into)
        if tip is None:
            hint = "Create it there first, or name another one"
            raise RepositoryFailed(f"{self.remote} has no branch {self.branch}", hint=hint)
        return tip

    def fetch_if_there(self, git: Git, into: str = "") -> str | Overtaken | None:
        """The same; None where the remote has no such branch."""
        tracking = into or f"refs/remotes/{self.remote}/{self.branch}"
        answer = git.run(
            "fetch",
            *("--quiet", "--no-tags", "--no-prune", "--no-recurse-submodules", "--no-write-fetch-head", "--"),
            *(self.remote, f"+refs/heads/{self.branch}:{tracking}"),
        )
        if answer.code != 0 and _NO_BRANCH.search(answer.err):
            return None
        if answer.code != 0 and _BUSY.search(answer.err) and not _IN_THE_WAY.search(answer.err):
            return Overtaken(answer.complaint)
        if answer.code != 0:
            raise self._explain("read", answer)
        return git.ask("rev-parse", "--verify", "--quiet", f"{tracking}^{{commit}}").decode().strip()

    def push(self, git: Git, commit: str) -> Overtaken | None:
        """Move the branch to ``commit`` where that is a fast-forward there; None when it was done.

        Raises:
            RepositoryFailed: the remote refused, for a reason of its own.
            RepositoryUnreachable, PermissionRefused: the remote does not answer, or not to us.
        """
        answer = git.run(
            "push",
            *("--porcelain", "--no-verify", "--no-follow-tags", "--no-recurse-submodules", "--"),
            *(self.remote, f"{commit}:refs/heads/{self.branch}"),
        )
        if answer.code == 0:
            return None
        refusal = _REFUSAL.search(answer.text)
        if refusal is None or _IN_THE_WAY.search(answer.err):
            raise self._explain("written", answer)
        if refusal["by"] == "rejected" or _OVERTAKEN.search(refusal["why"]):
            return Overtaken(refusal["why"])
        said = [
            line.removeprefix("remote:").strip()
            for line in answer.err.splitlines()
            if line.startswith("remote:")
        ]
        words = "; ".join([refusal["why"], *(line for line in said[:6] if line)])
        hint = "Branch protection or a hook there decides; see what it wants"
        raise RepositoryFailed(f"{self.remote} refused the push to {self.branch}: {words}", hint=hint)

    def rehearse(self, git: Git, commit: str) -> None:
        """Ask to push ``commit`` to the branch, up to the point where something would be sent.

        That ``commit`` is behind the branch is no obstacle: a commit of ours is made on the branch's tip.

        Raises:
            RepositoryUnreachable, PermissionRefused: the remote does not answer, or not to us.
            RepositoryFailed: git could not ask.
        """
        answer = git.run(
            "push",
            *("--dry-run", "--porcelain", "--no-verify", "--no-follow-tags", "--no-recurse-submodules", "--"),
            *(self.remote, f"{commit}:refs/heads/{self.branch}"),
        )
        if answer.code != 0 and _REFUSAL.search(answer.text) is None:
            raise self._explain("written", answer)

    def _explain(self, done: str, answer: Answer) -> ReconcileError:
        obstacle = _IN_THE_WAY.search(answer.err)
        if obstacle:
            hint = "Remove that branch there, or name another one; git remote prune forgets one that is gone"
            return RepositoryFailed(
                f"{self} could not be {done}: {obstacle['branch']} is in the way of that name", hint=hint
            )
        if _LOCAL.search(answer.err):
            return RepositoryFailed(f"{self} could not be {done}: {answer.complaint}")
        if _HOST_KEY.search(answer.err):
            hint = "Check the key of the host, then add it to known_hosts"
            return RepositoryUnreachable(f"The host of {self.remote} is not the one that is known", hint=hint)
        if _DENIED.search(answer.err):
            hint = "Check the key, token or credential helper that git uses here"
            return PermissionRefused(
                f"{self.remote} refused us when {self.branch} was to be {done}: {answer.complaint}", hint=hint
            )
        hint = "Check the network and git remote -v"
        return RepositoryUnreachable(f"{self} could not be {done}: {answer.complaint}", hint=hint)
