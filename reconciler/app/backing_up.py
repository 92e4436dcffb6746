"""A backup of an environment's databases, with what the journal knows of its releases."""

from __future__ import annotations

from reconciler.app.backup import BackedUp, Backups
from reconciler.app.converge import Reconciler
from reconciler.app.data_revisions import protected_releases, running_release
from reconciler.app.fenced import fenced_documents
from reconciler.app.host import Host
from reconciler.domain.backups import Purpose
from reconciler.domain.data import CouchDb
from reconciler.domain.environment import Environment
from reconciler.errors import Refused
from reconciler.ports import Documents, Journal


def couch_of(environment: Environment) -> CouchDb:
    """Where the databases of an environment are.

    Raises:
        Refused: it has none.
    """
    couch = environment.data.couchdb
    if couch is None:
        raise Refused(
            f"{environment.name} has no data.couchdb in reconcile.yaml",
            hint="docs/data.md says how to name its databases",
        )
    return couch


def back_up(
    host: Host,
    environment: Environment,
    journal: Journal,
    documents: Documents,
    *,
    purpose: Purpose = Purpose.ASKED,
    run: str = "",
) -> BackedUp:
    """Back up every database, by somebody who holds the environment's lock.

    Args:
        host: its outside.
        environment: whose databases.
        journal: knows which release runs, and which can be gone back to.
        documents: the server.
        purpose: why it is made.
        run: the pass that makes a release after it.

    Raises:
        Refused: the environment has no databases.
        PermissionRefused: among others the journal cannot be read.
        DataUnreachable, DataFailed: see ``Backups.back_up``.
    """
    backups = Backups(host, documents, couch_of(environment))
    return backups.back_up(
        release=running_release(environment, journal),
        purpose=purpose,
        protected=protected_releases(environment, journal),
        run=run,
    )


def back_up_now(reconciler: Reconciler, documents: Documents) -> BackedUp:
    """The backup that a person asks for.

    Raises:
        Locked: somebody acts on the environment.
        Refused, PermissionRefused, DataUnreachable, DataFailed: see ``back_up``.
    """
    environment, host = reconciler.environment, reconciler.host
    with reconciler.lock.hold(environment, reconciler.lock_wait_seconds):
        return back_up(host, environment, reconciler.journal, fenced_documents(documents, host))
