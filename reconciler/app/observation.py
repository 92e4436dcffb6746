"""Which release is to be observed: the one that was just made, or one that an earlier program made."""

from __future__ import annotations

from datetime import timedelta

from reconciler.app.converge import Reconciler
from reconciler.app.looking import Look
from reconciler.app.observing import Observed, Observing
from reconciler.app.undoing import Moved, moved_by
from reconciler.domain.blocking import same_pin
from reconciler.domain.journal import Run
from reconciler.domain.report import Report, Result

MOST_REPAIRS = 50
"""How many passes back a release is looked for."""


def releases(report: Report) -> bool:
    """Whether a pass released something that could be taken back; a repair leaves alone what is observed."""
    converged = report.result is Result.CONVERGED and report.outcome is not None
    return converged and report.plan is not None and bool(moved_by(report.plan))


def observe(reconciler: Reconciler, report: Report) -> Observed | None:
    """Observe what a pass released; None where it released nothing that could be taken back.

    Args:
        reconciler: the environment.
        report: how the pass that released it ended.

    Raises:
        ReconcileError: the engine went away.
    """
    if not releases(report) or report.plan is None or report.outcome is None:
        return None
    look, path = reconciler.look(), reconciler.desired.path(reconciler.environment.pins)
    repository = reconciler.desired.repository
    if report.revision is None or repository.read(report.revision, path) != look.source.pins_text:
        return Observed("a newer pin arrived")
    moved, baseline = moved_by(report.plan), report.outcome.baseline
    seconds = reconciler.environment.gate.matrix.longest_delay_seconds
    return Observing(reconciler, look, report.run, moved, baseline, seconds).run_to_end()


def resume(reconciler: Reconciler) -> Observed | None:
    """Go on observing what was released before this program began; None where nothing is observed any more.

    What was measured before that release is not known any more: nothing is compared with it.

    Raises:
        ReconcileError: the engine went away, or the journal cannot be read.
    """
    last = _last_release(reconciler)
    if last is None:
        return None
    longest = timedelta(seconds=reconciler.environment.gate.matrix.longest_delay_seconds)
    ended_at = last.started_at + timedelta(seconds=last.seconds or 0.0)
    left = (ended_at + longest - reconciler.host.clock.now()).total_seconds()
    look = reconciler.look()
    if left <= 0 or not _still(look, last):
        return None
    return Observing(
        reconciler, look, last.id, _moved(last), {}, min(left, longest.total_seconds())
    ).run_to_end()


def _last_release(reconciler: Reconciler) -> Run | None:
    """The last pass that was no repair, where it kept what it released."""
    runs = reconciler.journal.runs(reconciler.environment, limit=MOST_REPAIRS)
    last = next((run for run in runs if run.result is not Result.CONVERGED or _moved(run)), None)
    return last if last is not None and last.result is Result.CONVERGED else None


def _moved(run: Run) -> tuple[Moved, ...]:
    return tuple((name, before, after) for name, before, after in run.changes if not same_pin(before, after))


def _still(look: Look, run: Run) -> bool:
    """Whether Git still wants what ``run`` released."""
    pinned = {service.name: service.image for service in look.desired.services}
    return all(name in pinned and same_pin(after, pinned[name]) for name, _, after in _moved(run))
