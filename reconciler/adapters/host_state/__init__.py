"""What one host keeps in its state directory: locks, and the journal of its passes with its outbox."""

from __future__ import annotations

from reconciler.adapters.host_state.exports import ExportFiles
from reconciler.adapters.host_state.journal import SqliteJournal
from reconciler.adapters.host_state.lock import LockFile
from reconciler.adapters.host_state.outbox import SqliteOutbox
from reconciler.adapters.host_state.place import Place

__all__ = ["ExportFiles", "LockFile", "Place", "SqliteJournal", "SqliteOutbox"]
