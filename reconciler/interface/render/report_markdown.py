"""Reports, plans and stories as Markdown: for job summaries, pull requests and tickets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from reconciler.domain.foreign import text_of
from reconciler.domain.gate import Judgement
from reconciler.domain.journal import ExhibitKind, Story
from reconciler.domain.plan import Change, Create, Entry, Plan, Replace
from reconciler.domain.report import Outcome, Report, Result
from reconciler.domain.severity import Ruling, Verdict
from reconciler.errors import Invalid, ReconcileError
from reconciler.interface.render.brakes_text import brakes_lines, report_brakes, something_held
from reconciler.interface.render.decision_text import complaints, rule_words, ruling_words
from reconciler.interface.render.markdown import details, markdown_table
from reconciler.interface.render.phrases import duration, transition
from reconciler.interface.render.plan_text import containers
from reconciler.interface.render.rejection_text import blocked_lines
from reconciler.interface.render.report_text import notes_of, step_line
from reconciler.interface.render.status_text import Status
from reconciler.interface.render.story_text import exhibit_title, facts, result_words
from reconciler.interface.render.style import Style
from reconciler.interface.render.undo_text import ahead_of_git, clock_time, git_lines


def report_blocks(report: Report) -> Iterator[str]:
    """One pass, the most important first, so that what must be cut is at the end."""
    yield f"### {text_of(report.environment)}: {report.result} in {duration(report.seconds)}"
    yield from _head(report)
    if report.error is not None:
        yield from error_blocks(report.error)
    if report.plan is not None and report.plan.entries:
        yield _services(report, report.plan)
    for line in report_brakes(report):
        yield text_of(line)
    if report.outcome is not None:
        yield from _judged(report, report.outcome)
    if report.undo is not None:
        yield " ".join(map(text_of, git_lines(report.undo)))
    for note in notes_of(report):
        yield f"Note: {text_of(note)}"
    yield from _logs(report.outcome)
    if report.steps:
        lines = "\n".join(step_line(report.environment, step, Style()) for step in report.steps)
        yield details(f"{len(report.steps)} steps", lines)


def plan_blocks(status: Status) -> Iterator[str]:
    """What would change in one environment, and why."""
    revision = f" at {text_of(status.revision.short())}" if status.revision else ""
    yield f"### {text_of(status.environment)}: plan{revision}"
    if status.error is not None:
        yield from error_blocks(status.error)
    if status.plan is None:
        return
    if status.plan.empty:
        yield "No changes."
    for line in brakes_lines(status.environment, status.brakes, held=something_held(status.plan)):
        yield text_of(line)
    shown = [e for e in status.plan.entries if e.change is not Change.NONE or e.actions]
    if shown:
        rows = [(text_of(e.name), str(e.change), _images(e), text_of(e.cause)) for e in shown]
        yield markdown_table(("Service", "Change", "Old → new", "Why"), rows)
    ahead = ahead_of_git(status.undo)
    if ahead:
        yield text_of(f"{status.environment} is {ahead}")


def error_blocks(error: ReconcileError) -> Iterator[str]:
    """A failure with all its findings."""
    yield f"**{text_of(error.problem, 1000)}**"
    if isinstance(error, Invalid) and error.findings:
        rows = [
            (text_of(f"{f.path}:{f.line}" if f.line else f.path), text_of(f.message), text_of(f.hint))
            for f in sorted(error.findings)
        ]
        yield markdown_table(("Where", "Problem", "Help"), rows)
    if error.hint:
        yield f"Help: {text_of(error.hint, 1000)}"


def story_markdown(story: Story) -> str:
    """The whole story of a pass."""
    return "\n\n".join(_story(story)) + "\n"


def _story(story: Story) -> Iterator[str]:
    run = story.run
    yield f"### {text_of(run.environment)}: {result_words(run)}, run {text_of(run.id)}"
    rows = [("started", clock_time(run.started_at)), *((n, text_of(v)) for n, v in facts(story))]
    yield markdown_table(("", ""), rows)
    if run.changes:
        changes = [(text_of(name), text_of(transition(old, new))) for name, old, new in run.changes]
        yield markdown_table(("Service", "Old → new"), changes)
    if story.rulings:
        yield _rulings(story.rulings)
    if story.undo is not None:
        yield " ".join(map(text_of, git_lines(story.undo)))
    for note in story.notes:
        yield f"Note: {text_of(note)}"
    for exhibit in sorted(story.exhibits, key=lambda e: (e.kind is not ExhibitKind.LOG, e.container)):
        yield details(exhibit_title(exhibit, said=bool(exhibit.text)), exhibit.text)
    if story.steps:
        lines = "\n".join(step_line(run.environment, step, Style()) for step in story.steps)
        yield details(f"{len(story.steps)} steps", lines)


def _head(report: Report) -> Iterator[str]:
    words = [f"run {text_of(report.run)}"] if report.run else []
    if report.revision is not None:
        subject = f" “{text_of(report.revision.subject, 100)}”" if report.revision.subject else ""
        author = f" by {text_of(report.revision.author, 60)}" if report.revision.author else ""
        words.append(f"{text_of(report.revision.short())}{subject}{author}")
    if words:
        yield ", ".join(words)


def _services(report: Report, plan: Plan) -> str:
    """Service, what of it changed, how that ended, and how long it took."""
    rows = [
        (text_of(entry.name), _images(entry), _fate(entry, report.result), _time(entry, report))
        for entry in plan.entries
    ]
    return markdown_table(("Service", "Old → new", "Result", "Time"), rows)


def _images(entry: Entry) -> str:
    return text_of(transition(entry.before, entry.after)) if entry.before or entry.after else "-"


def _fate(entry: Entry, result: Result) -> str:
    """What became of one service."""
    if not entry.actions:
        return "unchanged" if entry.change is Change.NONE else f"{entry.change}: {text_of(entry.cause, 200)}"
    released = any(isinstance(action, (Replace, Create)) for action in entry.actions)
    match result:
        case Result.ROLLED_BACK if released:
            return "rolled back" if entry.before else "removed again"
        case Result.CONVERGED | Result.NO_OP | Result.ROLLED_BACK:
            return str(entry.change)
        case Result.ROLLBACK_FAILED | Result.FAILED:
            return str(result)


def _time(entry: Entry, report: Report) -> str:
    """How long its own steps took, and for how long none of its containers ran."""
    names = {entry.name, *(name for action in entry.actions for name in containers(action))}
    seconds = sum(step.seconds for step in report.steps if step.subject in names)
    gap = report.outcome.gap_seconds.get(entry.name) if report.outcome else None
    words = [duration(seconds)] if seconds else []
    return ", ".join([*words, *([f"{duration(gap)} without a container"] if gap is not None else [])])


def _judged(report: Report, outcome: Outcome) -> Iterator[str]:
    judgement = outcome.judgement
    if report.result is not Result.CONVERGED:
        yield f"**Reason:** {text_of(judgement.reason, 1000)}"
        yield from _rule(judgement)
    if judgement.decision is not None and any(_notable(r) for r in judgement.decision.rulings):
        yield _rulings(judgement.decision.rulings)
    for ruling in complaints(outcome):
        yield text_of(ruling_words(ruling))
    if report.plan is not None:
        lines = blocked_lines(report, report.plan, outcome)
        if lines:
            yield "  \n".join(text_of(line.removeprefix("  = ")) for line in lines)
    if outcome.exonerated:
        yield f"{text_of(', '.join(outcome.exonerated))}: not good without this release either."


def _rule(judgement: Judgement) -> Iterator[str]:
    if judgement.decision is not None and judgement.decision.deciding:
        yield f"**Rule:** {text_of(rule_words(judgement.decision))}"


def _notable(ruling: Ruling) -> bool:
    return ruling.verdict is not Verdict.PASS


def _rulings(rulings: Iterable[Ruling]) -> str:
    """The checks, those that are not good first."""
    ordered = sorted(rulings, key=lambda r: (not _notable(r), r.check))
    rows = [
        (
            text_of(r.check),
            str(r.severity),
            str(r.verdict),
            str(r.reaction),
            text_of(r.detail, 300),
        )
        for r in ordered
    ]
    return markdown_table(("Check", "Severity", "Verdict", "Reaction", "Seen"), rows)


def _logs(outcome: Outcome | None) -> Iterator[str]:
    for name, text in sorted(outcome.excerpts.items()) if outcome else ():
        yield details(f"Last lines of {name}", text)
