"""What a failing or silent check does, by its severity and the decision matrix; and comparisons."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.app.samplers import Scope
from reconciler.domain.check import Check, Exec, Latency
from reconciler.domain.comparison import Measures
from reconciler.domain.environment import Gate
from reconciler.domain.gate import Judgement
from reconciler.domain.severity import Matrix, Phase, Response, Severity, Verdict
from tests.app.gates import gated, judged
from tests.app.scene import Scene
from tests.bed.fake_container import Behaviour
from tests.bed.fake_outside import BAD, GOOD, NO_EVIDENCE, UNREADY
from tests.domain.values import check, svc

SLOW = Check("slow", Latency("front", samples=20), Severity.HIGH)


@pytest.mark.parametrize(
    ("severity", "verdict"),
    [
        (Severity.CRITICAL, Verdict.FAIL),
        (Severity.HIGH, Verdict.FAIL),
        (Severity.MEDIUM, Verdict.PASS),
        (Severity.LOW, Verdict.PASS),
    ],
)
def test_only_severe_checks_reject(severity: Severity, verdict: Verdict) -> None:
    judgement, _ = judged(lambda _: BAD, Gate(5.0, 1.0), severity)
    assert judgement.verdict is verdict


@pytest.mark.parametrize("severity", [Severity.MEDIUM, Severity.LOW])
def test_what_does_not_reject_is_not_waited_for(severity: Severity) -> None:
    judgement, scene = judged(lambda _: UNREADY, Gate(100.0, 1.0), severity)
    assert judgement.verdict is Verdict.PASS
    assert scene.clock.passed < 2.0
    assert judgement.decision is not None
    assert [ruling.verdict for ruling in judgement.decision.deciding] == [Verdict.FAIL]


def test_where_somebody_stays_a_delayed_rollback_is_not_made_at_once() -> None:
    scene = Scene((svc("web"),), attended=True)
    how = Gate(5.0, 1.0, (check(severity=Severity.HIGH),))
    judgement, _ = gated(scene, lambda _: BAD, how)
    assert judgement.verdict is Verdict.PASS
    assert judgement.decision is not None
    assert str(judgement.decision.reaction) == "roll back after 15 min"


def test_where_somebody_stays_a_critical_failure_still_rejects_at_once() -> None:
    scene = Scene((svc("web"),), attended=True)
    judgement, _ = gated(scene, lambda _: BAD, Gate(5.0, 1.0, (check(),)))
    assert judgement.verdict is Verdict.FAIL


def test_a_check_without_evidence_is_inconclusive_when_its_time_is_up() -> None:
    judgement, scene = judged(lambda _: NO_EVIDENCE)
    assert (judgement.verdict, judgement.reason) == (
        Verdict.INCONCLUSIVE,
        "check front: the host's name cannot be resolved",
    )
    assert 30.0 <= scene.clock.passed < 31.0


def test_a_check_without_evidence_only_alerts_where_the_matrix_says_so() -> None:
    bounds = {Phase.GATE: Response.ALERT, Phase.OBSERVED: Response.ALERT}
    judgement, _ = judged(lambda _: NO_EVIDENCE, Gate(5.0, 1.0, matrix=Matrix(inconclusive=bounds)))
    assert judgement.verdict is Verdict.PASS
    assert judgement.decision is not None
    assert judgement.decision.reaction.response is Response.ALERT
    assert judgement.decision.rule == "critical check front could not be made: alert"


def test_a_probe_that_breaks_in_the_soak_and_works_again_does_no_harm() -> None:
    judgement, _ = judged(lambda n: NO_EVIDENCE if 10 <= n < 20 else GOOD)
    assert judgement.verdict is Verdict.PASS


def test_a_probe_that_is_broken_at_the_end_of_the_soak_is_no_pass() -> None:
    judgement, _ = judged(lambda n: NO_EVIDENCE if n >= 10 else GOOD)
    assert judgement.verdict is Verdict.INCONCLUSIVE


def test_a_program_that_is_not_there_is_no_evidence() -> None:
    inside = Check("inside", Exec("web", ("ready",)))
    judgement, _ = gated(Scene((svc("web"),)), lambda _: GOOD, Gate(5.0, 1.0, (inside,)))
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert "could not run ready" in judgement.reason


def test_a_program_inside_says_whether_it_is_ready() -> None:
    inside = Check("inside", Exec("web", ("ready",)))
    scene = Scene((svc("web"),))
    scene.behave("web", "1", Behaviour(commands={"ready": (1, "not yet\n")}))
    judgement, _ = gated(scene, lambda _: GOOD, Gate(5.0, 1.0, (inside,)))
    assert (judgement.verdict, judgement.reason) == (
        Verdict.FAIL,
        "check inside: ready exited with 1: not yet",
    )
    assert scene.clock.passed >= 5.0


# --- comparisons -------------------------------------------------------------------------------------


def compared(before: float, now: float) -> tuple[Judgement, Scene]:
    """Answers that took so many seconds before, and now."""
    how = Gate(30.0, 1.0, (check(), SLOW))
    baseline = {"slow": Measures(seconds=(before,) * 25, statuses=(200,) * 25)}
    return gated(Scene((svc("web"),)), lambda _: replace(GOOD, seconds=now), how, Scope(baseline=baseline))


def test_answers_that_are_much_slower_reject_and_it_does_not_take_the_time_out() -> None:
    judgement, scene = compared(0.1, 0.16)
    assert judgement.verdict is Verdict.FAIL
    assert judgement.reason == "check slow: p50 160 ms, 60 % slower than before (100 ms)"
    assert [sample.severity for sample in judgement.deciding] == [Severity.HIGH]
    assert scene.clock.passed < 2.0, "samples are taken one after the other, as fast as they come"


def test_answers_that_are_a_little_slower_are_an_alert() -> None:
    judgement, _ = compared(0.1, 0.135)
    assert judgement.verdict is Verdict.PASS
    assert judgement.decision is not None
    assert judgement.decision.reaction.response is Response.ALERT


def test_answers_that_are_as_fast_pass() -> None:
    judgement, _ = compared(0.1, 0.1)
    assert judgement.verdict is Verdict.PASS
