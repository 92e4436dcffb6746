"""What is told of a pass beside its run and its steps, as JSON and back; see ``codec``."""

from __future__ import annotations

from reconciler.adapters.host_state.codec import Object, Written, undo_from, undo_object
from reconciler.domain.gate import Evidence, Sample
from reconciler.domain.journal import Exhibit, ExhibitKind, Run, SampleSummary, Story
from reconciler.domain.report import Step
from reconciler.domain.severity import Reaction, Response, Ruling, Severity, Verdict


def story_object(story: Story) -> Object:
    """What is told of a pass beside its run, its steps and its exhibits."""
    return {
        "verdict": story.verdict,
        "rule": story.rule,
        "rulings": [_ruling_object(ruling) for ruling in story.rulings],
        "summaries": [_summary_object(summary) for summary in story.summaries],
        "restored": story.restored,
        "restored_reason": story.restored_reason,
        "gap_seconds": story.gap_seconds,
        "notes": story.notes,
        "undo": undo_object(story.undo) if story.undo is not None else None,
        "error": story.error,
    }


def story_from(written: Written, run: Run, steps: tuple[Step, ...], exhibits: tuple[Exhibit, ...]) -> Story:
    undo = written.get("undo")
    return Story(
        run=run,
        steps=steps,
        verdict=written.get("verdict", ""),
        rule=written.get("rule", ""),
        rulings=tuple(_ruling_from(one) for one in written.get("rulings", ())),
        summaries=tuple(_summary_from(one) for one in written.get("summaries", ())),
        restored=written.get("restored", ""),
        restored_reason=written.get("restored_reason", ""),
        exhibits=exhibits,
        gap_seconds=dict(written.get("gap_seconds", {})),
        notes=tuple(written.get("notes", ())),
        undo=undo_from(undo) if undo is not None else None,
        error=written.get("error", ""),
    )


def exhibit_object(exhibit: Exhibit) -> Object:
    return {"container": exhibit.container, "kind": exhibit.kind, "text": exhibit.text}


def exhibit_from(written: Written) -> Exhibit:
    return Exhibit(written["container"], ExhibitKind(written["kind"]), written["text"])


def _ruling_object(ruling: Ruling) -> Object:
    return {
        "check": ruling.check,
        "severity": ruling.severity,
        "verdict": ruling.verdict,
        "detail": ruling.detail,
        "response": ruling.reaction.response,
        "after_seconds": ruling.reaction.after_seconds,
    }


def _ruling_from(written: Written) -> Ruling:
    return Ruling(
        check=written["check"],
        severity=Severity(written["severity"]),
        verdict=Verdict(written["verdict"]),
        detail=written.get("detail", ""),
        reaction=Reaction(Response(written["response"]), written.get("after_seconds", 0.0)),
    )


def _summary_object(summary: SampleSummary) -> Object:
    return {
        "stage": summary.stage,
        "subject": summary.subject,
        "samples": summary.samples,
        "good": summary.good,
        "slowest_seconds": summary.slowest_seconds,
        "last": _sample_object(summary.last),
    }


def _summary_from(written: Written) -> SampleSummary:
    return SampleSummary(
        stage=written["stage"],
        subject=written["subject"],
        samples=written["samples"],
        good=written["good"],
        slowest_seconds=written.get("slowest_seconds", 0.0),
        last=_sample_from(written["last"]),
    )


def _sample_object(sample: Sample) -> Object:
    return {
        "subject": sample.subject,
        "evidence": sample.evidence,
        "at_seconds": sample.at_seconds,
        "detail": sample.detail,
        "final": sample.final,
        "severity": sample.severity,
        "seconds": sample.seconds,
    }


def _sample_from(written: Written) -> Sample:
    severity = written.get("severity")
    return Sample(
        subject=written["subject"],
        evidence=Evidence(written["evidence"]),
        at_seconds=written["at_seconds"],
        detail=written.get("detail", ""),
        final=written.get("final", False),
        severity=Severity(severity) if severity is not None else None,
        seconds=written.get("seconds", 0.0),
    )
