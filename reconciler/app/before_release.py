"""What comes last before a release touches what serves: a backup of the data, and hooks.

A release that goes back to what was good before is stopped by neither: what can be done is done, and what
cannot is a note. What an interrupted pass had switched is not begun anew either: its data was backed up then,
and what a backup had now would be the data of the release. And where nothing is there yet, there is nothing
to back up, and nothing that could do so: the database may be part of what is deployed for the first time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from reconciler.app.data_care import DataCare, NoData
from reconciler.app.hooks import HookRunner
from reconciler.app.host import Host
from reconciler.app.prepare import Prepared
from reconciler.domain.comparison import Measures
from reconciler.domain.contract import Contracts, released
from reconciler.domain.data import Moment
from reconciler.domain.desired import Desired
from reconciler.domain.observed import Observed, Role
from reconciler.domain.plan import Plan
from reconciler.errors import ReconcileError


@dataclass(frozen=True, slots=True)
class Ready:
    """A release that may begin.

    Args:
        prepared: its successors and new containers.
        baseline: what was measured meanwhile.
        contracts: what it does to data.
        backup: the name of the backup of before; empty where there is none.
        notes: what went wrong, and stops nothing.
    """

    prepared: Prepared
    baseline: Mapping[str, Measures]
    contracts: Contracts
    backup: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Safeguard:
    """Looks after the data of one release.

    Args:
        care: makes backups, and brings them back.
        run: the pass, as the journal knows it.
        returning: whether the release goes back to what was good before.
        earlier: the passes that may have begun the same release and did not end it, newest first.
    """

    care: DataCare = field(default_factory=NoData)
    run: str = ""
    returning: bool = False
    earlier: tuple[str, ...] = ()

    def before(
        self, host: Host, desired: Desired, files: Sequence[Path], plan: Plan, observed: Observed
    ) -> tuple[str, tuple[str, ...]]:
        """Back up, and run the hooks; returns the name of the backup, and what went wrong.

        Raises:
            ReconcileError: the release must not begin.
        """
        services = released(plan, desired.instead)
        if not observed.instances:
            return "", ()
        if not services or any(i.role is Role.PREDECESSOR for i in observed.instances):
            return next((found for run in self.earlier if (found := self.care.backup_of(run))), ""), ()
        backup, notes = "", list[str]()
        try:
            backup, said = self.care.back_up(host, desired, self.run)
            notes += said
        except ReconcileError as error:
            if not self.returning:
                raise
            notes.append(f"there is no backup of before: {error.problem}")
        hooks = HookRunner(host, desired, files, self.run, services)
        return backup, (*notes, *hooks.at(Moment.BEFORE_RELEASE, stops=not self.returning))
