"""Failures as people see them."""

from __future__ import annotations

from reconciler.errors import ComposeFailed, Finding, InvalidState, Refused
from reconciler.interface.render.errors_text import error_text
from reconciler.interface.render.style import Style

PLAIN = Style()
PINS = "state/production/compose.pins.yaml"


def test_a_problem_and_what_to_do() -> None:
    error = Refused("there is no environment 'prod' in reconcile.yaml", hint="There are: production, staging")
    assert (
        error_text(error, PLAIN)
        == """\
error: there is no environment 'prod' in reconcile.yaml
  = help: There are: production, staging"""
    )


def test_what_another_program_said_is_set_off() -> None:
    said = "\n".join(["Compose cannot create backend:", *(f"line {number}" for number in range(22))])
    lines = error_text(ComposeFailed(said), PLAIN).split("\n")
    assert lines[:3] == ["error: Compose cannot create backend:", "  | line 0", "  | line 1"]
    assert lines[-1] == "  | … 2 more lines"


def test_all_findings_at_once_in_the_order_of_the_files() -> None:
    findings = (
        Finding(
            "state/staging/compose.pins.yaml",
            14,
            12,
            "image has no digest",
            "reconcile pin staging",
            "    image: web:1",
        ),
        Finding(PINS, 9, 3, "'web' is defined twice"),
        Finding(PINS, 6, 3, "'wroker' is not a service", "did you mean 'worker'?", "  wroker:"),
    )
    error = InvalidState("the desired state of production cannot be used", findings=findings)
    assert (
        error_text(error, PLAIN)
        == f"""\
error: 'wroker' is not a service
 --> {PINS}:6:3
  |
6 |   wroker:
  |   ^^^^^^
  = help: did you mean 'worker'?
error: 'web' is defined twice
 --> {PINS}:9:3
error: image has no digest
 --> state/staging/compose.pins.yaml:14:12
   |
14 |     image: web:1
   |            ^^^^^
  = help: reconcile pin staging
the desired state of production cannot be used: 3 errors in 2 files."""
    )


def test_a_file_without_a_position() -> None:
    error = InvalidState(
        "files have uncommitted changes", findings=(Finding("a.yaml", 0, 0, "differs"),), hint="Commit"
    )
    assert (
        error_text(error, PLAIN)
        == """\
error: differs
 --> a.yaml
files have uncommitted changes: 1 error in 1 file.
  = help: Commit"""
    )


def test_the_caret_stays_below_its_word() -> None:
    finding = Finding("a.yaml", 1, 5, "no", "", "\t東京 wroker, x")
    assert error_text(InvalidState("bad", findings=(finding,)), PLAIN).split("\n")[3:5] == [
        r"1 | \t東京 wroker, x",
        "  |        " + "^^^^^^",
    ]


def test_a_very_long_line_is_cut_around_the_caret() -> None:
    finding = Finding("a.yaml", 1, 5001, "no", "", "a" * 4990 + " key: " + "b" * 5000)
    line, caret = error_text(InvalidState("bad", findings=(finding,)), PLAIN).split("\n")[3:5]
    assert len(line) == 100
    assert line.startswith("1 | …aaaa")
    assert caret.index("^") == 25
    assert len(caret) == 100


def test_a_caret_past_the_end_of_the_line() -> None:
    finding = Finding("a.yaml", 1, 99, "no", "", "key:")
    assert error_text(InvalidState("bad", findings=(finding,)), PLAIN).split("\n")[4] == "  |     ^"
