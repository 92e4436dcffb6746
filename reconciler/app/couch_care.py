"""The databases of an environment, looked after in a release: backed up before, and brought back with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from reconciler.app.backing_up import back_up, couch_of
from reconciler.app.backup import Backups, list_backups
from reconciler.app.choosing import choose
from reconciler.app.fenced import fenced_documents
from reconciler.app.host import Host
from reconciler.app.restore import Restore
from reconciler.domain.backups import Purpose
from reconciler.domain.data import BackupPolicy
from reconciler.domain.desired import Desired
from reconciler.domain.restoring import newest_stamp
from reconciler.errors import ReconcileError


@dataclass(frozen=True, slots=True)
class CouchCare:
    """``DataCare`` of databases in CouchDB.

    Args:
        restore: what brings them back, made when it is needed: most passes ask for nothing of this, and
            credentials that are missing are no concern of theirs.
    """

    restore: Callable[[], Restore]

    def back_up(self, host: Host, desired: Desired, run: str) -> tuple[str, tuple[str, ...]]:
        """See ``DataCare``; nothing where the environment wants no backups."""
        if couch_of(desired.environment).backup is BackupPolicy.OFF:
            return "", ()
        restore = self.restore()
        documents = fenced_documents(restore.documents, host)
        made = back_up(
            host, restore.environment, restore.journal, documents, purpose=Purpose.RELEASE, run=run
        )
        return newest_stamp(backup.name for backup in made.backups), made.notes

    def backup_of(self, run: str) -> str:
        """See ``DataCare``. A server that does not answer knows none: that must stop nothing half done."""
        try:
            restore = self.restore()
            listed = list_backups(restore.documents, restore.couch)
        except ReconcileError:
            return ""
        return newest_stamp(backup.name for backup in listed.backups if run and run in backup.runs)

    def can_bring_back(self, host: Host, desired: Desired, backup: str) -> None:  # noqa: ARG002
        """See ``DataCare``."""
        restore = self.restore()
        choose(Backups(host, restore.documents, restore.couch), backup)

    def bring_back(self, host: Host, desired: Desired, backup: str, run: str) -> tuple[str, ...]:  # noqa: ARG002
        """See ``DataCare``."""
        restore = self.restore()
        documents = fenced_documents(restore.documents, host)
        restored = restore.under_way(host, documents, backup)
        if restored.error is not None:
            raise restored.error
        restore.forget(documents)
        stamp = newest_stamp(restored.present)
        kept = (f"the data went back to {backup}; what was there before is kept in {stamp}",) if stamp else ()
        taken = tuple(f"written since, and taken away: {path}" for path in restored.exports)
        return (*kept, *taken, *restored.notes)

    def follow(self) -> tuple[str, ...]:
        """See ``DataCare``: the indexes of a search server are filled again."""
        restore = self.restore()
        try:
            return tuple(restore.after())
        except ReconcileError as error:
            again = f"reconcile reindex {restore.environment.name}"
            return (f"the search may still find what was taken away: {error.problem}; then: {again}",)
