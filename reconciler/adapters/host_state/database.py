"""One SQLite file: opened when it is needed, and with every error of SQLite translated at this boundary."""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any, TypeVar

from reconciler.adapters.host_state import ownership, schema
from reconciler.adapters.host_state.damage import WRITE_AHEAD_LOG, Damaged, holding, set_aside
from reconciler.adapters.host_state.place import unusable
from reconciler.errors import PermissionRefused

if TYPE_CHECKING:
    from sqlite3 import Connection, Error

T = TypeVar("T")

PATIENCE_SECONDS = 5.0
"""How long to wait for another process that is writing; no transaction takes nearly as long."""

# SQLite's primary result codes: the lowest byte of what an error carries.
_CORRUPT = frozenset({11, 19, 26})  # 19: of our rows none breaks a constraint, unless an index is wrong
_FAILED = 1
_UNOPENABLE = frozenset({8, 14})
_FULL = 13
_NO_ROOM_FOR_INDEX = frozenset({4618, 4874})
"""SQLITE_IOERR_SHMOPEN and _SHMSIZE, extended codes: there is no room for the index of the log, a file."""
_REASONS = {
    3: "permission denied",
    5: "another process keeps it locked",
    6: "another process keeps it locked",
    8: "it is read-only",
    10: "the disk does not read or write it",
    13: "no space is left on the device",
    14: "it cannot be opened",
    23: "permission denied",
}


@dataclass(slots=True, weakref_slot=True)
class Database:
    """The journal of one project on one engine.

    It has one connection, used by one thread at a time, and opened again when the file was replaced. What
    SQLite calls damaged is set aside, once, and begun anew; what is only locked, full or read-only is not.

    Args:
        path: the file; its folder is the state directory.
        make_folder: makes that folder. May raise OSError.
    """

    path: Path
    make_folder: Callable[[], None]
    _connection: Connection | None = None
    _identity: ownership.Identity | None = None
    _checked: bool = False
    _close: Callable[[], object] = field(default=lambda: None, repr=False)
    _lock: RLock = field(default_factory=RLock, repr=False)

    def read(self, question: Callable[[Connection], T], nothing: T) -> T:
        """The answer to ``question``, which reads one snapshot; ``nothing`` where there is no journal.

        Raises:
            PermissionRefused: it cannot be read.
        """

        def answer() -> T:
            connection = self._opened(create=False)
            if connection is None:
                return nothing
            try:
                with _transaction(connection, "BEGIN"):
                    return question(connection)
            finally:
                if not self._checked:  # see `_readable`
                    self.close()

        return self._done(answer)

    def write(self, change: Callable[[Connection], T], *, durable: bool = False) -> T:
        """Change all or nothing; the journal is begun where there is none.

        Args:
            change: makes the change.
            durable: whether it must survive a power cut, which costs a write to the disk.

        Raises:
            PermissionRefused: it cannot be written.
        """

        def do() -> T:
            connection = self._opened(create=True)
            assert connection is not None, "it was begun"
            connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
            with _transaction(connection, "BEGIN IMMEDIATE"):
                return change(connection)

        return self._done(do)

    def close(self) -> None:
        """Close the connection, if there is one. It is opened again when it is needed."""
        with self._lock:
            self._close()
            self._connection, self._identity, self._checked = None, None, False

    def _done(self, action: Callable[[], T]) -> T:
        with self._lock:
            try:
                return self._translated(action)
            except Damaged as damaged:
                self._set_aside(damaged)
            try:
                return self._translated(action)
            except Damaged as damaged:
                raise self._refused(str(damaged)) from damaged

    def _translated(self, action: Callable[[], T]) -> T:
        """Do ``action``, with errors of ours alone.

        Raises:
            Damaged, PermissionRefused.
        """
        try:
            return action()
        except schema.Newer as newer:
            self.close()
            raise PermissionRefused(
                f"{self.path} was written by a newer version of reconcile: its format is {newer}, "
                f"this version knows {schema.VERSION}",
                hint="Run the newer version, or move the file away to begin a new one",
            ) from None
        except OSError as error:
            raise unusable(self.path, error) from error
        except Exception as error:
            code = _code(error)
            if code in _CORRUPT:
                raise Damaged(str(error)) from error
            if code in _REASONS:
                raise self._refused(self._reason(code)) from error
            raise

    def _set_aside(self, damaged: Damaged) -> None:
        found = self._identity or ownership.identity(self.path)
        self.close()
        if found is not None:
            try:
                set_aside(self.path, found, damaged)
            except OSError as error:
                raise unusable(self.path, error) from error

    def _opened(self, *, create: bool) -> Connection | None:
        """The connection; None where there is no journal and none is to be begun."""
        found = ownership.identity(self.path)
        if self._connection is not None and self._checked and found == self._identity:
            return self._connection
        self.close()
        if found is None:
            if not create:
                return None
            self.make_folder()
            ownership.make(self.path)
            found = ownership.identity(self.path)
        self._connection, self._identity = _connect(self.path, "mode=rw"), found
        self._close = weakref.finalize(self, self._connection.close)
        if create:
            self._checked = self._brought_up_to_date(self._connection) or self._begun(self._connection)
            return self._connection
        return self._connection if self._readable() else None

    def _brought_up_to_date(self, connection: Connection) -> bool:
        """Whether the connection has a journal, which is of the present format then."""
        found = _exists(connection)
        if found and found < schema.VERSION:
            with _rolled_back(connection):
                schema.upgrade(connection)
        return bool(found)

    def _begun(self, connection: Connection) -> bool:
        with holding(self.path.parent):
            if not self._brought_up_to_date(connection):
                schema.create(connection)
        return True

    def _readable(self) -> bool:
        """Whether the connection has a journal to read.

        SQLite needs files beside the database to read it. On a full disk it can do without, as long as the
        file is ours alone. Where these files cannot be made, and none of it is in a log, it is read as a file
        that nobody changes. Neither connection is used a second time.
        """
        assert self._connection is not None
        try:
            found = _exists(self._connection)
        except Exception as error:
            log = self.path.with_name(self.path.name + WRITE_AHEAD_LOG)
            full = _code(error) == _FULL
            if not full and (_code(error) not in _UNOPENABLE or (log.exists() and log.stat().st_size)):
                raise
        else:
            self._checked = found == schema.VERSION
            return bool(found)
        self._close()
        self._connection = _connect(self.path, "mode=rw" if full else "mode=ro&immutable=1", alone=full)
        self._close = weakref.finalize(self, self._connection.close)
        return bool(_exists(self._connection))

    def _reason(self, code: int) -> str:
        """Why it cannot be used. SQLite may call a read-only disk a file that cannot be opened."""
        if code in _UNOPENABLE and os.statvfs(self.path.parent).f_flag & os.ST_RDONLY:
            return "its file system is read-only"
        return _REASONS[code]

    def _refused(self, why: str) -> PermissionRefused:
        return PermissionRefused(
            f"{self.path} cannot be used: {why}",
            hint="Make the state directory writable, or name another one with RECONCILE_STATE_DIR",
        )


def _connect(path: Path, how: str, *, alone: bool = False) -> Connection:
    """A connection to a file that is there: SQLite would make one that everybody can read.

    Args:
        path: the file.
        how: SQLite's parameters of its URL.
        alone: whether nobody else may use it meanwhile: the index of its log is then kept in memory.
    """
    import sqlite3

    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?{how}",
        uri=True,
        timeout=PATIENCE_SECONDS,
        isolation_level=None,
        check_same_thread=False,  # `Database` lets in one at a time
    )
    connection.text_factory = _text
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA temp_store = MEMORY")
    if alone:
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    return connection


def _exists(connection: Connection) -> int:
    """See ``schema.exists``. Of a damaged schema SQLite only says that a statement failed."""
    try:
        return schema.exists(connection)
    except Exception as error:
        if _code(error) == _FAILED:
            raise Damaged(str(error)) from error
        raise


@contextmanager
def _transaction(connection: Connection, begin: str) -> Iterator[None]:
    connection.execute(begin)
    with _rolled_back(connection):
        yield
        connection.execute("COMMIT")


@contextmanager
def _rolled_back(connection: Connection) -> Iterator[None]:
    """What is not committed by then never was."""
    try:
        yield
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _text(value: bytes) -> str:
    """Bytes that are no UTF-8 show that the file is damaged, and are found out by who decodes the text."""
    return value.decode(errors="replace")


def _code(error: Exception | Error) -> int:
    """SQLite's primary result code; -1 for an error that is not SQLite's."""
    code: Any = getattr(error, "sqlite_errorcode", None)
    if code in _NO_ROOM_FOR_INDEX:
        return _FULL
    return code & 0xFF if isinstance(code, int) else -1
