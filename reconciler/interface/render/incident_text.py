"""The report of an incident: Markdown for a ticket, and the same as data."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from reconciler.domain.foreign import text_of
from reconciler.domain.incident import OPEN, Failed, Incident
from reconciler.domain.journal import ExhibitKind
from reconciler.interface.render.json_story import story_object
from reconciler.interface.render.json_values import Object, rounded, ruling_object, step_object, utc
from reconciler.interface.render.markdown import details, markdown_table
from reconciler.interface.render.phrases import duration, transition
from reconciler.interface.render.report_text import step_line
from reconciler.interface.render.story_text import exhibit_title
from reconciler.interface.render.style import Style
from reconciler.interface.render.undo_text import git_lines


def incident_markdown(incident: Incident) -> str:
    """The whole report; the marker in its first line tells which incident it is, whoever copies it."""
    run = incident.story.run
    marker = f"<!-- reconcile incident {text_of(run.id)} -->"
    blocks = [
        f"{marker}\n# Incident: {text_of(run.environment)}, {_time(run.started_at)}",
        *_section("What went wrong", _what(incident)),
        *_section("When was it detected", _when(incident)),
        *_section("What was the impact", _impact(incident)),
        *_section("Who", _who(incident)),
        *_section("Timeline", _timeline(incident)),
        *_section("Data", _data(incident)),
        *_section("How it was decided", _decision(incident)),
        *_section("Evidence", _evidence(incident)),
        *_section("To be filled in", iter([_open()])),
    ]
    return "\n\n".join(blocks) + "\n"


def incident_object(incident: Incident) -> Object:
    """The same as data; what people fill in is null."""
    return {
        "detected_at": utc(incident.detected_at) if incident.detected_at else None,
        "ended_at": utc(incident.ended_at) if incident.ended_at else None,
        "restored": incident.restored,
        "rolled_back_by": incident.rolled_back_by,
        "downtime_seconds": None if incident.downtime_seconds is None else rounded(incident.downtime_seconds),
        "failed": [_failed_object(one) for one in incident.failed],
        "data": [step_object(step) for step in incident.data],
        "open": dict.fromkeys(OPEN),
        "story": story_object(incident.story),
    }


def _failed_object(one: Failed) -> Object:
    samples = one.samples.samples if one.samples is not None else 0
    return {**ruling_object(one.ruling), "samples": samples, "bad": one.bad}


def _section(title: str, blocks: Iterator[str]) -> Iterator[str]:
    yield f"## {title}"
    yield from blocks


def _what(incident: Incident) -> Iterator[str]:
    story = incident.story
    yield f"**{text_of(story.run.reason or 'It is not known why.', 1000)}**"
    if story.run.changes:
        rows = [(text_of(name), text_of(transition(old, new))) for name, old, new in story.run.changes]
        yield markdown_table(("Service", "Old → new"), rows)
    if incident.failed:
        checks = [_failed(one) for one in incident.failed]
        yield markdown_table(("Check", "Severity", "Verdict", "Bad samples", "Seen last"), checks)


def _failed(one: Failed) -> tuple[str, ...]:
    ruling = one.ruling
    samples = f"{one.bad} of {one.samples.samples}" if one.samples else "-"
    return (
        text_of(ruling.check),
        str(ruling.severity),
        str(ruling.verdict),
        samples,
        text_of(ruling.detail, 300),
    )


def _when(incident: Incident) -> Iterator[str]:
    run = incident.story.run
    if incident.detected_at is None:
        yield f"During the pass that began at {_time(run.started_at)}; when it ended is not known."
        return
    after = duration((incident.detected_at - run.started_at).total_seconds())
    yield f"About {_time(incident.detected_at)}, {after} after the pass began that released it."


def _impact(incident: Incident) -> Iterator[str]:
    gaps = incident.story.gap_seconds
    if gaps:
        rows = [(text_of(name), duration(gap)) for name, gap in sorted(gaps.items())]
        yield markdown_table(("Service", "Without a running container, at most"), rows)
    else:
        yield "No service was without a running container."
    if incident.restored and incident.ended_at is not None:
        seconds = (incident.ended_at - incident.story.run.started_at).total_seconds()
        yield f"What ran before serves again, verified, {duration(seconds)} after the pass began."
    elif not incident.restored:
        yield "**What ran before could not be restored: the environment may be degraded still.**"


def _who(incident: Incident) -> Iterator[str]:
    run, undo = incident.story.run, incident.story.undo
    rows = [("Released by", text_of(run.by or "unknown", 100))]
    if run.revision:
        rows.append(("Commit", f"{text_of(run.revision[:12])} {text_of(run.subject, 100)}"))
    rows.append(("Rolled back by", f"{text_of(incident.rolled_back_by)}, run {text_of(run.id)}"))
    if undo is not None:
        rows.append(("In Git", " ".join(text_of(line.strip()) for line in git_lines(undo))))
    yield markdown_table(("", ""), rows)


def _timeline(incident: Incident) -> Iterator[str]:
    run = incident.story.run
    yield f"{_time(run.started_at)}: the pass begins."
    if incident.story.steps:
        lines = "\n".join(step_line(run.environment, step, Style()) for step in incident.story.steps)
        yield details(f"{len(incident.story.steps)} steps, in order", lines)
    if incident.detected_at is not None:
        yield f"{_time(incident.detected_at)}: the gate has decided."
    if incident.ended_at is not None:
        yield f"{_time(incident.ended_at)}: the pass ends, {text_of(str(run.result))}."


def _data(incident: Incident) -> Iterator[str]:
    if not incident.data:
        yield "No database was backed up or restored by this pass."
        return
    yield "\n".join(
        f"- {text_of(step.verb)} {text_of(step.subject)} {text_of(step.detail)} ({duration(step.seconds)})"
        for step in incident.data
    )


def _decision(incident: Incident) -> Iterator[str]:
    story = incident.story
    yield text_of(f"Verdict: {story.verdict or 'none'}. Rule: {story.rule or 'none'}.", 1000)
    if story.restored:
        yield text_of(f"The same checks on what ran before: {story.restored}, {story.restored_reason}.", 1000)
    for note in story.notes:
        yield f"Note: {text_of(note, 1000)}"


def _evidence(incident: Incident) -> Iterator[str]:
    exhibits = sorted(incident.story.exhibits, key=lambda e: (e.kind is not ExhibitKind.LOG, e.container))
    if not exhibits:
        yield "Nothing was kept."
    for exhibit in exhibits:
        yield details(exhibit_title(exhibit, said=bool(exhibit.text)), exhibit.text)


def _open() -> str:
    return "\n".join(f"- **{name}:** _open_" for name in OPEN)


def _time(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
