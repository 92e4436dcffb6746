"""The turn of a pass that was killed: the next one takes it over, or ends it where there is nothing to do."""

from __future__ import annotations

from contextlib import suppress

from reconciler.domain.environment import Environment
from reconciler.errors import Locked
from reconciler.ports import Journal, Leases


def end_turn_of_killed(environment: Environment, journal: Journal, leases: Leases, identity: str) -> None:
    """Where the last pass was killed with nothing left to do, its lease is all that is left of it.

    Args:
        environment: which one.
        journal: tells whether the last pass has an end; without that nobody is asked.
        leases: those of the environment's engine.
        identity: that of the host's lock, which is held.

    Raises:
        EngineUnreachable, EngineFailed, PermissionRefused: see ``ports.Leases``.
    """
    last = journal.runs(environment, limit=1)
    if not last or last[0].result is not None or leases.holder(environment) is None:
        return
    with suppress(Locked), leases.take(environment, identity, 0.0):
        pass  # another host's turn is not ours to end
