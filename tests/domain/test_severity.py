"""The decision matrix: what is done about a failure, and about silence."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.domain.severity import (
    USUAL,
    Decision,
    Matrix,
    Phase,
    Reaction,
    Response,
    Ruling,
    Severity,
    Verdict,
    decide,
)

MINUTE = 60.0
AT_ONCE = Reaction(Response.ROLL_BACK)
KEEP = Reaction(Response.KEEP)
MILDEST_FIRST = (Response.KEEP, Response.REPORT, Response.ALERT, Response.ROLL_BACK)


def ruled(
    check: str,
    severity: Severity,
    verdict: Verdict = Verdict.FAIL,
    *,
    attended: bool = True,
    matrix: Matrix | None = None,
) -> Ruling:
    reaction = (matrix or Matrix()).reaction(severity, verdict, Phase.GATE, attended=attended)
    return Ruling(check, severity, verdict, "500", reaction)


# --- the runbook's table -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("severity", "attended", "unattended"),
    [
        (Severity.CRITICAL, AT_ONCE, AT_ONCE),
        (Severity.HIGH, Reaction(Response.ROLL_BACK, 15 * MINUTE), AT_ONCE),
        (Severity.MEDIUM, Reaction(Response.ALERT, 60 * MINUTE), Reaction(Response.ALERT, 60 * MINUTE)),
        (Severity.LOW, Reaction(Response.REPORT), Reaction(Response.REPORT)),
    ],
)
@pytest.mark.parametrize("phase", Phase)
def test_what_is_done_about_a_failure(
    severity: Severity, attended: Reaction, unattended: Reaction, phase: Phase
) -> None:
    matrix = Matrix()
    assert matrix.reaction(severity, Verdict.FAIL, phase, attended=True) == attended
    assert matrix.reaction(severity, Verdict.FAIL, phase, attended=False) == unattended


@pytest.mark.parametrize(
    ("severity", "in_the_gate", "later"),
    [
        (Severity.CRITICAL, AT_ONCE, Reaction(Response.ALERT)),
        (Severity.HIGH, Reaction(Response.ROLL_BACK, 15 * MINUTE), Reaction(Response.ALERT)),
        (Severity.MEDIUM, Reaction(Response.ALERT, 60 * MINUTE), Reaction(Response.ALERT, 60 * MINUTE)),
        (Severity.LOW, Reaction(Response.REPORT), Reaction(Response.REPORT)),
    ],
)
def test_what_is_done_about_silence(severity: Severity, in_the_gate: Reaction, later: Reaction) -> None:
    matrix = Matrix()
    assert matrix.reaction(severity, Verdict.INCONCLUSIVE, Phase.GATE, attended=True) == in_the_gate
    assert matrix.reaction(severity, Verdict.INCONCLUSIVE, Phase.OBSERVED, attended=True) == later


def test_the_longest_delay_is_that_of_the_second_alert() -> None:
    assert Matrix().longest_delay_seconds == 60 * MINUTE


@pytest.mark.parametrize(
    ("reaction", "words"),
    [
        (AT_ONCE, "roll back at once"),
        (Reaction(Response.ROLL_BACK, 15 * MINUTE), "roll back after 15 min"),
        (Reaction(Response.ROLL_BACK, 90.0), "roll back after 90 s"),
        (Reaction(Response.ALERT), "alert"),
        (Reaction(Response.ALERT, 60 * MINUTE), "alert, again after 60 min"),
        (Reaction(Response.REPORT), "report"),
        (KEEP, "keep"),
    ],
)
def test_a_reaction_in_words(reaction: Reaction, words: str) -> None:
    assert str(reaction) == words


# --- for any matrix ----------------------------------------------------------------------------------

_delays = st.sampled_from([0.0, 1.0, 900.0, 3600.0])
_reactions = st.builds(Reaction, st.sampled_from(Response), _delays)
_matrices = st.builds(
    Matrix,
    st.fixed_dictionaries(dict.fromkeys(Severity, _reactions)),
    st.fixed_dictionaries(dict.fromkeys(Phase, st.sampled_from(Response))),
)
_severities, _phases, _booleans = st.sampled_from(Severity), st.sampled_from(Phase), st.booleans()


@given(_matrices, _severities, _phases, _booleans)
def test_a_pass_is_kept(matrix: Matrix, severity: Severity, phase: Phase, attended: bool) -> None:
    assert matrix.reaction(severity, Verdict.PASS, phase, attended=attended) == KEEP


@given(_matrices, _severities, _phases, _booleans)
def test_silence_never_weighs_more_than_a_failure(
    matrix: Matrix, severity: Severity, phase: Phase, attended: bool
) -> None:
    silence, failure = (
        matrix.reaction(severity, verdict, phase, attended=attended)
        for verdict in (Verdict.INCONCLUSIVE, Verdict.FAIL)
    )
    assert silence.urgency <= failure.urgency
    assert MILDEST_FIRST.index(silence.response) <= MILDEST_FIRST.index(matrix.inconclusive[phase])


@given(_matrices, _severities, st.sampled_from(Verdict), _phases)
def test_where_nobody_is_there_a_rollback_does_not_wait(
    matrix: Matrix, severity: Severity, verdict: Verdict, phase: Phase
) -> None:
    reaction = matrix.reaction(severity, verdict, phase, attended=False)
    there = matrix.reaction(severity, verdict, phase, attended=True)
    assert reaction == (AT_ONCE if there.response is Response.ROLL_BACK else there)
    assert reaction.urgency >= there.urgency


@pytest.mark.parametrize(("worse", "milder"), list(pairwise(Severity)))
@pytest.mark.parametrize("verdict", [Verdict.FAIL, Verdict.INCONCLUSIVE])
@pytest.mark.parametrize("phase", Phase)
@pytest.mark.parametrize("attended", [True, False])
def test_what_is_more_severe_is_never_taken_more_lightly(
    worse: Severity, milder: Severity, verdict: Verdict, phase: Phase, attended: bool
) -> None:
    """With the usual matrix."""
    one, other = (
        Matrix().reaction(severity, verdict, phase, attended=attended) for severity in (worse, milder)
    )
    assert one.urgency >= other.urgency


def test_every_severity_and_phase_has_a_row() -> None:
    assert set(USUAL) == set(Severity) == set(Matrix().failed)
    assert set(Matrix().inconclusive) == set(Phase)


def test_the_matrix_of_one_is_not_that_of_another() -> None:
    failed, other = Matrix().failed, Matrix().failed
    assert failed is not other
    assert failed is not USUAL


# --- deciding ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rulings", "rule"),
    [
        ((), "every check passed: keep"),
        ((ruled("web", Severity.CRITICAL, Verdict.PASS),), "every check passed: keep"),
        (
            (ruled("check search", Severity.MEDIUM), ruled("check web", Severity.CRITICAL, Verdict.PASS)),
            "medium check search failed: alert, again after 60 min",
        ),
        (
            (ruled("check low", Severity.LOW), ruled("check slow", Severity.HIGH)),
            "high check slow failed: roll back after 15 min",
        ),
        (
            (ruled("check a", Severity.HIGH), ruled("check b", Severity.CRITICAL, Verdict.INCONCLUSIVE)),
            "critical check b could not be made: roll back at once",
        ),
        (
            (ruled("check b", Severity.CRITICAL), ruled("check a", Severity.CRITICAL)),
            "critical check a failed: roll back at once",
        ),
        (
            (
                ruled("check a", Severity.CRITICAL, Verdict.INCONCLUSIVE),
                ruled("check b", Severity.HIGH, attended=False),
                ruled("check c", Severity.CRITICAL),
            ),
            "critical check c failed: roll back at once",
        ),
    ],
)
def test_the_rule_that_decides(rulings: tuple[Ruling, ...], rule: str) -> None:
    decision = decide(rulings, Phase.GATE)
    assert decision.rule == rule
    assert set(decision.rulings) == set(rulings)


def test_all_with_the_most_urgent_reaction_decide() -> None:
    one, other = ruled("a", Severity.CRITICAL), ruled("b", Severity.HIGH, attended=False)
    decision = decide([ruled("c", Severity.LOW), other, one], Phase.OBSERVED)
    assert decision == Decision(AT_ONCE, Phase.OBSERVED, (one, other), decision.rulings)


_rulings = st.lists(
    st.builds(
        Ruling, st.sampled_from("abcdef"), _severities, st.sampled_from(Verdict), st.just("500"), _reactions
    ),
    max_size=6,
    unique_by=lambda ruling: ruling.check,
)


@given(_rulings, _phases, st.data())
def test_the_order_of_rulings_does_not_matter(
    rulings: list[Ruling], phase: Phase, data: st.DataObject
) -> None:
    assert decide(data.draw(st.permutations(rulings)), phase) == decide(rulings, phase)


@given(_rulings, st.builds(Ruling, st.just("z"), _severities, st.just(Verdict.FAIL), st.just(""), _reactions))
@settings(deadline=None)
def test_one_more_failure_never_makes_a_decision_milder(rulings: list[Ruling], more: Ruling) -> None:
    before, after = (decide(some, Phase.GATE).reaction for some in (rulings, [*rulings, more]))
    assert after.urgency >= before.urgency
    assert after.urgency >= more.reaction.urgency or more.reaction.response is Response.KEEP


@given(_rulings)
def test_a_decision_is_that_of_one_of_the_rulings_or_to_keep(rulings: list[Ruling]) -> None:
    decision = decide(rulings, Phase.GATE)
    assert all(ruling.reaction == decision.reaction for ruling in decision.deciding)
    assert bool(decision.deciding) == (decision.reaction.response is not Response.KEEP)


def test_urgency_is_the_response_first_and_then_the_delay() -> None:
    ordered = [Reaction(response, delay) for response in MILDEST_FIRST for delay in (3600.0, 900.0, 0.0)]
    assert sorted(ordered, key=lambda reaction: reaction.urgency) == ordered


def test_a_matrix_is_data() -> None:
    failed: Mapping[Severity, Reaction] = {**USUAL, Severity.MEDIUM: AT_ONCE}
    assert ruled("a", Severity.MEDIUM, matrix=Matrix(failed)).reaction == AT_ONCE
