"""What is worth a place beside a line of code: findings, rejections, alerts and reports, blocked pins."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from reconciler.domain.contract import explained
from reconciler.domain.desired import Pin
from reconciler.domain.plan import Change, Create, Entry, Plan, Replace
from reconciler.domain.report import Outcome, Report, Result
from reconciler.domain.severity import Response, Ruling
from reconciler.errors import Invalid, ReconcileError
from reconciler.interface.render.decision_text import complaints, rule_words, ruling_words
from reconciler.interface.render.github import Annotation, Kind
from reconciler.interface.render.phrases import short_image
from reconciler.interface.render.rejection_text import blocked, replaced, waits_for
from reconciler.interface.render.report_text import notes_of
from reconciler.interface.render.undo_text import ahead_of_git, git_lines


def of_report(report: Report, path: str) -> Iterator[Annotation]:
    """The annotations of one pass.

    Args:
        report: how it ended.
        path: the pins file, relative to the repository; empty where it is not known.
    """
    if report.error is not None:
        yield from of_error(report.error, report.environment)
    elif report.outcome is not None:
        yield from _of_outcome(report, report.outcome, path)
    if report.plan is not None:
        yield from of_plan(report.environment, report.plan, path)
    if report.undo is not None:
        told = ahead_of_git(report.undo)
        words = f"{report.environment} is {told}" if told else "\n".join(git_lines(report.undo))
        yield Annotation(Kind.WARNING if told else Kind.NOTICE, f"{report.environment}: Git", words, path)
    for note in notes_of(report):
        yield Annotation(Kind.WARNING, f"{report.environment}: note", note)


def of_plan(
    environment: str, plan: Plan, path: str, pins: Mapping[str, Pin] | None = None
) -> Iterator[Annotation]:
    """What a plan leaves out of sync on purpose, at the pins where these are known."""
    kinds = {Change.BLOCKED: Kind.WARNING, Change.HELD: Kind.NOTICE}
    for entry in plan.entries:
        if entry.change in kinds:
            title, pin = f"{environment}: {entry.name} {entry.change}", (pins or {}).get(entry.name)
            line, column = (pin.line, pin.column) if pin is not None else (0, 0)
            yield Annotation(kinds[entry.change], title, entry.cause, path, line, column)


def of_error(error: ReconcileError, title: str = "reconcile") -> Iterator[Annotation]:
    """A failure: each finding where it is, or the failure as a whole."""
    if isinstance(error, Invalid) and error.findings:
        for finding in sorted(error.findings):
            message = f"{finding.message}\nhelp: {finding.hint}" if finding.hint else finding.message
            place = (finding.path, finding.line, finding.column)
            yield Annotation(Kind.ERROR, error.problem, message, *place)
        return
    hint = f"\nhelp: {error.hint}" if error.hint else ""
    yield Annotation(Kind.ERROR, title, error.problem + hint)


def _of_outcome(report: Report, outcome: Outcome, path: str) -> Iterator[Annotation]:
    if report.result is Result.CONVERGED:
        for ruling in complaints(outcome):
            kind = Kind.NOTICE if ruling.reaction.response is Response.REPORT else Kind.WARNING
            yield Annotation(kind, f"{report.environment}: {ruling.check}", _seen(ruling), path)
        return
    if report.result is Result.NO_OP:
        return
    entries = _rejected(report, outcome)
    for entry in entries:
        pin = _pin(entry)
        line, column = (pin.line, pin.column) if pin is not None else (0, 0)
        title = f"{report.environment}: {entry.name} {report.result}"
        message = _rejection(report, outcome, entry)
        yield Annotation(Kind.ERROR, title, message, path if pin is not None else "", line, column)
    if not entries:
        yield Annotation(Kind.ERROR, f"{report.environment}: {report.result}", outcome.judgement.reason)


def _seen(ruling: Ruling) -> str:
    return f"{ruling_words(ruling)}\n{ruling.detail}" if ruling.detail else ruling_words(ruling)


def _rejected(report: Report, outcome: Outcome) -> list[Entry]:
    """The services whose pins were rejected: those that are blocked, else all that went back."""
    plan = report.plan
    if plan is None:
        return []
    return blocked(plan, outcome) or [entry for entry in replaced(plan) if entry.pinned]


def _rejection(report: Report, outcome: Outcome, entry: Entry) -> str:
    judgement = outcome.judgement
    name = f"{entry.name} {short_image(entry.after)}"
    lines = [f"{name} was not kept in {report.environment}: {judgement.reason}"]
    if judgement.decision is not None and judgement.decision.deciding:
        lines.append(f"rule: {rule_words(judgement.decision)}")
    waits = waits_for(outcome)
    if waits:
        lines.append(f"{', '.join(waits)}: not good without this release either")
    if report.result is Result.ROLLED_BACK:
        lines.append(f"{short_image(entry.before)} runs again" if entry.before else "it was removed again")
    elif outcome.staying is not None:
        lines.append(explained(report.environment, outcome.staying))
    elif report.result is Result.ROLLBACK_FAILED:
        lines.append(f"{report.environment} is DEGRADED: what ran before could not be put back, or fails too")
    lines += [f"evidence: reconcile history show {report.run}"] if report.run else []
    return "\n".join(lines)


def _pin(entry: Entry) -> Pin | None:
    """Where the pin of a service is written."""
    for action in entry.actions:
        if isinstance(action, (Replace, Create)):
            return action.service.pin
    return None
