"""The rollout of one pass: written down before it begins, and its way back in Git rehearsed beside it."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import takewhile
from typing import TYPE_CHECKING

from reconciler.app.announcing import Announcer
from reconciler.app.before_release import Safeguard
from reconciler.app.chronicle import Chronicle
from reconciler.app.data_back import finish, restoring
from reconciler.app.host import Host
from reconciler.app.looking import Look
from reconciler.app.parachute import goods_of, note_before
from reconciler.app.recover import serving_again
from reconciler.app.rejection import Rejection
from reconciler.app.rollout import Rollout
from reconciler.domain.blocking import Block
from reconciler.domain.contract import released
from reconciler.domain.gate import Judgement
from reconciler.domain.plan import Create, Replace
from reconciler.domain.report import Outcome, Result, Staying
from reconciler.errors import PermissionRefused

if TYPE_CHECKING:
    from reconciler.app.converge import Reconciler

REHEARSAL_SECONDS = 3.0
MOST_TRIES = 20
"""How many passes back the begin of a release is looked for."""


@dataclass(frozen=True, slots=True)
class Releasing:
    """Rolls out what one look found.

    Args:
        reconciler: the environment.
        chronicle: writes the pass down.
        announcer: tells people of it.
        started_at: when it began, for people.
        rejection: blocks what is rejected, and knows whether Git could be told.
    """

    reconciler: Reconciler
    chronicle: Chronicle
    announcer: Announcer
    started_at: datetime
    rejection: Rejection

    def roll_out(self, host: Host, found: Look) -> Outcome:
        """The rollout, after what a killed pass was bringing back.

        Raises:
            ReconcileError: nothing that serves was touched, or the next pass goes on from what it finds.
        """
        desired = found.desired
        blocks = restoring(self.reconciler.journal, desired.environment)
        earlier = self._unfinished()
        with nullcontext() if blocks else serving_again(host, found.plan, found.observed):
            self._begin(host, found)
        if blocks:
            self._finish(host, found, blocks)
        pool = ThreadPoolExecutor(1, thread_name_prefix="rehearse")
        try:
            rehearsing = pool.submit(self.rejection.rehearse, found.plan)
            return Rollout(
                host,
                desired,
                found.source.files,
                found.plan,
                found.observed,
                self.reconciler.reserve,
                found.source.stamp,
                self.reconciler.parachute,
                before_switch=lambda: _rehearsed(rehearsing),
                before_commit=lambda: self._passed(host, found),
                before_abort=partial(self._rejects, host, found),
                safeguard=self._safeguard(found, earlier),
            ).run()
        finally:
            pool.shutdown(wait=False)  # a remote that hangs must not hold up anything

    def _safeguard(self, found: Look, earlier: tuple[str, ...]) -> Safeguard:
        returning = found.going.issuperset(released(found.plan, found.desired.instead))
        return Safeguard(self.reconciler.care, self.chronicle.run, returning, earlier)

    def _unfinished(self) -> tuple[str, ...]:
        """The passes before this one that were killed or failed, the newest first."""
        runs = self.reconciler.journal.runs(self.reconciler.environment, limit=MOST_TRIES)
        return tuple(run.id for run in takewhile(lambda run: run.result in (None, Result.FAILED), runs))

    def _begin(self, host: Host, found: Look) -> None:
        """Open the pass in the journal. Repairs do without, should it not be writable; releases do not."""
        try:
            self.chronicle.begin(self.started_at, found.desired.revision, found.plan)
            note_before(host, self.reconciler.journal, found.desired, found.plan, self.chronicle.run)
            self.announcer.started(self.chronicle.run, self.started_at, found.desired.revision, found.plan)
        except PermissionRefused as error:
            if any(isinstance(action, (Replace, Create)) for action in found.plan.actions):
                raise
            self.chronicle.notes.append(f"this pass is not in the journal: {error.problem}")

    def _rejects(
        self, host: Host, found: Look, judgement: Judgement, staying: Staying | None
    ) -> tuple[str, ...]:
        """Write down what is to follow, and that people are told, before the way back begins."""
        desired, plan, run = found.desired, found.plan, self.chronicle.run
        notes = self.rejection.foresee(desired, plan, judgement, run, staying)
        self.announcer.rejected(run, host.clock.now(), judgement, desired.revision, plan)
        return notes

    def _finish(self, host: Host, found: Look, blocks: tuple[Block, ...]) -> None:
        """Bring back the data that a killed pass was bringing back, before anything is started."""
        reconciler, run = self.reconciler, self.chronicle.run
        self.chronicle.notes += finish(
            host, found.desired, found.observed, blocks, reconciler.care, reconciler.journal, run
        )

    def _passed(self, host: Host, found: Look) -> None:
        """Write down what passed while its predecessors tell that it might not have; they go next."""
        goods = goods_of(found.desired, self.chronicle.run, host.clock.now(), found.unjudged)
        try:
            self.reconciler.journal.note_good(self.reconciler.environment, goods)
        except PermissionRefused as error:
            self.chronicle.lost(error)


def _rehearsed(rehearsing: Future[tuple[str, ...]]) -> tuple[str, ...]:
    """What the rehearsal of a rollback in Git came to; a remote that hangs does not hold up a release."""
    try:
        return rehearsing.result(REHEARSAL_SECONDS)
    except TimeoutError:
        return ("whether a rollback could be written to Git is not known: the remote does not answer",)
