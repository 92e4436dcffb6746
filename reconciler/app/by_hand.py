"""What a restore that a person asks for has to do with the releases of its environment."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.app.converge import Reconciler
from reconciler.app.data_back import data_was_restored
from reconciler.app.desired import DesiredState
from reconciler.app.hooks import HookRunner
from reconciler.app.host import Host
from reconciler.app.rejection import Rejection
from reconciler.app.undoing import Undoing
from reconciler.domain.data import Moment
from reconciler.domain.environment import Environment


def run_hooks(desired: DesiredState, environment: Environment, host: Host) -> Sequence[str]:
    """Run the hooks before a restore; returns what went wrong and stops nothing.

    Raises:
        HookFailed: the data must not be touched.
        ReconcileError: the files cannot be read.
    """
    if not environment.data.at(Moment.BEFORE_RESTORE):
        return ()
    source = desired.read(environment)
    services = environment.data.writers("couchdb")
    return HookRunner(host, source.desired, source.files, services=services).at(Moment.BEFORE_RESTORE)


def let_go_back(reconciler: Reconciler) -> tuple[str, ...]:
    """The data of before are back: a rejected release that was kept for want of them goes with the next pass.

    Returns its services.

    Raises:
        ReconcileError: the journal cannot be written, or the repository not be read.
    """
    host = reconciler.host
    undoing = Undoing(reconciler.desired, host.clock)
    rejection = Rejection(reconciler.environment, host, reconciler.journal, undoing)
    return data_was_restored(rejection, reconciler.desired.read(reconciler.environment).desired)
