"""Documents of a database that keeps all revisions as trees, as CouchDB does, and backups of it, as values.

A document is a tree of revisions. Its leaves are what it is now: one that wins, and others in conflict with
it. A leaf may be a tombstone. https://docs.couchdb.org/en/stable/replication/conflicts.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

Leaves = Mapping[str, frozenset[str]]
"""Document id → the revisions of all its leaves, tombstones included."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """One leaf of one document.

    Args:
        document: the id.
        history: the hashes of its revisions, the newest first, as far as the server still knows them.
        generation: of the newest: a revision is ``{generation}-{history[0]}``.
        deleted: whether it is a tombstone.
        body: everything else as canonical JSON (keys sorted): no field of the server but ``_attachments``.
            Those are with their content where it was asked for, otherwise with digest, length and type only.
    """

    document: str
    generation: int
    history: tuple[str, ...]
    body: str
    deleted: bool = False

    @property
    def revision(self) -> str:
        """As the server writes it."""
        return f"{self.generation}-{self.history[0]}"


@dataclass(frozen=True, slots=True)
class DatabaseState:
    """How much is in a database, and how far it has got.

    ``sequence`` is opaque; the same one means that nothing was written. Only its equality means anything.
    """

    documents: int
    deleted: int
    sequence: str


@dataclass(frozen=True, slots=True)
class Backup:
    """One backup of one database, as its marker inside of it says; without a marker it is none.

    Args:
        name: of the database that it is: ``{source}_backup_YYYYMMDD-HHMMSS``.
        source: the database that it is of.
        taken_at: when it was begun, in UTC.
        sequence: the source's, when it was begun.
        documents: how many it has.
        deleted: how many tombstones.
        digest: SHA-256 over all ids and leaf revisions, sorted.
        point_in_time: whether nothing was written to the source meanwhile.
        releases: the revisions that ran with these data; a release without changes since adds its own.
        runs: the passes before whose releases it was made.
        purpose: ``release``, ``asked`` or ``restore``: why it was made.
        together: the names of the backups of all databases that were backed up at once, its own among them.
            A database that had not changed is in there with an earlier one.
    """

    name: str
    source: str
    taken_at: datetime
    sequence: str
    documents: int
    deleted: int
    digest: str
    point_in_time: bool
    releases: tuple[str, ...] = ()
    runs: tuple[str, ...] = ()
    purpose: str = "asked"
    together: tuple[str, ...] = ()
