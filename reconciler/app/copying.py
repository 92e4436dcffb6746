"""One backup while it is made: copy what changed, verify it, and mark it as what it is."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime

from reconciler.app.host import Host
from reconciler.domain.backups import MARKER, Purpose, backup_name, free_stamp, marker_text, newest
from reconciler.domain.data import CouchDb
from reconciler.domain.documents import Backup, DatabaseState
from reconciler.domain.leaves import digest_of, unlike
from reconciler.domain.report import Verb
from reconciler.errors import DataFailed, ReconcileError
from reconciler.ports import Documents

NAMED = 5
"""How many documents an error names."""


@dataclass(slots=True)
class Copying:
    """One backup while it is made. ``result`` is that of each database, ``made`` are those that are new."""

    host: Host
    documents: Documents
    couch: CouchDb
    earlier: Sequence[Backup]
    purpose: Purpose
    at: datetime
    stamp: str = ""
    release: str = ""
    run_id: str = ""
    result: list[Backup] = field(default_factory=list)
    made: list[Backup] = field(default_factory=list)

    def run(self, *, ahead: bool = False) -> list[str]:
        """Copy what changed; verify that, or leave it at a copy ``ahead``. Returns what is worth a note."""
        couch, documents = self.couch, self.documents
        self.stamp = self.stamp or free_stamp(self.at, couch.databases, documents.databases())
        notes: list[str] = []
        try:
            for database in couch.databases:
                state = documents.state(database)
                if state is None:
                    notes.append(self._missing(database))
                elif (same := self._unchanged(database, state)) is not None:
                    self.result.append(same)
                elif ahead:
                    self._replicate(database)
                else:
                    self._copy(database, state)
        except DataFailed:
            for database in couch.databases:
                with suppress(ReconcileError):  # without a marker it is none, and goes with the next one
                    documents.delete(backup_name(database, self.stamp))
            raise
        return notes

    def _missing(self, database: str) -> str:
        """A database that is not there: nothing to lose where it never was."""
        if self.purpose is Purpose.ASKED or newest(self.earlier, database) is not None:
            raise DataFailed(
                f"there is no database {database} at {self.documents.name}",
                hint="Look at data.couchdb.databases in reconcile.yaml, or restore it from its last backup",
            )
        return f"there is no database {database} yet: nothing of it to back up"

    def _unchanged(self, database: str, state: DatabaseState) -> Backup | None:
        """The newest backup, where nothing was written since it was begun, and it is still what it was."""
        documents, last = self.documents, newest(self.earlier, database)
        if last is None or last.sequence != state.sequence:
            return None
        there = documents.state(last.name)
        if there is None or (last.documents, last.deleted) != (there.documents, there.deleted):
            return None
        if (last.documents, last.deleted) != (state.documents, state.deleted):
            return None  # a database that was made anew counts from the beginning
        return last if documents.security(database) == documents.security(last.name) else None

    def _replicate(self, database: str) -> str:
        documents, target = self.documents, backup_name(database, self.stamp)
        documents.create(target, database)
        documents.replicate(database, target)
        return target

    def _copy(self, database: str, state: DatabaseState) -> None:
        documents, target = self.documents, backup_name(database, self.stamp)
        ran = f", release {self.release[:7]}" if self.release else ""
        detail = f"{target}, sequence {state.sequence[:24]}{ran}"
        with self.host.step(Verb.BACKUP, database, detail):
            before = documents.leaves(database)
            self._replicate(database)
            documents.set_security(target, documents.security(database))
            now = documents.state(database)
            moved = now is None or now.sequence != state.sequence
            copy = documents.leaves(target)
            wrong = unlike(before, documents.leaves(database) if moved else before, copy)
            if wrong or documents.security(target) != documents.security(database):
                raise DataFailed(_not_verified(database, target, wrong), hint="Run it again")
            counts = documents.state(target)
        if counts is None:
            raise DataFailed(f"the backup {target} vanished while it was verified")
        backup = Backup(
            name=target,
            source=database,
            taken_at=self.at,
            sequence=state.sequence,
            documents=counts.documents,
            deleted=counts.deleted,
            digest=digest_of(copy),
            point_in_time=not moved,
            purpose=self.purpose,
        )
        self.made.append(backup)
        self.result.append(backup)

    def mark(self) -> None:
        """Say in each backup what it is, now that all of them are whole.

        An older one that is used again only learns of the release, and of its pass.
        """
        together = tuple(backup.name for backup in self.result)
        new = {backup.name for backup in self.made}
        for index, backup in enumerate(self.result):
            marked = backup
            if self.release and self.release not in backup.releases:
                marked = replace(marked, releases=(*backup.releases, self.release))
            if self.run_id and self.run_id not in backup.runs:
                marked = replace(marked, runs=(*backup.runs, self.run_id))
            if backup.name in new:
                marked = replace(marked, together=together)
            if backup.name in new or marked != backup:
                self.documents.set_note(backup.name, MARKER, marker_text(marked))
            self.result[index] = marked


def _not_verified(database: str, target: str, wrong: Sequence[str]) -> str:
    if not wrong:
        return f"the backup {target} has not got the permissions of {database}"
    named = ", ".join(repr(document) for document in wrong[:NAMED])
    more = f" and {len(wrong) - NAMED} more" if len(wrong) > NAMED else ""
    return f"the backup {target} is not what {database} is: {len(wrong)} documents differ: {named}{more}"
