"""The whole story of one pass: who, what, why, how long, which check, and what became of it in Git."""

from __future__ import annotations

import json

from reconciler.domain.foreign import foreign, foreign_lines
from reconciler.domain.journal import Exhibit, ExhibitKind, Run, SampleSummary, Story
from reconciler.interface.render.explain_text import checks_table
from reconciler.interface.render.history_text import change_text
from reconciler.interface.render.phrases import duration, response_time
from reconciler.interface.render.report_text import step_line
from reconciler.interface.render.style import Style, Tone, table
from reconciler.interface.render.undo_text import clock_time, git_lines

_LOG_COLUMNS = 200
_NOTHING: tuple[object, ...] = (None, "", 0, [], {}, [0, 0])
_DULL = (
    "GraphDriver",
    "HostnamePath",
    "HostsPath",
    "LogPath",
    "MaskedPaths",
    "ReadonlyPaths",
    "ResolvConfPath",
)


def story_text(story: Story, style: Style) -> str:
    """Everything that the journal knows of a pass, for a terminal."""
    blocks = [
        [style.paint(run_line(story.run), Tone.STRONG), *_facts(story)],
        _changes(story.run),
        _steps(story, style),
        _decision(story, style),
        _samples(story, style),
        git_lines(story.undo) if story.undo is not None else [],
        [f"note: {foreign(note)}" for note in story.notes],
        *(_exhibit(exhibit, style) for exhibit in story.exhibits),
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block)


def run_line(run: Run) -> str:
    """``production  run 01J9ZM02QX  rolled-back  2026-09-30 14:04 UTC``."""
    words = [foreign(run.environment, 40), f"run {foreign(run.id, 40)}", result_words(run)]
    return "  ".join([*words, clock_time(run.started_at)])


def result_words(run: Run) -> str:
    """How it ended; one that never said so was killed, or is still under way."""
    return str(run.result) if run.result is not None else "under way, or killed"


def facts(story: Story) -> list[tuple[str, str]]:
    """Who, what, why and how long, as far as they are known; every value is harmless."""
    run = story.run
    revision = f'{foreign(run.revision[:7])} "{foreign(run.subject, 100)}"' if run.revision else ""
    gaps = [f"{foreign(name, 40)} {duration(gap)}" for name, gap in sorted(story.gap_seconds.items())]
    restored = f"{foreign(story.restored)}: {foreign(story.restored_reason, 400)}" if story.restored else ""
    known = [
        ("revision", revision),
        ("by", foreign(run.by, 100)),
        ("took", duration(run.seconds) if run.seconds is not None else ""),
        ("reason", foreign(run.reason, 400)),
        ("verdict", foreign(story.verdict)),
        ("rule", foreign(story.rule, 400)),
        ("restored", restored),
        ("gaps", ", ".join(gaps)),
        ("error", foreign(story.error, 400) if story.error != run.reason else ""),
    ]
    return [(name, value) for name, value in known if value]


def _facts(story: Story) -> list[str]:
    return [f"  {name:<9} {value}" for name, value in facts(story)]


def _changes(run: Run) -> list[str]:
    return ["Changes:", *(f"  {change_text(change)}" for change in run.changes)] if run.changes else []


def _steps(story: Story, style: Style) -> list[str]:
    lines = []
    for step in story.steps:
        said = foreign_lines(step.detail.partition("\n")[2], _LOG_COLUMNS)
        lines.append(f"  {step_line(story.run.environment, step, style)}")
        lines += [style.paint(f"    | {line}", Tone.QUIET) for line in said if line]
    return ["Steps:", *lines] if lines else []


def _decision(story: Story, style: Style) -> list[str]:
    gate = [summary for summary in story.summaries if summary.stage == "gate"]
    lines = checks_table(story.rulings, gate, style)
    return ["Checks:", *(f"  {line}" for line in lines)] if lines else []


def _samples(story: Story, style: Style) -> list[str]:
    """What was sampled without a ruling: where the checks did not decide, and the predecessors."""
    judged = {ruling.check for ruling in story.rulings}
    rest = [s for s in story.summaries if s.stage != "gate" or s.subject not in judged]
    if not rest:
        return []
    heading = ("STAGE", "SUBJECT", "SAMPLES", "SLOWEST", "LAST")
    lines = table([heading, *(_sampled(summary) for summary in rest)], style)
    return ["Samples:", *(f"  {line}" for line in lines)]


def _sampled(summary: SampleSummary) -> tuple[str, ...]:
    slowest = response_time(summary.slowest_seconds) if summary.slowest_seconds else "-"
    last = f"{summary.last.evidence}: {foreign(summary.last.detail, 100)}"
    samples = f"{summary.good} of {summary.samples} good"
    return (foreign(summary.stage, 20), foreign(summary.subject, 60), samples, slowest, last)


def _exhibit(exhibit: Exhibit, style: Style) -> list[str]:
    """Evidence; a bar keeps it from being taken for ours."""
    text = exhibit.text if exhibit.kind is ExhibitKind.LOG else _telling(exhibit.text)
    lines = [line for line in foreign_lines(text, _LOG_COLUMNS) if line]
    return [exhibit_title(exhibit, said=bool(lines)), *(style.paint(f"  | {x}", Tone.QUIET) for x in lines)]


def _telling(description: str) -> str:
    """What says something in a description; all of it is in the JSON."""
    try:
        return json.dumps(_pruned(json.loads(description)), indent=1, ensure_ascii=False)
    except ValueError:  # it was cut where it was too long
        return description


def _pruned(value: object) -> object:
    """Without what is empty, off or zero; a number of the state says something even then."""
    if isinstance(value, list):
        return [_pruned(one) for one in value]
    if not isinstance(value, dict):
        return value
    pruned = {name: one if name == "State" else _pruned(one) for name, one in value.items()}
    return {name: one for name, one in pruned.items() if name not in _DULL and one not in _NOTHING}


def exhibit_title(exhibit: Exhibit, *, said: bool = True) -> str:
    """What a piece of evidence is, and of which container."""
    name = foreign(exhibit.container, 100)
    match exhibit.kind:
        case ExhibitKind.LOG:
            return f"last lines of {name}:" if said else f"{name} wrote no log."
        case ExhibitKind.DESCRIPTION:
            return f"{name}, as the engine described it:" if said else f"{name} was not described."
