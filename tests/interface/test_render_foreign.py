"""Text of others is harmless wherever it is shown."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.domain.gate import Judgement, Sample, Verdict
from reconciler.domain.history import HistoryRow
from reconciler.domain.plan import Change
from reconciler.domain.report import Outcome, Result, Step
from reconciler.errors import Finding, InvalidState, PullFailed
from reconciler.interface.render.errors_text import error_text
from reconciler.interface.render.foreign import columns, cut, foreign, foreign_lines, markdown_cell
from reconciler.interface.render.history_text import history_text, runbook_table
from reconciler.interface.render.plan_text import plan_text
from reconciler.interface.render.report_text import report_text, step_line
from reconciler.interface.render.status_text import Status, status_text
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


def _everything() -> list[str]:
    """Every screen, with hostile text wherever somebody else writes it."""
    bad = v.HOSTILE
    revision = v.revision(bad, branch=bad, author=bad)
    held = v.entry(bad, Change.HELD, cause=bad, before=bad, after=bad)
    plan = v.plan(v.changed(bad), v.created(bad + "2"), held)
    sample = v.sample(bad, bad)
    excerpts = {bad: f"{bad}\n{bad}\n    ::error::x"}
    outcomes = [
        Outcome(
            result,
            v.fail(sample, Sample(bad, sample.evidence, 1.0, bad)),
            restored,
            {bad: 0.1},
            excerpts,
            (bad,),
        )
        for result in Result
        for restored in (v.passed(), v.fail(sample), Judgement(Verdict.FAIL, bad))
    ]
    finding = Finding(bad, 3, 5, bad, bad, bad)
    row = HistoryRow(bad, bad, v.AT, bad, bad, ((bad, bad, bad), (bad, "", bad)), bad, bad)
    environment = v.environment(bad, name=bad)
    return [
        plan_text(environment, revision, plan, v.observed(v.instance(bad)), PLAIN, bad),
        *(report_text(v.report(outcome.result, plan, outcome), PLAIN) for outcome in outcomes),
        report_text(v.report(Result.FAILED, plan, error=PullFailed(bad, hint=bad)), PLAIN, bad),
        step_line(bad, Step(bad, bad, 1.0, bad), PLAIN),
        status_text([Status(bad, revision=revision, plan=plan, remark=bad)], PLAIN),
        status_text([Status(bad, error=PullFailed(bad))], PLAIN),
        error_text(InvalidState(bad, findings=(finding,), hint=bad), PLAIN),
        error_text(PullFailed(bad, hint=bad), PLAIN),
        history_text([row], PLAIN),
        runbook_table([row]),
    ]


def test_no_screen_lets_hostile_text_through() -> None:
    for text in _everything():
        assert not COMMAND.search(text), text
        assert all(c == "\n" or c.isprintable() for c in text), ascii(text)
        assert "::error::hacked" not in [line.strip() for line in text.split("\n")]
