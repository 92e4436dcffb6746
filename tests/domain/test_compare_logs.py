"""New kinds of lines, and too many of them."""

from __future__ import annotations

import json
import string

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from reconciler.domain.check import Logs
from reconciler.domain.compare import collect, compare, signature
from reconciler.domain.compare.logs import LONGEST, LONGEST_EXAMPLE
from reconciler.domain.comparison import Comparison, Lines, Measures
from reconciler.domain.gate import Evidence

GOOD, BAD = Evidence.GOOD, Evidence.BAD
ERRORS = "(?i)error|exception"
QUESTION = Logs(("backend",), ERRORS)


def wrote(*lines: str, seconds: float = 60.0, match: str = ERRORS) -> Measures:
    return Measures(lines=collect("\n".join(lines), match, seconds))


# --- kinds -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("error 17 in 3 jobs", "error 1700000 in 9 jobs"),
        ("2026-11-23T18:47:36.123Z error", "2025-01-02T03:04:05+01:00 error"),
        ("2026-11-23 18:47:36,123 error", "2025-01-02 03:04:05 error"),
        ("2026/11/23 18:47:36 error", "2025/01/02 03:04:05 error"),
        ("Nov 23 18:47:36 host error", "Jan  2 03:04:05 host error"),
        ("Mon Nov 23 18:47:36 2026 error", "Fri Jan  2 03:04:05 2026 error"),
        ("[23/Nov/2026:18:47:36 +0000] error", "[02/Jan/2025:03:04:05 +0100] error"),
        ("Mon, 23 Nov 2026 18:47:36 GMT error", "Tue, 02 Jan 2025 03:04:05 GMT error"),
        ("18:47:36 error", "03:04:05.678 error"),
        ("ts=1763923656 error", "ts=1763923656123 error"),
        ("error at 0x7ffdeadbeef", "error at 0xdeadbeef1"),
        ("error in 3f2a9bc1d4e5", "error in 100000000000"),
        (
            "error 550e8400-e29b-41d4-a716-446655440000",
            "error FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF",
        ),
        ('error: no user "bob"', 'error: no user "alice the second"'),
        ("error: no user 'bob'", "error: no user 'al'"),
        ("error: cannot reach 10.0.0.7:5432", "error: cannot reach 192.168.1.200:15432"),
        ("error: cannot reach [2001:db8::1]:80", "error: cannot reach [fe80::1:2]:8080"),
        ("error: bob@example.com bounced", "error: a.b+c@mail.example.org bounced"),
        ("error: GET /customers/65f1c0ffee/edit", "error: GET /customers/1/edit"),
        ("error: GET /f/V1StGXR8_Z5jdHi6B", "error: GET /f/a1"),
        ("error: token abcdefghij0123456789", "error: token ZYXW-9876543210_abc"),
        ("error after 900ms", "error after 1.1s"),
        ("error after 900 ms", "error after 12 s"),
        ("\x1b[31merror\x1b[0m", "error"),
        ("error\x1b]0;title\x07 here", "error here"),
        ("error   here\t", "error here"),
        (
            '{"level":50,"time":1763923656123,"pid":7,"hostname":"3f2a9bc1d4e5","msg":"error: down"}',
            '{"level":50,"time":1763923999999,"pid":8,"hostname":"aaa000bbb111","msg":"error: down"}',
        ),
        (
            '{"msg": "error", "stack": "Error: x\\n  at a.js:1:2"}',
            '{"msg": "error", "stack": "Error: x\\n  at other.js:3:4"}',
        ),
    ],
)
def test_lines_of_one_kind(one: str, other: str) -> None:
    assert signature(one) == signature(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("error: connection refused", "error: connection reset"),
        ("error: full", "ERROR: full"),
        ("TypeError: x is undefined", "ReferenceError: x is undefined"),
        ("can't open the file, it isn't there", "can't open the door, it isn't there"),
        ("at std::vector::push", "at std::map::push"),
        ('{"level":"error","msg":"connection refused"}', '{"level":"error","msg":"no space left"}'),
        ('level=error msg="connection refused" n=1', 'level=error msg="no space left" n=2'),
        ("error in deface", "error in facade"),
        ("GET /customers failed: error", "GET /orders failed: error"),
    ],
)
def test_lines_of_two_kinds(one: str, other: str) -> None:
    assert signature(one) != signature(other)


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("2026-11-23T18:47:36Z ERROR job 7: 12 failed", "<time> ERROR job #: # failed"),
        ("user bob@example.com at 10.0.0.7", "user <mail> at #"),
        ('no "x" in /a/b7/c', "no <text> in /a/#/c"),
        (
            '{"msg": "down", "code": 7, "who": {"name": "a"}, "in": ["x", "y"]}',
            "msg=down code=# name=a in=x in=y",
        ),
        ('{"cut', '{"cut'),
        ("", ""),
    ],
)
def test_a_kind_can_be_read(line: str, kind: str) -> None:
    assert signature(line) == kind


_words = st.text(string.ascii_letters + " .,:;()", min_size=1, max_size=40).filter(
    lambda one: not one.isspace()
)
_varying = st.one_of(
    st.integers(0, 10**18).map(str),
    st.uuids().map(str),
    st.datetimes().map(lambda at: at.isoformat(sep=" ")),
    st.ip_addresses(v=4).map(str),
)


@given(_words, st.integers(0, 10**18), st.integers(0, 10**18))
def test_numbers_never_tell_lines_apart(words: str, one: int, other: int) -> None:
    assert signature(f"{words} {one} end") == signature(f"{words} {other} end")


@given(_words, st.uuids(), st.uuids())
def test_ids_never_tell_lines_apart(words: str, one: object, other: object) -> None:
    assert signature(f"{words} id {one} end") == signature(f"{words} id {other} end")


@given(st.text(max_size=300))
@example("٣ errors")
@example("[" * 1500)
@example('{"a":' * 1000)
def test_any_line_has_a_kind_without_digits(line: str) -> None:
    kind = signature(line)
    assert len(kind) <= 500
    assert not any(character.isdecimal() for character in kind)


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda one: st.lists(one) | st.dictionaries(st.text(), one),
    )
)
@settings(max_examples=50, deadline=None)
def test_any_json_has_a_kind(document: object) -> None:
    signature(json.dumps({"a": document}))


@pytest.mark.parametrize(
    "unit",
    [
        *"a1\"'@.:/-` {~#",
        "a1-",
        "a'b ",
        "a@",
        "1.",
        "a:",
        "/a",
        "f:",
        "1:",
        '{"a":',
        "Nov ",
        "1 Nov ",
        'msg="',
        "\x1b[",
        "\x1b]",
    ],
)
def test_hostile_lines_as_long_as_the_engine_cuts_them(unit: str) -> None:
    """An expression that goes back and forth would not end here."""
    assert len(signature((unit * 16_000)[:16_000])) <= 500


# --- collecting --------------------------------------------------------------------------------------


def test_only_matching_lines_are_collected() -> None:
    lines = collect("error 1\nall well\n\nError two\nerror 3\r\n", ERRORS, 4.0)
    assert lines == Lines(
        {"error #": 2, "Error two": 1}, {"error #": "error 1", "Error two": "Error two"}, 4.0
    )
    assert lines.matching == 3


def test_the_end_of_a_long_line_is_not_searched() -> None:
    assert collect("x" * LONGEST + "error", ERRORS, 1.0).matching == 0
    assert collect("x" * (LONGEST - 5) + "error", ERRORS, 1.0).matching == 1


def test_examples_are_short_and_without_control_characters() -> None:
    (example_,) = collect("\x1b[31merror\x1b[0m\x07" + "x" * 500, ERRORS, 1.0).examples.values()
    assert example_ == ("error" + "x" * 500)[:LONGEST_EXAMPLE]


def test_an_expression_that_matches_everything_matches_no_empty_line() -> None:
    assert collect("\n \n\n", "", 1.0).matching == 0


# --- comparing ---------------------------------------------------------------------------------------


OLD = wrote("error: disk 1 is slow", "error: disk 2 is slow")


@pytest.mark.parametrize(
    ("question", "before", "now", "evidence", "detail"),
    [
        (QUESTION, OLD, wrote(), GOOD, "no matching lines, no new kinds"),
        (QUESTION, OLD, wrote("error: disk 9 is slow"), GOOD, "1 matching line, no new kinds"),
        (QUESTION, OLD, wrote("error: disk 9 is full"), BAD, "1 new kind of lines: error: disk 9 is full"),
        (
            QUESTION, OLD, wrote("error: a", "error: b", "error: disk 9 is slow"), BAD,
            "2 new kinds of lines: error: a",
        ),
        (Logs((), ERRORS, new=1), OLD, wrote("error: a"), GOOD, "1 matching line, 1 new kind"),
        (Logs((), ERRORS, new=1), OLD, wrote("error: a", "error: b"), BAD, "2 new kinds of lines: error: a"),
        (Logs((), ERRORS, new=None), OLD, wrote("error: a"), GOOD, "1 matching line"),
        (QUESTION, Measures(), wrote("error: a"), BAD, "1 new kind of lines: error: a"),
        (QUESTION, None, wrote("error: a"), GOOD, "1 matching line; not compared: nothing ran before"),
        (Logs((), ERRORS, None, 10), None, wrote(*["error 1"] * 10), GOOD, "10 matching lines"),
        (
            Logs((), ERRORS, None, 10), None, wrote("error: a", *["error 1"] * 10), BAD,
            "11 matching lines per minute, more than 10: error 1",
        ),
        (Logs((), ERRORS, None, 0), None, wrote(*["error 1"] * 2), GOOD, "2 matching lines"),
        (
            Logs((), ERRORS, None, 0), None, wrote(*["error 1"] * 3), BAD,
            "3 matching lines per minute, more than 0: error 1",
        ),
        (Logs((), ERRORS, None, 18), None, wrote(*["error 1"] * 3, seconds=0.5), GOOD, "3 matching lines"),
        (
            Logs((), ERRORS, None, 18), None, wrote(*["error 1"] * 4, seconds=0.0), BAD,
            "24 matching lines per minute, more than 18: error 1",
        ),
        (
            Logs((), ERRORS, 0, 10), OLD,
            wrote("error: disk 9 is full", *["error: disk 3 is slow"] * 20), BAD,
            "21 matching lines per minute, more than 10: error: disk 3 is slow",
        ),
    ],
)  # fmt: skip
def test_what_it_comes_to(
    question: Logs, before: Measures | None, now: Measures, evidence: Evidence, detail: str
) -> None:
    assert compare(question, before, now) == Comparison(evidence, detail)


_kinds = st.sampled_from(["error: a", "error: b", "error: c", "error: d", "all well"])


@given(
    st.lists(_kinds),
    st.lists(_kinds),
    st.lists(_kinds),
    st.none() | st.integers(0, 3),
    st.none() | st.integers(0, 30),
)
@settings(max_examples=100, deadline=None)
def test_more_lines_are_never_better(
    old: list[str], lines: list[str], more: list[str], new: int | None, rate: float | None
) -> None:
    question = Logs((), ERRORS, new, rate)
    for before in (wrote(*old), None):
        one, worse = (compare(question, before, wrote(*some)) for some in (lines, lines + more))
        assert one.evidence is GOOD or worse.evidence is BAD


@given(st.lists(_kinds))
def test_what_the_predecessor_wrote_as_well_is_not_new(lines: list[str]) -> None:
    assert compare(QUESTION, wrote(*lines), wrote(*lines)).evidence is GOOD
