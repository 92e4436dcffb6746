"""What a release asks of whoever looks after the data of its environment."""

from __future__ import annotations

from typing import Protocol

from reconciler.app.host import Host
from reconciler.domain.desired import Desired


class DataCare(Protocol):
    """Backs up before releases, and brings data back for what ran before them.

    Each method may raise what the ports of data raise: DataUnreachable, PermissionRefused, DataFailed.
    """

    def back_up(self, host: Host, desired: Desired, run: str) -> tuple[str, tuple[str, ...]]:
        """Back up everything before a release, and verify it.

        Returns the name of the backup, and what went wrong and stops nothing.

        Args:
            host: tells of steps, and knows the time.
            desired: the release.
            run: the pass that makes it.

        Raises:
            ReconcileError: there is no backup that could be used; the release must not begin.
        """

    def backup_of(self, run: str) -> str:
        """The name of the backup that a pass made before its release; empty where none is known."""

    def can_bring_back(self, host: Host, desired: Desired, backup: str) -> None:
        """See that a backup could be brought back now. Nothing is changed.

        Raises:
            ReconcileError: it is not there, is damaged, or the server does not answer.
        """

    def bring_back(self, host: Host, desired: Desired, backup: str, run: str) -> tuple[str, ...]:
        """Bring data back from a backup, verified; returns what people should know.

        What the release switched is stopped by then. Other writers are stopped and started by this. What was
        interrupted is finished by the next call with the same backup.

        Raises:
            ReconcileError: the data is not, or not yet, what the backup has.
        """

    def follow(self) -> tuple[str, ...]:
        """Do what follows data that went back, when the pass is over; returns what people should know."""


class NoData:
    """Nothing to look after: no database is configured, or no backups of it before releases."""

    def back_up(self, host: Host, desired: Desired, run: str) -> tuple[str, tuple[str, ...]]:  # noqa: ARG002
        """See ``DataCare``."""
        return "", ()

    def backup_of(self, run: str) -> str:  # noqa: ARG002
        """See ``DataCare``."""
        return ""

    def can_bring_back(self, host: Host, desired: Desired, backup: str) -> None:
        """See ``DataCare``. Never asked: there is no backup."""

    def bring_back(self, host: Host, desired: Desired, backup: str, run: str) -> tuple[str, ...]:  # noqa: ARG002
        """See ``DataCare``. Never asked: there is no backup."""
        return ()

    def follow(self) -> tuple[str, ...]:
        """See ``DataCare``. Nothing went back."""
        return ()
