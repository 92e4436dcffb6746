"""Text of others is harmless wherever it is shown."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import cycle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.domain.foreign import columns, cut, foreign, foreign_lines, markdown_cell
from reconciler.domain.gate import Judgement, Sample
from reconciler.domain.history import HistoryRow
from reconciler.domain.journal import Exhibit, ExhibitKind, Observation, Run, SampleSummary, Story
from reconciler.domain.plan import Change, Plan, Replace
from reconciler.domain.report import EnvironmentHealth, Outcome, Report, Result, Step
from reconciler.domain.severity import Matrix, Severity, Verdict
from reconciler.domain.undo import Undo, UndoState
from reconciler.errors import Finding, InvalidState, PullFailed
from reconciler.interface.render.errors_text import error_text
from reconciler.interface.render.explain_text import account_text, of_judgement, of_story
from reconciler.interface.render.history_text import history_text, runbook_table
from reconciler.interface.render.plan_text import plan_text
from reconciler.interface.render.report_markdown import plan_blocks, report_blocks, story_markdown
from reconciler.interface.render.report_text import report_text, step_line
from reconciler.interface.render.status_text import Status, status_text
from reconciler.interface.render.story_text import story_text
from reconciler.interface.render.style import Style
from tests.interface import values as v

PLAIN = Style()
COMMAND = re.compile(r"^\s*::.*::|##\w*\[", re.MULTILINE)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("web 1.4.2", "web 1.4.2"),
        ("Größe 東京 é → …", "Größe 東京 é → …"),
        ("a\nb\rc\td\0", r"a\nb\rc\td\x00"),
        ("\x1b[31mERROR\x1b[0m x", "ERROR x"),
        ("\x1b[2Jgone\x1b]0;title\x07", r"\x1b[2Jgone\x1b]0;title\x07"),
        ("\x9b31m", r"\x9b31m"),
        ("abc\u202etxt.exe\u2066", r"abc\u202etxt.exe\u2066"),
        ("zero\u200bwidth\ufeff", r"zero\u200bwidth\ufeff"),
        ("line\u2028para\u2029", r"line\u2028para\u2029"),
        ("\udcff", r"\udcff"),
        ("\U000e0041", r"\U000e0041"),
        ("::error file=x::gone", r"\x3a:error file=x::gone"),
        ("   ::stop-commands::x", r"   \x3a:stop-commands::x"),
        ("see ::note:: there", "see ::note:: there"),
        ("::1 refused", "::1 refused"),
        ("x ##[add-mask]a", r"x ##\x5badd-mask]a"),
        ("##vso[task.setvariable]", r"##vso\x5btask.setvariable]"),
        ("# [link](x) ##", "# [link](x) ##"),
    ],
)
def test_nothing_invisible_and_no_command_passes(text: str, shown: str) -> None:
    assert foreign(text) == shown


@given(st.text(st.characters(codec=None), max_size=60))
def test_any_text_becomes_one_printable_line(text: str) -> None:
    shown = foreign(text)
    assert len(shown.splitlines()) <= 1
    assert not COMMAND.search(shown)
    assert all(c.isprintable() or c.isspace() for c in shown)
    assert foreign(shown) == shown


def test_lines_stay_lines() -> None:
    assert foreign_lines("one\r\n\x1b[1mtwo\x1b[0m\n\n  three\n\n") == ["one", "two", "", "  three"]


def test_cutting_counts_columns() -> None:
    assert cut("abcdef", 6) == "abcdef"
    assert cut("abcdefg", 6) == "abcde…"
    assert cut("東京都庁", 6) == "東京…"
    assert columns("e\u0301") == 1


def test_markdown_is_neither_markup_nor_a_cell_border() -> None:
    assert markdown_cell("a|b `c` <img src=x> [d](e)\n*f*") == (
        r"a\|b \`c\` &lt;img src=x&gt; \[d\](e)\\n\*f\*"
    )


BAD = v.HOSTILE
REVISION = v.revision(BAD, branch=BAD, author=BAD)


def _plans() -> list[Plan]:
    """Plans with actions, with two waves, and without actions."""
    name, other = f"1{BAD}", f"2{BAD}"
    held = v.entry(BAD, Change.HELD, cause=BAD, before=BAD, after=f"{BAD}2")
    unpinned = v.entry(other, before=BAD, after=BAD, pinned=False)
    served = replace(v.instance("web"), name=BAD)
    moved = Replace(replace(v.service("web"), name=name), (served,), (), BAD)
    change = replace(v.changed(name), actions=(moved,))
    full = v.plan(change, v.created(other), held, unpinned, waves=((name,), (other,)))
    return [replace(plan, environment=BAD) for plan in (full, v.plan(held, unpinned), v.plan(unpinned))]


def _reports() -> list[Report]:
    """Every result, with every way to end it."""
    sample = v.sample(BAD, BAD)
    rulings = [v.ruling(BAD, severity, verdict, BAD) for severity in Severity for verdict in Verdict]
    judgement = v.fail(sample, Sample(BAD, sample.evidence, 1.0, BAD))
    judgement = replace(judgement, decision=v.decision(*rulings))
    excerpts = {BAD: f"{BAD}\n{BAD}\n    ::error::x", f"{BAD}2": ""}
    outcomes = [
        Outcome(
            result, judgement, restored, {BAD: 0.1}, excerpts, {BAD: BAD}, exonerated=(BAD,), notes=(BAD,)
        )
        for result in Result
        for restored in (v.passed(), v.fail(sample), Judgement(Verdict.FAIL, BAD))
    ]
    reports = [
        v.report(outcome.result, plan, outcome, health=EnvironmentHealth.DEGRADED)
        for outcome in outcomes
        for plan in _plans()
    ]
    reports += [v.report(result, error=PullFailed(BAD, hint=BAD)) for result in Result]
    reports += [v.report(Result.NO_OP, plan) for plan in _plans()]
    undos = [None, *(hostile_undo(state) for state in UndoState)]
    return [
        replace(report, environment=BAD, revision=REVISION, run=BAD, notes=(BAD,), undo=undo)
        for report, undo in zip(reports, cycle(undos), strict=False)
    ]


def hostile_undo(state: UndoState) -> Undo:
    moves = ((BAD, BAD, f"{BAD}2"),)
    return Undo(
        BAD, BAD, moves, (BAD,), BAD, state, BAD, BAD, 1, v.AT if state is UndoState.PENDING else None
    )


def hostile_story(result: Result | None = Result.ROLLED_BACK) -> Story:
    sample = v.sample(BAD, BAD)
    return Story(
        run=Run(BAD, BAD, v.AT, BAD, BAD, BAD, ((BAD, BAD, f"{BAD}2"),), result, 1.0, BAD),
        steps=(Step(BAD, BAD, 1.0, BAD),),
        verdict=BAD,
        rule=BAD,
        rulings=tuple(v.ruling(BAD, severity, Verdict.FAIL, BAD) for severity in Severity),
        summaries=tuple(SampleSummary(stage, BAD, 1, 0, 1.0, sample) for stage in ("gate", "verify", BAD)),
        restored=BAD,
        restored_reason=BAD,
        exhibits=tuple(Exhibit(BAD, kind, f"{BAD}\n{BAD}") for kind in ExhibitKind),
        gap_seconds={BAD: 1.0},
        notes=(BAD,),
        undo=hostile_undo(UndoState.PENDING),
        error=BAD,
    )


def _everything() -> list[str]:
    """Every screen, with hostile text wherever somebody else writes it."""
    environment, observed = v.environment(BAD, name=BAD), v.observed(v.instance(BAD))
    finding = Finding(BAD, 3, 5, BAD, BAD, BAD)
    row = HistoryRow(BAD, BAD, v.AT, BAD, BAD, ((BAD, BAD, f"{BAD}2"), (BAD, "", BAD)), BAD, BAD)
    rows = [row, replace(row, environment=f"{BAD}2")]
    blocked = v.plan(v.entry(BAD, Change.BLOCKED, cause=BAD))
    seen = Observation(BAD, BAD, v.AT, ((BAD, v.AT),))
    undo = hostile_undo(UndoState.PROPOSED)
    status = Status(BAD, plan=blocked, revision=REVISION, undo=undo, observation=seen)
    return [
        *(plan_text(environment, REVISION, plan, observed, PLAIN, BAD) for plan in _plans()),
        *(report_text(report, PLAIN) for report in _reports()),
        *(story_text(hostile_story(result), PLAIN) for result in (None, Result.CONVERGED)),
        account_text(of_story(hostile_story()), Matrix(), PLAIN),
        account_text(of_judgement(v.fail(v.sample(BAD, BAD))), Matrix(), PLAIN),
        status_text([status], PLAIN),
        "\n".join(plan_blocks(status)),
        "\n".join(block for report in _reports() for block in report_blocks(report)),
        story_markdown(hostile_story()),
        step_line(BAD, Step(BAD, f"{BAD}2", 1.0, BAD), PLAIN),
        *(status_text([Status(BAD, revision=REVISION, plan=plan, remark=BAD)], PLAIN) for plan in _plans()),
        status_text([Status(BAD, error=PullFailed(BAD))], PLAIN),
        error_text(InvalidState(BAD, findings=(finding,), hint=BAD), PLAIN),
        error_text(PullFailed(BAD, hint=BAD), PLAIN),
        history_text([row], PLAIN),
        history_text(rows, PLAIN),
        runbook_table(rows),
    ]


def test_no_screen_lets_hostile_text_through() -> None:
    for text in _everything():
        assert not COMMAND.search(text), text
        assert all(c == "\n" or c.isprintable() for c in text), ascii(text)
        assert "::error::hacked" not in [line.strip() for line in text.split("\n")]
