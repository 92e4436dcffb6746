"""Which release ran with the data, and which ones can be gone back to: told by the journal."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.domain.blocking import same_pin
from reconciler.domain.environment import Environment
from reconciler.domain.report import Result
from reconciler.ports import Journal


def running_release(environment: Environment, journal: Journal) -> str:
    """The revision of the last release that was kept; empty where the journal knows none.

    Raises:
        PermissionRefused: the journal cannot be read.
    """
    return next(_kept(environment, journal), "")


def protected_releases(environment: Environment, journal: Journal) -> tuple[str, ...]:
    """The revisions of the last releases that were kept, the newest first: as many as images stay protected.

    Raises:
        PermissionRefused: the journal cannot be read.
    """
    found: dict[str, None] = {}
    for revision in _kept(environment, journal):
        found[revision] = None
        if len(found) > environment.rollback.keep:
            break
    return tuple(found)


def _kept(environment: Environment, journal: Journal) -> Iterator[str]:
    """The revisions of passes that brought another image, and kept it; repairs do not change what runs."""
    for run in journal.runs(environment):
        moved = any(not same_pin(before, after) for _, before, after in run.changes)
        if run.result is Result.CONVERGED and moved and run.revision:
            yield run.revision
