"""Restore the databases of an environment from a backup.

The live databases say themselves how far a restore has got (``domain.restoring``), and that is written down
before it is done. So it can be killed anywhere: running it again goes on, and until the data are whole
nothing starts what writes to them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from reconciler.app.backing_up import couch_of
from reconciler.app.backup import Backups
from reconciler.app.choosing import Chosen, choose, differences
from reconciler.app.converge import Reconciler
from reconciler.app.fenced import fenced, fenced_documents
from reconciler.app.host import Host
from reconciler.app.one_restore import OneRestore, noting
from reconciler.app.verify import verify
from reconciler.domain.data import Contract, CouchDb
from reconciler.domain.environment import Environment
from reconciler.domain.gate import Judgement
from reconciler.domain.report import Verb
from reconciler.domain.restoring import NOTE, Difference, Ending, Restored
from reconciler.errors import ReconcileError
from reconciler.ports import Documents, Exports, Journal, Pauses


@dataclass(frozen=True, slots=True)
class Restore:
    """Everything that a restore needs besides the host.

    Args:
        environment: whose data.
        journal: knows which release ran.
        pauses: keep everybody from starting what writes.
        documents: the server.
        exports: keeps what was written since.
        by: who asks for it.
        before: what is done before the data change, with their writers stopped; a failure keeps the data.
            It returns what is worth a note.
        told: says that the data are those of the backup, before anything is started: a release that was kept
            for the sake of its data can go back now.
        after: what has to follow the data, such as the index of a search, once their writers run again and
            the environment is free for others; returns what is worth a note.
    """

    environment: Environment
    journal: Journal
    pauses: Pauses
    documents: Documents
    exports: Exports
    by: str = ""
    before: Callable[[Host], Sequence[str]] = field(default=lambda _host: ())
    told: Callable[[], object] = field(default=lambda: None)
    after: Callable[[], Sequence[str]] = field(default=lambda: ())

    def plan(self, host: Host, wanted: str = "") -> tuple[Chosen, tuple[Difference, ...]]:
        """What a restore would do; only looks.

        Args:
            host: the environment's outside.
            wanted: see ``choose``.

        Raises:
            Refused: see ``choose``.
            DataUnreachable, PermissionRefused, DataFailed.
        """
        chosen = choose(Backups(host, self.documents, self.couch), wanted)
        return chosen, differences(self.documents, chosen)

    def under_way(self, host: Host, documents: Documents, wanted: str = "") -> Restored:
        """A whole restore, by somebody who holds the environment, and has to ``forget`` it in the end.

        Args:
            host: its outside, whose changes are fenced.
            documents: the server, whose changes are fenced.
            wanted: see ``choose``.

        Raises:
            ReconcileError: nothing was begun.
        """
        return OneRestore(self, host, documents).run(wanted)

    def waiting(self) -> tuple[str, ...]:
        """The services of a rejected release that goes back once its data have: they are not started before.

        Raises:
            PermissionRefused: the journal cannot be read.
        """
        blocks = self.journal.blocks(self.environment)
        kept = (b for b in blocks if b.kept is not None and b.kept.contract is Contract.NEEDS_RESTORE)
        return tuple(sorted({block.service for block in kept}))

    def forget(self, documents: Documents) -> None:
        """A restore, and what follows it, is over: the databases say nothing of it any more.

        Raises:
            DataUnreachable, PermissionRefused, DataFailed.
        """
        for database in self.couch.databases:
            if documents.state(database) is not None and documents.note(database, NOTE):
                documents.set_note(database, NOTE, "")

    @property
    def couch(self) -> CouchDb:
        """Where the databases are.

        Raises:
            Refused: the environment has none.
        """
        return couch_of(self.environment)


def restore_alone(reconciler: Reconciler, restore: Restore, wanted: str = "") -> Restored:
    """Restore, as the only one who acts on the environment.

    Where a rejected release goes back now that its data have, nothing follows yet: its containers do not run,
    and what they are asked would start them. Take a pass first, then let ``followed`` do the rest.

    Args:
        reconciler: the environment.
        restore: what is restored, and how.
        wanted: see ``choose``.

    Raises:
        Locked: another one acts on it.
        ReconcileError: nothing was begun.
    """
    environment, patience = reconciler.environment, reconciler.lock_wait_seconds
    with (
        reconciler.lock.hold(environment, patience) as identity,
        reconciler.leases.take(environment, identity, patience) as lease,
    ):
        host = fenced(reconciler.host, lease)
        restored = restore.under_way(host, fenced_documents(restore.documents, host), wanted)
    over = restored.ending is Ending.RESTORED and restored.error is None
    follows = over and restored.done and not restored.going
    return followed(reconciler, restore, restored) if follows else restored


def followed(reconciler: Reconciler, restore: Restore, restored: Restored) -> Restored:
    """What follows the data: what depends on them, and the checks. Interrupted, a second run begins anew."""
    notes, steps = list(restored.notes), list(restored.steps)
    host = noting(reconciler.host, steps)
    error: ReconcileError | None = None
    judgement: Judgement | None = None
    try:
        notes += restore.after()
        restore.forget(fenced_documents(restore.documents, host))
    except ReconcileError as problem:
        error = problem
    try:
        judgement = _judged(reconciler, host)
    except ReconcileError as problem:
        notes.append(f"whether everything works is not known: {problem.problem}")
    return replace(restored, notes=tuple(notes), steps=tuple(steps), error=error, judgement=judgement)


def _judged(reconciler: Reconciler, host: Host) -> Judgement:
    """What the checks of an environment say of what runs."""
    look, environment = reconciler.look(), reconciler.environment
    with host.step(Verb.VERIFY, environment.name):
        limit = environment.gate.timeout_seconds
        return verify(host, look.desired, look.observed, timeout_seconds=limit)
