"""The end of a pass for people: what changed, or what went wrong, and one last sentence."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.domain.foreign import foreign
from reconciler.domain.plan import Plan
from reconciler.domain.report import EnvironmentHealth, Outcome, Report, Result, Step
from reconciler.interface.render.brakes_text import report_brakes
from reconciler.interface.render.decision_text import complaint_lines, complaints
from reconciler.interface.render.errors_text import error_text
from reconciler.interface.render.phrases import duration, revision_line
from reconciler.interface.render.plan_text import entry_lines, no_changes, resting
from reconciler.interface.render.rejection_text import evidence_line, rejection_lines, replaced
from reconciler.interface.render.style import Style, Tone
from reconciler.interface.render.undo_text import ahead_of_git, git_lines

VERB_COLUMNS = 7


def step_line(environment: str, step: Step, style: Style) -> str:
    """One step in a line that needs no other: ``production  pull     web  1.4.3  8.1s``."""
    subject = "" if step.subject == environment else foreign(step.subject, 60)
    words = [subject, foreign(step.detail.partition("\n")[0], 60), _step_end(step, style)]
    verb = f"{foreign(step.verb, 20):<{VERB_COLUMNS}}"
    return "  ".join([foreign(environment, 40), verb, *(word for word in words if word)])


def _step_end(step: Step, style: Style) -> str:
    """How a step ended; of one that did not, whether it was taken is not known."""
    if not step.finished:
        return style.paint("begun, not finished", Tone.WATCH)
    how_long = duration(step.seconds)
    return how_long if step.good else style.paint(f"failed after {how_long}", Tone.BAD)


def report_text(report: Report, style: Style) -> str:
    """A whole report, without its steps: those were shown as they came.

    Args:
        report: how the pass ended.
        style: colours and width.
    """
    before = [_what(report, style), *_why(report, style), _ahead(report), report_brakes(report)]
    blocks = [*before, _notes(report), _end(report, style)]
    return "\n\n".join("\n".join(block) for block in blocks if block)


def _what(report: Report, style: Style) -> list[str]:
    """The revision and what was to be done, unless there was nothing."""
    if report.plan is None or report.result is Result.NO_OP:
        return []
    run = f"  run {foreign(report.run)}" if report.run else ""
    revision = f"  {revision_line(report.revision, 60)}" if report.revision else ""
    head = style.paint(f"{foreign(report.environment)}{run}{revision}", Tone.STRONG)
    lines = entry_lines(report.plan.entries, style)
    gaps = _gaps(report.outcome.gap_seconds) if report.outcome else []
    return [head, *(["", *lines] if lines else []), *gaps]


def _gaps(gap_seconds: Mapping[str, float]) -> list[str]:
    """How long each replaced service had no running container."""
    if not gap_seconds:
        return []
    each = [f"{foreign(name, 40)} {duration(gap)}" for name, gap in sorted(gap_seconds.items())]
    return ["", f"Without a running container: {', '.join(each)}."]


def _why(report: Report, style: Style) -> list[list[str]]:
    """What went wrong, if anything did; of a release that was kept, what still asks for attention."""
    if report.error is not None:
        return [[*error_text(report.error, style).split("\n"), *evidence_line(report)]]
    if report.outcome is None:
        return []
    if report.result is Result.CONVERGED:
        asked = complaint_lines(complaints(report.outcome))
        return [[*asked, *evidence_line(report)] if asked else []]
    return rejection_lines(report, report.outcome, style)


def _ahead(report: Report) -> list[str]:
    """An undoing of an earlier release that Git does not know yet, or that waits for a review."""
    rejection = report.result in (Result.ROLLED_BACK, Result.ROLLBACK_FAILED)
    if report.undo is None or (rejection and report.outcome is not None):
        return []
    ahead = ahead_of_git(report.undo)
    return [f"{foreign(report.environment)} is {ahead}"] if ahead else git_lines(report.undo)


def _notes(report: Report) -> list[str]:
    return [f"note: {foreign(note)}" for note in notes_of(report)]


def notes_of(report: Report) -> tuple[str, ...]:
    """Everything that went wrong without changing the result."""
    return (*(report.outcome.notes if report.outcome else ()), *report.notes)


def _end(report: Report, style: Style) -> list[str]:
    """The last sentence, and health where it is not what one would take for granted."""
    name, took = foreign(report.environment), duration(report.seconds)
    match report.result:
        case Result.NO_OP if report.plan is not None:
            lines = no_changes(report.plan, report.revision, style).split("\n")
        case Result.NO_OP:
            lines = [f"No changes. {name} is as it was."]
        case Result.CONVERGED:
            lines = [style.paint(f"Converged {name} in {took}: {_counts(report, 'changed')}.", Tone.GOOD)]
        case Result.ROLLED_BACK:
            lines = [
                style.paint(f"Rolled back {name} in {took}: {_counts(report, 'rolled back')}.", Tone.WATCH)
            ]
        case Result.ROLLBACK_FAILED:
            lines = [style.paint(f"Could not roll back {name} after {took}: it is DEGRADED.", Tone.BAD)]
        case Result.FAILED:
            lines = [style.paint(f"Could not converge {name}: failed after {took}.", Tone.BAD)]
    return [*lines, *_health(report)]


def _health(report: Report) -> list[str]:
    """Being what Git wants and working are two things: say so where only the first holds."""
    fine = (EnvironmentHealth.HEALTHY, EnvironmentHealth.UNKNOWN)
    claimed = report.result in (Result.NO_OP, Result.CONVERGED, Result.ROLLED_BACK)
    if not claimed or report.health in fine:
        return []
    return [f"Health of {foreign(report.environment)}: {report.health}."]


def _counts(report: Report, verb: str) -> str:
    plan = report.plan
    if plan is None:
        return f"0 {verb}"
    return ", ".join([f"{_acted(plan, report.outcome)} {verb}", *resting(plan)])


def _acted(plan: Plan, outcome: Outcome | None) -> int:
    """How many services a pass changed; of an undone release only those that are put back."""
    if outcome is not None and outcome.result is Result.ROLLED_BACK:
        return len(replaced(plan))
    return sum(1 for entry in plan.entries if entry.actions)
