"""A damaged journal is set aside under another name, and a new one begun: it costs words, never a service."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from reconciler.adapters.host_state.ownership import Identity, identity

WRITE_AHEAD_LOG, SHARED_MEMORY = "-wal", "-shm"
"""What SQLite appends to the names of the files beside a database."""


class Damaged(Exception):
    """The file is no journal, or not a whole one."""


@contextmanager
def holding(folder: Path) -> Iterator[None]:
    """Keep other processes from beginning or setting aside a journal in ``folder`` meanwhile.

    The folder itself is locked. Opening a database file for that would be a trap: closing it again frees
    the locks that SQLite has on it anywhere in this process.
    """
    held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
    finally:
        os.close(held)


def set_aside(path: Path, damaged: Identity, why: object) -> None:
    """Rename the database ``path`` with its log, if it still is the ``damaged`` one.

    Another process may have set it aside already, and begun a new one under its name.

    Raises:
        OSError: it cannot be renamed.
        PermissionRefused: something that is not ours lies in its place now.
    """
    with holding(path.parent):
        if identity(path) != damaged:
            return
        aside = _free_name(path)
        # The log goes first: one that was left here would be replayed into the new database.
        for ending in (WRITE_AHEAD_LOG, ""):
            file = path.with_name(path.name + ending)
            if file.exists():
                file.rename(aside.with_name(aside.name + ending))
        path.with_name(path.name + SHARED_MEMORY).unlink(missing_ok=True)
    import logging

    logging.getLogger(__name__).warning(
        "%s is damaged (%s); it was set aside as %s, and a new one is begun", path, why, aside.name
    )


def _free_name(path: Path) -> Path:
    """``NAME.damaged-TIME``, with the time at which it was last written."""
    written = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    name = f"{path.name}.damaged-{written:%Y%m%dT%H%M%SZ}"
    for number in count(1):
        aside = path.with_name(name if number == 1 else f"{name}-{number}")
        if not os.path.lexists(aside):
            break
    return aside
