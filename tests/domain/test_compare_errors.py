"""More errors than allowed, or surely more than before."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.domain.check import Errors
from reconciler.domain.compare import compare
from reconciler.domain.compare.errors import surely_more, wilson
from reconciler.domain.comparison import Comparison, Measures
from reconciler.domain.gate import Evidence

GOOD, BAD, NONE, UNREADY = Evidence.GOOD, Evidence.BAD, Evidence.NONE, Evidence.UNREADY
QUESTION = Errors("backend")
LENIENT = Errors("backend", rate=0.5)


def answered(good: int, bad: int = 0, *, status: int = 500, start: tuple[int, ...] = ()) -> Measures:
    return Measures(statuses=(*start, *[200] * good, *[status] * bad))


@pytest.mark.parametrize(
    ("question", "before", "now", "evidence", "detail"),
    [
        (QUESTION, answered(20), answered(20), GOOD, "0 of 20 answers were errors, 0 of 20 before"),
        (QUESTION, answered(20), answered(19, 1), GOOD, "1 of 20 answers were errors, 0 of 20 before"),
        (QUESTION, answered(20), answered(18, 2), BAD, "2 of 20 answers were errors, more than 5 %"),
        (QUESTION, None, answered(18, 2), BAD, "2 of 20 answers were errors, more than 5 %"),
        (QUESTION, answered(0, 20), answered(0, 20), BAD, "20 of 20 answers were errors, more than 5 %"),
        (
            QUESTION, answered(20), answered(18, 2, status=0), BAD,
            "2 of 20 answers were errors, more than 5 %",
        ),
        (
            QUESTION, answered(20), answered(0, 20, status=404), GOOD,
            "0 of 20 answers were errors, 0 of 20 before",
        ),
        (Errors("a", 0.0), answered(20), answered(19, 1), BAD, "1 of 20 answers were errors, more than 0 %"),
        (
            Errors("a", 0.29), answered(71, 29), answered(71, 29), GOOD,
            "29 of 100 answers were errors, 29 of 100 before",
        ),
        (LENIENT, answered(20), answered(15, 5), BAD, "5 of 20 answers were errors, 0 of 20 before"),
        (LENIENT, answered(20), answered(16, 4), GOOD, "4 of 20 answers were errors, 0 of 20 before"),
        (LENIENT, answered(15, 5), answered(15, 5), GOOD, "5 of 20 answers were errors, 5 of 20 before"),
        (LENIENT, answered(400), answered(388, 12), BAD, "12 of 400 answers were errors, 0 of 400 before"),
        (
            LENIENT, None, answered(15, 5), GOOD,
            "5 of 20 answers were errors; not compared: nothing ran before",
        ),
        (
            LENIENT, Measures(), answered(15, 5), GOOD,
            "5 of 20 answers were errors; not compared: nothing answered before",
        ),
        (QUESTION, answered(20), answered(19), NONE, "19 of 20 samples"),
        (QUESTION, answered(20), Measures(), NONE, "0 of 20 samples"),
        (Errors("a", samples=0), None, Measures(), NONE, "0 of 0 samples"),
    ],
)  # fmt: skip
def test_what_it_comes_to(
    question: Errors, before: Measures | None, now: Measures, evidence: Evidence, detail: str
) -> None:
    assert compare(question, before, now) == Comparison(evidence, detail)


def test_the_start_does_not_count() -> None:
    now = answered(20, start=(0,) * 90 + (503, 502, 504))
    assert compare(QUESTION, answered(20), now).evidence is GOOD


def test_what_fails_with_500_has_started() -> None:
    assert compare(QUESTION, answered(20), answered(20, start=(0, 500, 500))).evidence is BAD


@pytest.mark.parametrize("status", [0, 502, 503, 504])
def test_what_never_answers_is_not_ready(status: int) -> None:
    found = compare(QUESTION, answered(20), answered(0, 30, status=status))
    assert found == Comparison(UNREADY, "it has not come up yet")


@pytest.mark.parametrize(
    ("count", "total", "low", "high"),
    [(0, 20, 0.0, 0.1611), (1, 20, 0.0089, 0.2361), (10, 20, 0.2993, 0.7007), (20, 20, 0.8389, 1.0)],
)
def test_bounds_of_a_share(count: int, total: int, low: float, high: float) -> None:
    assert wilson(count, total) == pytest.approx((low, high), abs=0.0001)


@given(st.integers(1, 300), st.integers(1, 300), st.data())
@settings(max_examples=100, deadline=None)
def test_more_errors_are_never_better(old: int, new: int, data: st.DataObject) -> None:
    before, bad = data.draw(st.integers(0, old)), data.draw(st.integers(0, new))
    assert not surely_more(before, old, 0, new)
    if bad / new <= before / old:
        assert not surely_more(before, old, bad, new)
    if bad < new and surely_more(before, old, bad, new):
        assert surely_more(before, old, bad + 1, new)
