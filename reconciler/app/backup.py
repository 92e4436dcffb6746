"""Back up the databases of an environment, and let go of backups that nothing needs.

A backup is a replica beside its database, verified, with a marker inside. The markers are written when the
replicas of all databases are verified: whatever is killed, what has a marker is whole, and so is everything
that was backed up together with it.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from reconciler.app.copying import Copying
from reconciler.app.host import Host
from reconciler.domain.backups import (
    MARKER,
    Purpose,
    Unreadable,
    expired,
    read_marker,
    source_and_stamp,
)
from reconciler.domain.data import CouchDb
from reconciler.domain.documents import Backup
from reconciler.domain.restoring import NOTE, Phase, Restoring, read_note
from reconciler.errors import DataFailed, ReconcileError
from reconciler.ports import Documents

NAMED = 5
"""How many documents an error names."""


@dataclass(frozen=True, slots=True)
class Listed:
    """What there is in backups.

    Args:
        backups: the verified ones, the newest first.
        partial: the names of those without a marker, of an attempt that was interrupted.
        unreadable: names of those whose marker this version cannot read, and why.
    """

    backups: tuple[Backup, ...] = ()
    partial: tuple[str, ...] = ()
    unreadable: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class BackedUp:
    """What came of a backup.

    Args:
        backups: that of each database, in the order in which they are configured.
        copied: the names of those that were made; the others were there, and nothing was written since.
        expired: the names of older ones that went.
        notes: what did not go as it should, and changed nothing of the result.
    """

    backups: tuple[Backup, ...]
    copied: tuple[str, ...] = ()
    expired: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Backups:
    """The backups of one environment's databases.

    Args:
        host: tells of steps, and knows the time.
        documents: the server.
        couch: which databases, and how many backups stay.
    """

    host: Host
    documents: Documents
    couch: CouchDb

    def listed(self) -> Listed:
        """All backups of the configured databases; see ``list_backups``."""
        return list_backups(self.documents, self.couch)

    def copy_ahead(self) -> str:
        """Copy what has changed while its writers still run, so that little is left to copy afterwards.

        Returns the stamp to go on with. What is copied is no backup yet.

        Raises:
            DataUnreachable, PermissionRefused, DataFailed: see ``back_up``.
        """
        copying = self._copying(self.listed(), Purpose.RESTORE)
        copying.run(ahead=True)
        return copying.stamp

    def back_up(
        self,
        *,
        release: str = "",
        purpose: Purpose = Purpose.ASKED,
        protected: Collection[str] = (),
        stamp: str = "",
        run: str = "",
    ) -> BackedUp:
        """A verified backup of every database, as far as one has changed since its last.

        Args:
            release: the revision that runs; empty where none is known.
            purpose: why it is made.
            protected: the revisions of releases that can be gone back to: what they left is not let go of.
            stamp: what ``copy_ahead`` said; empty where nothing was copied ahead.
            run: the pass that makes a release after it.

        Raises:
            DataUnreachable, PermissionRefused.
            DataFailed: a backup could not be made or verified; what was made of it is deleted, and earlier
                backups are as they were.
        """
        listed = self.listed()
        if purpose is not Purpose.RESTORE:
            self._require_whole()
        copying = self._copying(listed, purpose)
        copying.release, copying.stamp, copying.run_id = release, stamp, run
        notes = copying.run()
        copying.mark()
        gone, failed = tuple[str, ...](), tuple[str, ...]()
        if purpose is not Purpose.RESTORE:  # it works with some that are not marked as in use yet
            gone, failed = self._let_go(self.listed() if copying.made else listed, protected)
        made = tuple(backup.name for backup in copying.made)
        return BackedUp(tuple(copying.result), made, gone, (*notes, *failed))

    def restoring(self) -> dict[str, Restoring]:
        """The restores that databases say are under way, by database.

        Raises:
            DataFailed: what one says cannot be read.
            DataUnreachable, PermissionRefused.
        """
        found: dict[str, Restoring] = {}
        for database in self.couch.databases:
            if self.documents.state(database) is None:
                continue
            try:
                note = read_note(self.documents.note(database, NOTE))
            except ValueError as error:
                raise DataFailed(
                    f"the note in database {database} about a restore is not understood: {error}",
                    hint="A newer version of reconcile may have written it: use that one",
                ) from error
            if note is not None:
                found[database] = note
        return found

    def _copying(self, listed: Listed, purpose: Purpose) -> Copying:
        now = self.host.clock.now()
        return Copying(self.host, self.documents, self.couch, listed.backups, purpose, now)

    def _require_whole(self) -> None:
        for database, note in self.restoring().items():
            if note.phase is not Phase.RESTORING:
                continue
            raise DataFailed(
                f"database {database} is in the middle of a restore from {note.backups.get(database, '?')}: "
                "a backup of it would be half of this and half of that",
                hint="Let the restore end: run it again",
            )

    def _let_go(self, listed: Listed, protected: Collection[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Delete what is not needed any more; what cannot be deleted is for another time."""
        gone: list[str] = []
        notes: list[str] = []
        try:
            restores = self.restoring().values()
        except ReconcileError as error:
            return (), (f"older backups stay: {error.problem}",)
        in_use = {name for note in restores for name in (*note.backups.values(), *note.present.values())}
        for database in self.couch.databases:
            for name in expired(
                [backup for backup in listed.backups if backup.source == database],
                [name for name in listed.partial if _of(name) == database],
                keep=self.couch.keep,
                protected=protected,
                in_use=in_use,
            ):
                try:
                    self.documents.delete(name)
                    gone.append(name)
                except ReconcileError as error:
                    notes.append(f"the older backup {name} stays: {error.problem}")
        return tuple(gone), tuple(notes)


def list_backups(documents: Documents, couch: CouchDb) -> Listed:
    """All backups of the configured databases.

    Raises:
        DataUnreachable, PermissionRefused, DataFailed.
    """
    backups: list[Backup] = []
    partial: list[str] = []
    unreadable: list[tuple[str, str]] = []
    for name in documents.databases():
        found = source_and_stamp(name)
        if found is None or found[0] not in couch.databases:
            continue
        try:
            backup = read_marker(name, documents.note(name, MARKER))
        except Unreadable as error:
            unreadable.append((name, str(error)))
            continue
        if backup is None:
            partial.append(name)
        else:
            backups.append(backup)
    backups.sort(key=lambda backup: (backup.name[-15:], backup.source), reverse=True)
    return Listed(tuple(backups), tuple(sorted(partial)), tuple(unreadable))


def _of(name: str) -> str:
    found = source_and_stamp(name)
    return found[0] if found else ""
