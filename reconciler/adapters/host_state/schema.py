"""The tables of a journal, and how a file is told to be one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.adapters.host_state.damage import Damaged

if TYPE_CHECKING:
    from sqlite3 import Connection

APPLICATION = 0x7265636A
"""Marks the file as ours, in SQLite's ``application_id``."""
VERSION = 2
"""The format, in SQLite's ``user_version``."""

FIRST_TABLES = {
    "kept": "service TEXT PRIMARY KEY, hash TEXT NOT NULL",
    "run": "sequence INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, data TEXT NOT NULL, "
    "story TEXT",
    "step": "run INTEGER NOT NULL REFERENCES run (sequence) ON DELETE CASCADE, number INTEGER NOT NULL, "
    "data TEXT NOT NULL, PRIMARY KEY (run, number)",
    "exhibit": "run INTEGER NOT NULL REFERENCES run (sequence) ON DELETE CASCADE, number INTEGER NOT NULL, "
    "data TEXT NOT NULL, PRIMARY KEY (run, number)",
    "block": "sequence INTEGER PRIMARY KEY AUTOINCREMENT, service TEXT NOT NULL, digest TEXT NOT NULL, "
    "config_hash TEXT NOT NULL, data TEXT NOT NULL, UNIQUE (service, digest, config_hash)",
    "unblocked": "service TEXT PRIMARY KEY, at TEXT NOT NULL",
    "good": "sequence INTEGER PRIMARY KEY AUTOINCREMENT, service TEXT NOT NULL, image TEXT NOT NULL, "
    "config_hash TEXT NOT NULL, data TEXT NOT NULL, UNIQUE (service, image, config_hash)",
    "undo": "sequence INTEGER PRIMARY KEY AUTOINCREMENT, run TEXT NOT NULL UNIQUE, data TEXT NOT NULL",
    "observation": "one INTEGER PRIMARY KEY CHECK (one = 1), data TEXT NOT NULL",
}
"""Those of format 1. What is asked for is in columns of its own; all else is JSON in ``data``. A ``sequence``
is the order in which things were written down: clocks are set back, this is not."""

OUTBOX_TABLES = {
    "event": "sequence INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL UNIQUE, incident TEXT NOT NULL, "
    "data TEXT NOT NULL",
    "message": "number INTEGER PRIMARY KEY AUTOINCREMENT, "
    "event INTEGER NOT NULL REFERENCES event (sequence) ON DELETE CASCADE, channel TEXT NOT NULL, "
    "state TEXT NOT NULL, weight INTEGER NOT NULL, data TEXT NOT NULL, UNIQUE (event, channel)",
    "told": "one INTEGER PRIMARY KEY CHECK (one = 1), data TEXT NOT NULL",
}
"""What came with format 2."""

TABLES = FIRST_TABLES | OUTBOX_TABLES


class Newer(Exception):
    """A newer version of the program wrote the file; its argument is that format."""


def exists(connection: Connection) -> int:
    """The format of the database, whose tables are exactly as they are made; 0 where it is empty.

    Raises:
        Damaged: it has something else.
        Newer: it has tables of a newer version.
    """
    application, version, tables = _snapshot(connection)
    if (application, version) == (0, 0) and not tables:
        return 0
    if application == APPLICATION and version > VERSION:
        raise Newer(version)
    names = {1: FIRST_TABLES, VERSION: TABLES}.get(version, {})
    if application != APPLICATION or not names or tables != {name: _statement(name) for name in names}:
        raise Damaged("it is not a journal")
    return version


def create(connection: Connection) -> None:
    """Make the tables in an empty database, all or none. The caller keeps others from doing the same."""
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("BEGIN IMMEDIATE")
    for name in TABLES:
        connection.execute(_statement(name))
    connection.execute(f"PRAGMA application_id = {APPLICATION}")
    connection.execute(f"PRAGMA user_version = {VERSION}")
    connection.execute("COMMIT")


def upgrade(connection: Connection) -> None:
    """Add what format 1 lacks, all or nothing. What it has stays as it is.

    Whoever reads meanwhile reads the one or the other. An older version of the program that has it open goes
    on with its tables, which are the same.
    """
    connection.execute("BEGIN IMMEDIATE")
    if _number(connection, "user_version") < VERSION:  # nobody was faster
        for name in OUTBOX_TABLES:
            connection.execute(_statement(name))
        connection.execute(f"PRAGMA user_version = {VERSION}")
    connection.execute("COMMIT")


def _statement(name: str) -> str:
    """What makes a table; SQLite keeps it word for word."""
    return f"CREATE TABLE {name} ({TABLES[name]})"


def _snapshot(connection: Connection) -> tuple[int, int, dict[str, str]]:
    """Marks and tables as of one moment: another process may be making them just now."""
    query = (
        "SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite|_%' ESCAPE '|'"
    )
    connection.execute("BEGIN")
    try:
        application, version = _number(connection, "application_id"), _number(connection, "user_version")
        return application, version, dict(connection.execute(query).fetchall())
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _number(connection: Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])
