"""Look at environments side by side; one that cannot be looked at does not hide the others."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime

from reconciler.app.converge import Look, Reconciler
from reconciler.domain.brakes import Brakes
from reconciler.domain.journal import Observation
from reconciler.domain.undo import news
from reconciler.errors import ReconcileError
from reconciler.interface.cli import exit_codes
from reconciler.interface.render.notices_text import undelivered_lines
from reconciler.interface.render.status_text import Status, status_of


@dataclass(frozen=True, slots=True)
class Looked:
    """One environment: its status, the look behind it (None where it failed), and the exit code of that."""

    status: Status
    look: Look | None
    code: int


def looked(reconcilers: Sequence[Reconciler]) -> list[Looked]:
    """Look at all of them, in the given order."""
    with ThreadPoolExecutor(len(reconcilers) or 1, thread_name_prefix="environment") as pool:
        return list(pool.map(_look, reconcilers))


def _look(reconciler: Reconciler) -> Looked:
    try:
        look = reconciler.look(thorough=True)
    except ReconcileError as error:
        brakes = Brakes(protected=reconciler.environment.protected)
        status = Status(reconciler.environment.name, error=error, brakes=brakes)
        return Looked(status, None, exit_codes.of_error(error))
    status = status_of(look.desired, look.observed, look.plan)
    status = replace(status, sync=look.state[0], brakes=look.brakes)
    journal, environment = reconciler.journal, reconciler.environment
    try:
        status = replace(status, holder=reconciler.leases.holder(environment))
        undo = news(journal.undo(environment), look.held)
        observation = _under_way(journal.observation(environment), reconciler.host.clock.now())
        status = replace(status, undo=undo, observation=observation)
        if reconciler.outbox is not None:
            now, waiting = reconciler.host.clock.now(), reconciler.outbox.waiting(environment)
            status = replace(status, undelivered=tuple(undelivered_lines(waiting, now)))
    except ReconcileError as error:
        status = replace(status, remark=error.problem)
    return Looked(status, look, exit_codes.OK)


def _under_way(observation: Observation | None, now: datetime) -> Observation | None:
    """None where it should have ended by now: whoever observed was killed, and could not say so."""
    return observation if observation is not None and now < observation.until else None
