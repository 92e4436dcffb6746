"""Which release is to be observed: the one that was just made, or one that an earlier program made."""

from __future__ import annotations

from datetime import datetime, timedelta

from reconciler.app.converge import Reconciler
from reconciler.app.looking import Look
from reconciler.app.observing import Observed, Observing
from reconciler.app.undoing import moved_by
from reconciler.domain.blocking import same_pin
from reconciler.domain.journal import Run
from reconciler.domain.report import Report, Result


def observe(reconciler: Reconciler, report: Report) -> Observed | None:
    """Observe what a pass released; None where it released nothing that could be taken back.

    Args:
        reconciler: the environment.
        report: how the pass that released it ended.

    Raises:
        ReconcileError: the engine went away.
    """
    moved = moved_by(report.plan) if report.plan is not None else ()
    if report.result is not Result.CONVERGED or not moved or report.outcome is None:
        return None
    look, path = reconciler.look(), reconciler.desired.path(reconciler.environment.pins)
    repository = reconciler.desired.repository
    if report.revision is None or repository.read(report.revision, path) != look.source.pins_text:
        return Observed("a newer pin arrived")
    seconds = reconciler.environment.gate.matrix.longest_delay_seconds
    return Observing(reconciler, look, report.run, moved, report.outcome.baseline, seconds).run_to_end()


def resume(reconciler: Reconciler) -> Observed | None:
    """Go on observing what was released before this program began; None where nothing is observed any more.

    What was measured before that release is not known any more: nothing is compared with it.

    Raises:
        ReconcileError: the engine went away, or the journal cannot be read.
    """
    journal, environment = reconciler.journal, reconciler.environment
    now = reconciler.host.clock.now()
    last = next(iter(journal.runs(environment, limit=1)), None)
    if last is None or last.result is not Result.CONVERGED:
        return None
    longest = timedelta(seconds=environment.gate.matrix.longest_delay_seconds)
    until = _ended_at(last) + longest
    moved = tuple(
        (name, before, after) for name, before, after in last.changes if not same_pin(before, after)
    )
    look = reconciler.look()
    if now >= until or not moved or not _still(look, last):
        return None
    left = (until - now).total_seconds()
    return Observing(reconciler, look, last.id, moved, {}, left).run_to_end()


def _ended_at(run: Run) -> datetime:
    return run.started_at + timedelta(seconds=run.seconds or 0.0)


def _still(look: Look, run: Run) -> bool:
    """Whether Git still wants what ``run`` released."""
    pinned = {service.name: service.image for service in look.desired.services}
    return all(name in pinned and same_pin(after, pinned[name]) for name, _, after in run.changes)
