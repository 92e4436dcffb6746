"""The end of a pass for people: what changed, or what went wrong, and one last sentence."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.domain.plan import Plan
from reconciler.domain.report import EnvironmentHealth, Outcome, Report, Result, Step
from reconciler.interface.render.errors_text import error_text
from reconciler.interface.render.foreign import foreign
from reconciler.interface.render.phrases import duration, revision_line
from reconciler.interface.render.plan_text import entry_lines, no_changes, resting
from reconciler.interface.render.rejection_text import rejection_lines, replaced
from reconciler.interface.render.style import Style, Tone

_VERB_COLUMNS = 7


def step_line(environment: str, step: Step, style: Style) -> str:
    """One finished step in a line that needs no other: ``production  pull     web  1.4.3  8.1s``."""
    subject = "" if step.subject == environment else foreign(step.subject, 60)
    how_long = duration(step.seconds)
    end = how_long if step.good else style.paint(f"failed after {how_long}", Tone.BAD)
    words = [subject, foreign(step.detail, 60), end]
    verb = f"{foreign(step.verb, 20):<{_VERB_COLUMNS}}"
    return "  ".join([foreign(environment, 40), verb, *(word for word in words if word)])


def report_text(report: Report, style: Style, git: str = "") -> str:
    """A whole report, without its steps: those were shown as they came.

    Args:
        report: how the pass ended.
        style: colours and width.
        git: what was done in Git about a rejected release, in one sentence; where it is empty, the
            reader is told what to do there.
    """
    blocks = [_what(report, style), *_why(report, style, git), _notes(report), _end(report, style)]
    return "\n\n".join("\n".join(block) for block in blocks if block)


def _what(report: Report, style: Style) -> list[str]:
    """The revision and what was to be done, unless there was nothing."""
    if report.plan is None or report.result is Result.NO_OP:
        return []
    revision = f"  {revision_line(report.revision, 60)}" if report.revision else ""
    head = style.paint(f"{foreign(report.environment)}{revision}", Tone.STRONG)
    lines = entry_lines(report.plan.entries, style)
    gaps = _gaps(report.outcome.gap_seconds) if report.outcome else []
    return [head, *(["", *lines] if lines else []), *gaps]


def _gaps(gap_seconds: Mapping[str, float]) -> list[str]:
    """How long each replaced service had no running container."""
    if not gap_seconds:
        return []
    each = [f"{foreign(name, 40)} {duration(gap)}" for name, gap in sorted(gap_seconds.items())]
    return ["", f"Without a running container: {', '.join(each)}."]


def _why(report: Report, style: Style, git: str) -> list[list[str]]:
    """What went wrong, if anything did."""
    if report.error is not None:
        return [error_text(report.error, style).split("\n")]
    if report.outcome is None or report.result is Result.CONVERGED:
        return []
    return rejection_lines(report, report.outcome, style, git)


def _notes(report: Report) -> list[str]:
    notes = report.outcome.notes if report.outcome else ()
    return [f"note: {foreign(note)}" for note in notes]


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
