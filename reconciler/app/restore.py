"""Restore the databases of an environment from a backup.

The live databases say themselves how far a restore has got (``domain.restoring``), and that is written down
before it is done. So it can be killed anywhere: running it again goes on, and until the data are whole
nothing starts what writes to them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from reconciler.app.backup import Backups
from reconciler.app.choosing import Chosen, choose, differences
from reconciler.app.converge import Reconciler
from reconciler.app.fenced import fenced, fenced_documents
from reconciler.app.host import Host
from reconciler.app.one_restore import OneRestore
from reconciler.app.verify import verify
from reconciler.domain.data import CouchDb
from reconciler.domain.environment import Environment
from reconciler.domain.gate import Judgement
from reconciler.domain.report import Verb
from reconciler.domain.restoring import Difference, Restored
from reconciler.errors import Refused
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
        after: what has to follow the data, such as the index of a search; returns what is worth a note.
        judge: whether everything works once the writers run again; None where somebody else sees to that.
    """

    environment: Environment
    journal: Journal
    pauses: Pauses
    documents: Documents
    exports: Exports
    by: str = ""
    before: Callable[[], None] = field(default=lambda: None)
    after: Callable[[], Sequence[str]] = field(default=lambda: ())
    judge: Callable[[Host], Judgement | None] = field(default=lambda _host: None)

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
        """A whole restore, by somebody who holds the environment.

        Args:
            host: its outside, whose changes are fenced.
            documents: the server, whose changes are fenced.
            wanted: see ``choose``.

        Raises:
            ReconcileError: nothing was begun.
        """
        return OneRestore(self, host, documents).run(wanted)

    @property
    def couch(self) -> CouchDb:
        """Where the databases are.

        Raises:
            Refused: the environment has none.
        """
        couch = self.environment.data.couchdb
        if couch is None:
            raise Refused(
                f"{self.environment.name} has no data.couchdb in reconcile.yaml",
                hint="docs/data.md says how to name its databases",
            )
        return couch


def restore_alone(reconciler: Reconciler, restore: Restore, wanted: str = "") -> Restored:
    """Restore, as the only one who acts on the environment.

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
        return restore.under_way(host, fenced_documents(restore.documents, host, lease), wanted)


def judged(reconciler: Reconciler, host: Host) -> Judgement:
    """What an environment's checks say of what runs.

    Raises:
        ReconcileError: it cannot be looked at.
    """
    look, environment = reconciler.look(), reconciler.environment
    with host.step(Verb.VERIFY, environment.name):
        limit = environment.gate.timeout_seconds
        return verify(host, look.desired, look.observed, timeout_seconds=limit)
