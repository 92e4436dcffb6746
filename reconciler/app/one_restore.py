"""One restore, from what was chosen to what came of it; see ``app.restore``."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from reconciler.app.backup import Backups
from reconciler.app.bring_back import BringBack
from reconciler.app.choosing import Chosen, choose, differences
from reconciler.app.data_revisions import running_release
from reconciler.app.host import Host
from reconciler.app.writers import start_writers, stop_writers, writers_of
from reconciler.domain.backups import Purpose
from reconciler.domain.brakes import Pause
from reconciler.domain.report import Step, Verb
from reconciler.domain.restoring import (
    NOTE,
    Difference,
    Ending,
    Phase,
    Restored,
    Restoring,
    note_text,
)
from reconciler.errors import DataFailed, PermissionRefused, ReconcileError, Stale
from reconciler.ports import Documents

if TYPE_CHECKING:
    from reconciler.app.restore import Restore

STORE = "couchdb"
"""What services name that write to these databases."""


@dataclass(slots=True)
class OneRestore:
    """One restore while it goes on."""

    restore: Restore
    host: Host
    documents: Documents
    state: Restoring = field(default_factory=lambda: Restoring(Phase.STOPPING, {}))
    ending: Ending = Ending.UNTOUCHED
    differences: tuple[Difference, ...] = ()
    steps: list[Step] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    done: bool = True

    def __post_init__(self) -> None:
        self.host = noting(self.host, self.steps)

    def run(self, wanted: str) -> Restored:
        """All of it. What goes wrong once something was begun is in the result."""
        started = self.host.clock.monotonic()
        chosen = choose(self._backups, wanted)
        error: ReconcileError | None = None
        try:
            self._run(chosen)
        except ReconcileError as problem:
            error = problem
        return Restored(
            environment=self.restore.environment.name,
            ending=self.ending,
            backup=chosen.stamp,
            differences=self.differences,
            present=tuple(self.state.present.values()),
            exports=self.state.exports,
            error=error,
            done=self.done,
            going=self.state.going,
            steps=tuple(self.steps),
            seconds=self.host.clock.monotonic() - started,
            notes=tuple(self.notes),
        )

    def _run(self, chosen: Chosen) -> None:
        standing = chosen.standing
        phase = standing.phase if standing is not None else None
        if standing is not None and phase is Phase.RESTORED:
            self.state = standing  # all that is left is to let the writers run again
            self.notes.append("the data went back in an earlier run; this one only did what was left to do")
            if dict(standing.backups) != chosen.names:
                self._resume()
                self._run(replace(chosen, standing=None))
                return
        elif standing is not None and phase is Phase.RESTORING:
            self._go_on(standing, chosen)
        elif not self._prepared(chosen):
            return
        self.ending = Ending.RESTORED
        self._resume()

    def _prepared(self, chosen: Chosen) -> bool:
        """A restore from its beginning; False where nothing was to be done."""
        self.differences = differences(self.documents, chosen)
        if chosen.standing is None and not self._anything():
            self.ending = Ending.RESTORED
            self.done = False
            return False
        self._prepare(chosen)
        self._bring_back()
        return True

    def _go_on(self, standing: Restoring, chosen: Chosen) -> None:
        """Where an attempt was killed: what is there now is half this, half that; of that no backup."""
        self.ending = Ending.HALF
        writers = writers_of(self.host, self.restore.environment, self._services, standing.writers)
        self._note(replace(standing, backups=chosen.names, writers=writers))
        self.differences = differences(self.documents, chosen)
        self._hold()
        self._bring_back()

    # --- Before the data change -------------------------------------------------------------------

    def _anything(self) -> bool:
        """Whether documents or permissions differ."""
        return any(
            one.total
            or self.documents.state(one.database) is None
            or self.documents.security(one.database) != self.documents.security(one.backup)
            for one in self.differences
        )

    def _prepare(self, chosen: Chosen) -> None:
        """Everything up to the point from which the data change. What fails is taken back."""
        for database, backup in chosen.backups.items():
            if self.documents.state(database) is None:
                self.documents.create(database, backup.name)
        stamp = self._backups.copy_ahead()
        self._begin(chosen)
        try:
            self._hold()
            self._keep_present(stamp)
            self.notes += self.restore.before(self.host)
            if self.host.interrupted():
                raise Stale("ended before anything was restored, as it was asked to")
        except ReconcileError:
            self._take_back()
            raise
        self.ending = Ending.HALF
        self._note(replace(self.state, phase=Phase.RESTORING))

    def _begin(self, chosen: Chosen) -> None:
        """Write down what is about to be stopped, and what held the environment before."""
        environment, earlier = self.restore.environment, chosen.standing
        now = self.restore.pauses.pause(environment)
        by_hand = now if now is not None and not now.stops else None
        self._note(
            Restoring(
                Phase.STOPPING,
                chosen.names,
                writers=writers_of(
                    self.host, environment, self._services, earlier.writers if earlier else ()
                ),
                pause=by_hand or (earlier.pause if earlier else None),
            )
        )
        if not self._services:
            self.notes.append("no service says that it uses couchdb: none was stopped")

    def _hold(self) -> None:
        """Keep everybody from starting what writes, and stop it."""
        environment = self.restore.environment
        reason = f"its data go back to {self.state.stamp}: reconcile restore {environment.name} {STORE}"
        pause = Pause(reason, self.restore.by, self.host.clock.now(), stops=self._services)
        self.restore.pauses.begin(environment, pause)
        stop_writers(self.host, self.state.writers)

    def _keep_present(self, stamp: str) -> None:
        """Back up what is there now, and export what the backup has not."""
        environment = self.restore.environment
        try:
            release = running_release(environment, self.restore.journal)
        except PermissionRefused as error:
            release = ""
            self.notes.append(f"which release ran is not known: {error.problem}")
        kept = self._backups.back_up(release=release, purpose=Purpose.RESTORE, stamp=stamp)
        self.notes += kept.notes
        exports = [
            self.restore.exports.write(
                environment,
                f"{STORE}-{database}-{stamp}.ndjson",
                BringBack(self.documents, name, database).written_since(),
            )
            for database, name in self.state.backups.items()
        ]
        self.state = replace(
            self.state,
            present={backup.source: backup.name for backup in kept.backups},
            exports=tuple(path for path in exports if path),
        )

    def _take_back(self) -> None:
        """Let everything run as it did. What cannot be undone now is undone when this is run again."""
        for undo in (self._start, self._let_go, self._forget):
            try:
                undo()
            except ReconcileError as error:
                self.notes.append(f"{error.problem}; running the restore again, or resume, puts it right")

    # --- The data, and afterwards -----------------------------------------------------------------

    def _bring_back(self) -> None:
        for database, backup in self.state.backups.items():
            with self.host.step(Verb.RESTORE, database, backup):
                BringBack(self.documents, backup, database).restore()
                security = self.documents.security(backup)
                if self.documents.security(database) != security:
                    self.documents.set_security(database, security)
            self._warm(database)
        self._note(replace(self.state, phase=Phase.RESTORED, going=self.restore.waiting()))

    def _warm(self, database: str) -> None:
        """Build the views before anybody asks them; one that cannot be built could not before either."""
        try:
            self.documents.warm(database)
        except DataFailed as error:
            self.notes.append(f"the views of {database} are not all built: {error.problem}")

    def _resume(self) -> None:
        """Let the writers run again. The note stays until what follows the data is done too."""
        if self.state.going:
            self.restore.told()
        self._start()
        self._let_go()

    def _start(self) -> None:
        self.notes += start_writers(self.host, self.state.writers, self.state.going)

    def _forget(self) -> None:
        self.restore.forget(self.documents)

    def _let_go(self) -> None:
        """End our pause; one that held before, or that a person began meanwhile, holds on."""
        environment, pauses = self.restore.environment, self.restore.pauses
        now = pauses.pause(environment)
        if now is None or not now.stops:
            return
        if self.state.pause is not None:
            pauses.begin(environment, self.state.pause)
        else:
            pauses.end(environment)

    # --- Small parts ------------------------------------------------------------------------------

    def _note(self, state: Restoring) -> None:
        """Have the databases say how far it has got."""
        self.state = state
        for database in state.backups:
            self.documents.set_note(database, NOTE, note_text(state))

    @property
    def _services(self) -> tuple[str, ...]:
        return self.restore.environment.data.writers(STORE)

    @property
    def _backups(self) -> Backups:
        return Backups(self.host, self.documents, self.restore.couch)


def noting(host: Host, steps: list[Step]) -> Host:
    """The same host, whose steps are added to ``steps`` as they end."""

    def progress(step: Step) -> None:
        steps.append(step)
        host.progress(step)

    return replace(host, progress=progress)
