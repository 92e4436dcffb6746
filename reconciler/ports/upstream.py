"""The remote branch that a daemon follows by itself."""

from __future__ import annotations

from typing import Protocol

from reconciler.domain.source import Arrival


class Upstream(Protocol):
    """One branch of one remote, and what was fetched of it. Every call has a deadline of its own."""

    @property
    def url(self) -> str:
        """Where the remote is, without any password."""

    @property
    def branch(self) -> str:
        """The branch that is followed."""

    @property
    def accepted(self) -> str:
        """The commit that the environments follow; empty where there is none yet. The remote is not asked."""

    def tip(self) -> str | None:
        """The branch's commit at the remote, None where it has no such branch. Nothing else is asked.

        Raises:
            RepositoryUnreachable, PermissionRefused: the remote does not answer, or not to us.
            RepositoryFailed: git could not ask.
        """

    def fetch(self, tip: str) -> Arrival:
        """Bring ``tip`` here, unless it is here, and decide whether it is to be followed.

        Where anything goes wrong, what was accepted before stays usable. Damage of what is kept here is
        repaired by fetching everything anew.

        Raises:
            RepositoryUnreachable, PermissionRefused, RepositoryFailed: it could not be brought.
            Locked: somebody else fetches, for longer than we would wait.
        """
