"""The report of a rejected release: complete where a machine can know, and open where only people do."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from reconciler.domain.incident import OPEN, incident, latest
from reconciler.domain.journal import Exhibit, ExhibitKind
from reconciler.domain.report import Result, Step
from reconciler.interface.render.incident_text import incident_markdown, incident_object
from tests.interface import values as v

SECTIONS = (
    *("What went wrong", "When was it detected", "What was the impact", "Who", "Timeline", "Data"),
    *("How it was decided", "Evidence", "To be filled in"),
)


def test_the_report_answers_what_the_runbook_asks() -> None:
    said = incident_markdown(incident(v.story()))
    assert said.startswith(f"<!-- reconcile incident {v.RUN} -->\n# Incident: production, 2026-")
    assert tuple(re.findall(r"^## (.*)$", said, re.MULTILINE)) == SECTIONS
    for known in (
        "**check search: 503**",
        "| backend | 1.8.1 → 1.8.2 |",
        "| check search | critical | fail | 9 of 12 | 503 |",
        "| backend | 0.42s |",
        "| Released by | dev |",
        "| Rolled back by | reconcile, run",
        "What ran before serves again, verified, 1m04s after the pass began.",
        "ERROR one",
        "Note: cannot tag backend:rollback",
    ):
        assert known in said, known
    for name in OPEN:
        assert f"- **{name}:** _open_" in said


def test_it_was_detected_when_the_gate_had_decided() -> None:
    story = v.story(
        steps=(Step("pull", "backend", 8.0), Step("gate", "production", 20.0), Step("restore", "x", 4.0))
    )
    report = incident(replace(story, run=replace(story.run, seconds=40.0)))
    assert report.detected_at is not None
    assert (report.detected_at - story.run.started_at).total_seconds() == 36.0
    assert "36s after the pass began" in incident_markdown(report)


def test_a_pass_that_was_killed_has_no_end() -> None:
    story = v.story()
    report = incident(replace(story, run=replace(story.run, seconds=None, result=Result.ROLLBACK_FAILED)))
    said = incident_markdown(report)
    assert "when it ended is not known" in said
    assert "could not be restored" in said
    assert incident_object(report)["ended_at"] is None


def test_what_happened_to_data_is_said() -> None:
    steps = (Step("backup", "kompass", 2.0, "kompass_backup_20260930-140000"), Step("restore", "web-1", 1.0))
    report = incident(v.story(steps=steps))
    assert [step.verb for step in report.data] == ["backup"], "a container that is restored is no data"
    assert "- backup kompass kompass\\_backup\\_20260930-140000 (2.0s)" in incident_markdown(report)
    assert "No database was backed up" in incident_markdown(incident(v.story(steps=())))


def test_what_others_wrote_is_harmless() -> None:
    evil = "<script>alert(1)</script> @everyone ::error:: \x1b[31m\u202e [x](http://evil) `x` | y"
    story = v.story(
        rulings=(v.ruling(evil, detail=evil),),
        exhibits=(Exhibit("web-1", ExhibitKind.LOG, f"</pre>{evil}\n"),),
        notes=(evil,),
        restored_reason=evil,
    )
    run = replace(story.run, reason=evil, subject=evil, by=evil, changes=((evil, evil, evil),))
    said = incident_markdown(incident(replace(story, run=run)))
    for harm in ("<script", "\x1b", "\u202e", "</pre>&"):
        assert harm not in said, harm
    text = re.sub(
        "<pre>.*?</pre>", "", said, flags=re.DOTALL
    )  # there nobody is mentioned, and nothing is a link
    assert "@everyone" not in text
    assert "http://" not in text
    assert said.count("</pre>") == said.count("<pre>")


def test_the_newest_rejected_release_is_meant() -> None:
    story = v.story()
    older = replace(story.run, id="OLD", started_at=v.AT.replace(year=2020))
    good = replace(story.run, id="GOOD", result=Result.CONVERGED)
    found = latest([older, good, story.run])
    assert found is not None
    assert found.id == v.RUN
    assert latest([good]) is None


@pytest.mark.parametrize("key", ["detected_at", "ended_at", "restored", "failed", "data", "open", "story"])
def test_as_data_it_says_the_same(key: str) -> None:
    assert key in incident_object(incident(v.story()))
