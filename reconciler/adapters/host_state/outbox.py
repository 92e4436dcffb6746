"""The outbox in the journal: what is to be told survives whoever was about to tell it."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from reconciler.adapters.host_state import notices
from reconciler.adapters.host_state.database import Database
from reconciler.adapters.host_state.journal import ENDING
from reconciler.adapters.host_state.place import Place, unusable
from reconciler.domain.environment import Environment
from reconciler.domain.events import Event, Message
from reconciler.domain.told import Told


@dataclass(frozen=True, slots=True)
class SqliteOutbox:
    """The ``Outbox`` port over the journal's file of each environment. Reading never makes a file.

    It has connections of its own: who delivers never waits for who reconciles, or the other way about, longer
    than a transaction takes. Threads may share it.
    """

    place: Place
    _databases: dict[str, Database] = field(default_factory=dict, repr=False)

    def told(self, environment: Environment) -> Told:
        """See ``ports.Outbox``."""
        return self._of(environment).read(notices.told, Told())

    def put(self, environment: Environment, event: Event, channels: Sequence[str]) -> None:
        """See ``ports.Outbox``. It survives a kill; a power cut once the end of the pass was flushed."""
        self._of(environment).write(lambda db: notices.put(db, event, channels))

    def due(self, environment: Environment, at: datetime) -> tuple[Message, ...]:
        """See ``ports.Outbox``."""
        return self._of(environment).read(lambda db: notices.due(db, at), ())

    def note(self, environment: Environment, message: Message) -> None:
        """See ``ports.Outbox``. It survives a kill; after a power cut a message may be told twice."""
        self._of(environment).write(lambda db: notices.note(db, message))

    def receipts(self, environment: Environment, channel: str, incident: str) -> tuple[Message, ...]:
        """See ``ports.Outbox``."""
        return self._of(environment).read(lambda db: notices.receipts(db, channel, incident), ())

    def waiting(self, environment: Environment) -> tuple[Message, ...]:
        """See ``ports.Outbox``."""
        return self._of(environment).read(notices.waiting, ())

    @contextmanager
    def delivering(self, environment: Environment) -> Iterator[bool]:
        """See ``ports.Outbox``. The kernel frees the lock when its holder dies."""
        path = self.place.file(environment, "outbox")
        try:
            self.place.make()
            file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise unusable(path, error) from error
        try:
            yield _alone(file)
        finally:
            os.close(file)

    def close(self) -> None:
        """Close every file; a file is opened again when it is needed."""
        for database in self._databases.values():
            database.close()

    def _of(self, environment: Environment) -> Database:
        path = self.place.file(environment, ENDING)
        return self._databases.setdefault(path.name, Database(path, self.place.make))


def _alone(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
