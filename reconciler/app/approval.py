"""Approvals of releases of protected environments: commits that name the content that may be released.

An approval is of content, not of a moment: a rebase keeps it, and a later pin, or another definition in the
Compose files, is not approved by accident. Git alone can write one: ``git commit --allow-empty`` with the
trailer ``Reconcile-Approve: ENVIRONMENT ID``, where ID is the id of the pins file's blob.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from os.path import normpath
from pathlib import Path

from reconciler.app.desired import DesiredState, Source
from reconciler.domain.desired import Revision
from reconciler.domain.environment import Environment
from reconciler.errors import InvalidState, Refused

APPROVE = "Reconcile-Approve"
DEEPEST = 200
"""How many commits back approvals are looked for."""


@dataclass(frozen=True, slots=True)
class Approvals:
    """Reads and writes approvals.

    Args:
        desired: knows the repository, and the files of an environment.
    """

    desired: DesiredState

    def approved(self, source: Source) -> bool:
        """Whether a commit approves this desired state: its pins, and the Compose files as they are now.

        What is not committed is not approved.

        Raises:
            RepositoryUnreachable, RepositoryFailed: the history cannot be read.
        """
        environment, revision = source.desired.environment, source.desired.revision
        return not revision.dirty and self._approving(environment, revision, self._others(source)) is not None

    def approve(self, environment: Environment, *, reason: str = "", push: str = "") -> Revision:
        """Write the commit that approves what HEAD says should run.

        Args:
            environment: whose release.
            reason: why, for the commit message.
            push: the branch to push to, or empty.

        Raises:
            Refused: the environment is not protected.
            InvalidState: the pins file has uncommitted changes, or is not in the repository.
            Stale, RepositoryUnreachable, PermissionRefused, RepositoryFailed: the commit cannot be made.
        """
        if not environment.protected:
            raise Refused(
                f"{environment.name} is not protected: its releases need no approval",
                hint="Write protected: true in reconcile.yaml, if they should",
            )
        repository, path = self.desired.repository, self._pins(environment)
        if repository.uncommitted([path]):
            raise InvalidState(f"{path} has uncommitted changes", hint="Commit or stash them first")
        pinned = repository.ids(repository.head(), [path]).get(path)
        if pinned is None:
            raise InvalidState(f"{path} is not in the repository", hint="Commit it first")
        moved = repository.log(path, limit=1)
        what = f": {moved[0].subject}" if moved else ""
        body = f"{' '.join(reason.split())}\n\n" if reason.strip() else ""
        message = f"Approve {environment.name}{what}\n\n{body}{APPROVE}: {environment.name} {pinned}\n"
        return repository.commit([], message, push=push)

    def _approving(
        self, environment: Environment, revision: Revision, others: Sequence[str]
    ) -> Revision | None:
        """The newest commit that approves the pins, if nothing else of the release changed since."""
        repository, path = self.desired.repository, self._pins(environment)
        pinned = repository.ids(revision, [path]).get(path)
        trailer = (APPROVE, f"{environment.name} {pinned}")
        found = (commit for commit in repository.log("", limit=DEEPEST) if trailer in commit.trailers)
        now = repository.ids(revision, others) if others else {}
        for commit in found:
            then = Revision(commit.id)
            if repository.ids(then, [path, *others]) == {path: pinned, **now}:
                return then
        return None

    def _others(self, source: Source) -> list[str]:
        """What else a release is made of, as far as it is in Git: Compose files, and what they name."""
        top, environment = self.desired.repository.top, source.desired.environment
        inputs = self.desired.compose.inputs(environment, source.files)
        files = (Path(normpath(file)) for file in (*source.files, *inputs))
        paths = dict.fromkeys(file.relative_to(top).as_posix() for file in files if file.is_relative_to(top))
        return [path for path in paths if path != self._pins(environment)]

    def _pins(self, environment: Environment) -> str:
        return self.desired.path(environment.pins)
