"""One pass of the journal as JSON."""

from __future__ import annotations

from reconciler.domain.journal import Exhibit, SampleSummary, Story
from reconciler.interface.render.json_values import (
    Object,
    image_object,
    rounded,
    ruling_object,
    step_object,
    tally_object,
    undo_object,
    utc,
)


def story_object(story: Story) -> Object:
    """Everything that is known of a pass. ``result`` is null while it is under way, or when it was killed."""
    run = story.run
    return {
        "run": run.id,
        "started_at": utc(run.started_at),
        "result": str(run.result) if run.result is not None else None,
        "duration_seconds": rounded(run.seconds) if run.seconds is not None else None,
        "subject": run.subject,
        "by": run.by,
        "reason": run.reason or None,
        "changes": [
            {"name": name, "from": image_object(old), "to": image_object(new)}
            for name, old, new in run.changes
        ],
        "verdict": story.verdict or None,
        "rule": story.rule or None,
        "rulings": [ruling_object(ruling) for ruling in story.rulings],
        "tallies": [_tally(summary) for summary in story.summaries],
        "restored": {"verdict": story.restored, "reason": story.restored_reason} if story.restored else None,
        "gaps": [
            {"name": name, "gap_seconds": rounded(gap)} for name, gap in sorted(story.gap_seconds.items())
        ],
        "exhibits": [_exhibit(exhibit) for exhibit in story.exhibits],
        "undo": undo_object(story.undo),
        "notes": list(story.notes),
        "error": story.error or None,
        "steps": [step_object(step) for step in story.steps],
    }


def _tally(summary: SampleSummary) -> Object:
    numbers = summary.samples, summary.good, summary.slowest_seconds
    return {"stage": summary.stage, **tally_object(summary.subject, *numbers, summary.last)}


def _exhibit(exhibit: Exhibit) -> Object:
    return {"container": exhibit.container, "kind": str(exhibit.kind), "text": exhibit.text}
