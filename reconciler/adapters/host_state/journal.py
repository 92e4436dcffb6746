"""What a host writes down about passes, in one SQLite file for each project on an engine.

Losing it costs words, and the protection of a few images: what must survive is on the engine and in Git.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from reconciler.adapters.host_state import codec, passes, pinned
from reconciler.adapters.host_state.database import Database
from reconciler.adapters.host_state.place import Place
from reconciler.domain.blocking import Block, Good
from reconciler.domain.environment import Environment
from reconciler.domain.journal import Observation, Run, Story
from reconciler.domain.report import Step, Verb
from reconciler.domain.undo import Undo

if TYPE_CHECKING:
    from sqlite3 import Connection

ENDING = "journal"


@dataclass(frozen=True, slots=True)
class SqliteJournal:
    """The ``Journal`` port over one file per environment. Reading never makes a file.

    Threads may share it. Every method raises ``PermissionRefused`` where the file cannot be used.
    """

    place: Place
    _databases: dict[str, Database] = field(default_factory=dict, repr=False)

    def kept(self, environment: Environment) -> Mapping[str, str]:
        """See ``ports.Journal``."""
        query = "SELECT service, hash FROM kept"
        nothing: dict[str, str] = {}
        return self._of(environment).read(lambda db: dict(db.execute(query).fetchall()), nothing)

    def keep(self, environment: Environment, hashes: Mapping[str, str]) -> None:
        """See ``ports.Journal``."""

        def change(db: Connection) -> None:
            db.execute("DELETE FROM kept")
            db.executemany("INSERT INTO kept VALUES (?, ?)", sorted(hashes.items()))

        self._of(environment).write(change)

    def begin(self, environment: Environment, run: Run) -> str:
        """See ``ports.Journal``."""
        return self._of(environment).write(lambda db: passes.begin(db, run))

    def begin_step(self, environment: Environment, run: str, verb: Verb, subject: str, detail: str) -> None:
        """See ``ports.Journal``. It survives a kill, but not always a power cut.

        To wait for the disk before each step would lengthen the gap of a switch, and recovery does not read
        steps: it looks at the engine.
        """
        begun = Step.begun(verb, subject, detail)
        self._of(environment).write(lambda db: passes.add_step(db, run, begun))

    def step(self, environment: Environment, run: str, step: Step) -> None:
        """See ``ports.Journal``."""
        self._of(environment).write(lambda db: passes.end_step(db, run, step))

    def finish(self, environment: Environment, story: Story) -> None:
        """See ``ports.Journal``. Old passes go, and old exhibits before them."""

        def change(db: Connection) -> None:
            passes.close(db, story)
            passes.prune(db)

        self._of(environment).write(change, durable=True)

    def runs(self, environment: Environment, *, limit: int = 0) -> tuple[Run, ...]:
        """See ``ports.Journal``."""
        return self._of(environment).read(lambda db: passes.runs(db, limit), ())

    def story(self, environment: Environment, run: str) -> Story | None:
        """See ``ports.Journal``."""
        return self._of(environment).read(lambda db: passes.story(db, run), None)

    def blocks(self, environment: Environment) -> tuple[Block, ...]:
        """See ``ports.Journal``."""
        return self._of(environment).read(pinned.blocks, ())

    def block(self, environment: Environment, blocks: Sequence[Block]) -> None:
        """See ``ports.Journal``."""
        self._of(environment).write(lambda db: pinned.block(db, blocks), durable=True)

    def unblock(self, environment: Environment, services: Sequence[str], at: datetime) -> tuple[Block, ...]:
        """See ``ports.Journal``."""
        return self._of(environment).write(lambda db: pinned.unblock(db, services, at), durable=True)

    def unblocked(self, environment: Environment) -> Mapping[str, datetime]:
        """See ``ports.Journal``."""
        nothing: dict[str, datetime] = {}
        return self._of(environment).read(pinned.unblocked, nothing)

    def good(self, environment: Environment) -> tuple[Good, ...]:
        """See ``ports.Journal``."""
        return self._of(environment).read(pinned.goods, ())

    def note_good(self, environment: Environment, goods: Sequence[Good]) -> None:
        """See ``ports.Journal``."""
        self._of(environment).write(lambda db: pinned.note_good(db, goods))

    def undo(self, environment: Environment) -> Undo | None:
        """See ``ports.Journal``."""
        return self._of(environment).read(passes.undo, None)

    def note_undo(self, environment: Environment, undo: Undo) -> None:
        """See ``ports.Journal``."""
        self._of(environment).write(lambda db: passes.note_undo(db, undo), durable=True)

    def observation(self, environment: Environment) -> Observation | None:
        """See ``ports.Journal``."""

        def question(db: Connection) -> Observation | None:
            found = db.execute("SELECT data FROM observation").fetchone()
            return codec.decoded(codec.observation_from, found[0]) if found else None

        return self._of(environment).read(question, None)

    def observe(self, environment: Environment, observation: Observation | None) -> None:
        """See ``ports.Journal``."""

        def change(db: Connection) -> None:
            db.execute("DELETE FROM observation")
            if observation is not None:
                data = codec.encoded(codec.observation_object(observation))
                db.execute("INSERT INTO observation VALUES (1, ?)", (data,))

        self._of(environment).write(change, durable=True)

    def close(self) -> None:
        """Close every file; a file is opened again when it is needed."""
        for database in self._databases.values():
            database.close()

    def _of(self, environment: Environment) -> Database:
        path = self.place.file(environment, ENDING)
        return self._databases.setdefault(path.name, Database(path, self.place.make))
