"""Put what a pass has to tell into the outbox. What cannot be put there never changes what is done."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from reconciler.domain.environment import Environment
from reconciler.domain.severity import Verdict
from reconciler.errors import PermissionRefused
from reconciler.ports import Outbox

if TYPE_CHECKING:
    from reconciler.domain.desired import Revision
    from reconciler.domain.events import Event
    from reconciler.domain.gate import Judgement
    from reconciler.domain.plan import Plan
    from reconciler.domain.report import Report
    from reconciler.domain.told import Told

Moves = tuple[tuple[str, str, str], ...]


@dataclass(slots=True)
class Announcer:
    """Tells the people of one environment, by way of its outbox.

    Args:
        environment: which one; where it has no channels, nothing is done at all.
        outbox: where events go; None where nobody is told.
        notes: gets why something could not be told.
    """

    environment: Environment
    outbox: Outbox | None
    notes: list[str] = field(default_factory=list)

    def started(self, run: str, at: datetime, revision: Revision, plan: Plan) -> None:
        """A release begins; a repair is told when it was made."""
        if not self._listening:
            return
        from reconciler.domain.happenings import moves_of, started

        moves = moves_of(plan)
        if moves and run:
            self.tell(started(self.environment.name, run, at, revision, moves))

    def rejected(
        self, run: str, at: datetime, judgement: Judgement, revision: Revision, released: Plan | Moves
    ) -> None:
        """A release was rejected, and goes back. One that was not judged, because we are to end, was not.

        Args:
            run: the pass that released it.
            at: when, in UTC.
            judgement: the gate's.
            revision: the commit.
            released: the plan of the release, or what it moved.
        """
        judged = judgement.verdict is Verdict.FAIL or judgement.decision is not None or judgement.deciding
        if not (self._listening and run and judged):
            return
        from reconciler.domain.happenings import moves_of, rejected

        moves = released if isinstance(released, tuple) else moves_of(released)
        if not moves:
            return
        told = self._told()
        if told is not None:
            self.tell(rejected(self.environment.name, run, at, judgement, revision, moves, told))

    def ended(self, report: Report, at: datetime, late: tuple[str, Moves] | None = None) -> None:
        """A pass ended.

        Args:
            report: how.
            at: when, in UTC.
            late: see ``happenings.ended``.
        """
        if not self._listening:
            return
        from reconciler.domain.happenings import ended

        told = self._told()
        for event in ended(report, at, told, late) if told is not None else ():
            self.tell(event)

    def tell(self, event: Event) -> None:
        """Put an event into the outbox, unless people know it."""
        told = self._told()
        if told is None or self.outbox is None or told.knows(event):
            return
        receivers = told.receivers(event, self.environment.notify.channels)
        try:
            self.outbox.put(self.environment, event, receivers)
        except PermissionRefused as error:
            self._lost(error)

    @property
    def _listening(self) -> bool:
        return self.outbox is not None and bool(self.environment.notify.channels)

    def _told(self) -> Told | None:
        if self.outbox is None or not self._listening:
            return None
        try:
            return self.outbox.told(self.environment)
        except PermissionRefused as error:
            self._lost(error)
            return None

    def _lost(self, error: PermissionRefused) -> None:
        note = f"people are not told of everything: {error.problem}"
        if note not in self.notes:
            self.notes.append(note)
