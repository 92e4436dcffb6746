"""What would have changed a decision: every sentence is tried out on the matrix itself."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.domain.gate import Judgement
from reconciler.domain.severity import (
    Matrix,
    Phase,
    Response,
    Ruling,
    Severity,
    Verdict,
    decide,
)
from reconciler.interface.render.explain_text import account_text, of_judgement
from reconciler.interface.render.otherwise import otherwise
from reconciler.interface.render.style import Style
from tests.interface import values as v

MATRIX = Matrix()
CRITICAL, HIGH, MEDIUM, LOW = Severity
WOULD = {
    "have kept it": Response.KEEP,
    "have reported it only": Response.REPORT,
    "have alerted instead": Response.ALERT,
    "have rolled it back": Response.ROLL_BACK,
}


@pytest.mark.parametrize(
    ("rulings", "sentences"),
    [
        ([v.ruling("check a", verdict=Verdict.PASS)], []),
        (
            [v.ruling("check a", CRITICAL)],
            [
                "severity: medium on check a would have alerted instead",
                "severity: low on check a would have reported it only",
            ],
        ),
        (
            [v.ruling("check a", MEDIUM), v.ruling("check b", verdict=Verdict.PASS)],
            [
                "severity: critical on check a would have rolled it back",
                "severity: low on check a would have reported it only",
            ],
        ),
        (
            [v.ruling("check a", CRITICAL), v.ruling("check b", HIGH), v.ruling("check c", MEDIUM)],
            ["severity: medium on check a and check b would have alerted instead"],
        ),
        (
            [v.ruling("check a", CRITICAL, Verdict.INCONCLUSIVE)],
            [
                "severity: medium on check a would have alerted instead",
                "severity: low on check a would have reported it only",
                "inconclusive: {gate: alert} would have alerted instead",
                "inconclusive: {gate: report} would have reported it only",
            ],
        ),
        (
            [v.ruling("kompass-production-web-1", CRITICAL), v.ruling("check a", CRITICAL)],
            ["a container has to run: no severity of reconcile.yaml changes that"],
        ),
    ],
)
def test_what_would_have_changed_it(rulings: list[Ruling], sentences: list[str]) -> None:
    assert otherwise(v.decision(*rulings), MATRIX) == sentences


RULINGS = st.lists(
    st.builds(
        v.ruling,
        st.sampled_from(["check a", "check b", "check c"]),
        st.sampled_from(Severity),
        st.sampled_from(Verdict),
    ),
    unique_by=lambda ruling: ruling.check,
)


@given(RULINGS)
def test_every_severity_that_is_named_does_what_it_says(rulings: list[Ruling]) -> None:
    decision = v.decision(*rulings)
    for sentence in otherwise(decision, MATRIX):
        match = re.fullmatch(r"severity: (\w+) on (.*) would (.*)", sentence)
        if match is None:
            assert sentence.startswith("inconclusive: ")
            continue
        severity, names = Severity(match[1]), re.split(r", | and ", match[2])
        again = [_with(ruling, severity) if ruling.check in names else ruling for ruling in rulings]
        response = decide(again, Phase.GATE).reaction.response
        assert response is WOULD[match[3]]
        assert response is not decision.reaction.response


def _with(ruling: Ruling, severity: Severity) -> Ruling:
    reaction = MATRIX.reaction(severity, ruling.verdict, Phase.GATE, attended=False)
    return replace(ruling, severity=severity, reaction=reaction)


def test_a_delayed_rollback_is_told_with_its_delay() -> None:
    judgement = replace(v.passed(), decision=v.decision(v.ruling("check a", HIGH, attended=True)))
    text = account_text(of_judgement(judgement), MATRIX, Style())
    assert "rule  high check a failed: roll back after 15 min\n" in text
    assert "severity: medium on check a would have alerted instead" in text


def test_a_verification_that_did_not_come_to_its_checks() -> None:
    text = account_text(of_judgement(Judgement(Verdict.FAIL, "web: it is not there")), MATRIX, Style())
    assert text.startswith(
        "rule  none: it ended before the checks could decide\nwhy   web: it is not there\n\nSEVERITY "
    )
    assert otherwise(v.decision(), MATRIX) == []
