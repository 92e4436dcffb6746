"""When a check passes and when it fails, and how often it is asked."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from reconciler.domain.check import Database, Question, SearchIndex
from reconciler.domain.comparison import Seen
from reconciler.domain.environment import Gate
from reconciler.domain.gate import Evidence
from reconciler.domain.severity import Verdict
from tests.app.gates import SOAK, asked_at, gated, judged
from tests.app.scene import Scene
from tests.bed.fake_outside import BAD, GOOD, UNREADY
from tests.domain.values import check, svc, url


def test_a_good_check_passes_after_the_soak_and_not_before() -> None:
    judgement, scene = judged(lambda _: GOOD)
    assert judgement.verdict is Verdict.PASS
    assert 60.0 <= scene.clock.passed < 62.0
    assert scene.asked("front") > 30


def test_a_check_that_is_bad_three_times_in_a_row_ends_the_soak() -> None:
    judgement, scene = judged(lambda n: BAD if 10 <= n < 13 else GOOD)
    assert (judgement.verdict, judgement.reason) == (Verdict.FAIL, "check front: 500 Internal Server Error")
    assert scene.asked("front") == 12


def test_two_in_a_row_do_not() -> None:
    judgement, _ = judged(lambda n: GOOD if n % 3 == 1 else BAD)
    assert judgement.verdict is Verdict.PASS


def test_a_check_that_was_never_good_and_answers_wrongly_fails_long_before_the_time_out() -> None:
    judgement, times = asked_at(lambda _: BAD)
    assert judgement.verdict is Verdict.FAIL
    assert times == [0.0, 0.25, 0.5], "three answers, so far apart that each of them counts"
    assert judgement.seconds == 0.5


@pytest.mark.parametrize("failures", [1, 2, 5])
def test_as_many_bad_answers_as_the_check_says(failures: int) -> None:
    judgement, times = asked_at(lambda _: BAD, failures=failures)
    assert (judgement.verdict, len(times)) == (Verdict.FAIL, failures)


def test_a_check_that_is_not_ready_is_waited_for_until_the_time_out() -> None:
    judgement, scene = judged(lambda _: UNREADY)
    assert (judgement.verdict, judgement.reason) == (Verdict.FAIL, "check front: connection refused")
    assert 30.0 <= scene.clock.passed < 31.0


def test_a_check_that_gets_ready_in_time_passes() -> None:
    judgement, _ = judged(lambda n: UNREADY if n < 100 else GOOD)
    assert judgement.verdict is Verdict.PASS


def test_a_check_that_was_good_and_is_not_ready_any_more_fails() -> None:
    judgement, scene = judged(lambda n: GOOD if n < 10 else UNREADY)
    assert judgement.verdict is Verdict.FAIL
    assert scene.asked("front") == 12


def test_bad_answers_in_the_start_period_do_not_count() -> None:
    scene = Scene((svc("web"),))
    how = replace(SOAK, checks=(replace(check(), start_period_seconds=10.0),))
    judgement, _ = gated(scene, lambda _: BAD if scene.clock.passed < 9.5 else GOOD, how)
    assert judgement.verdict is Verdict.PASS


def test_bad_answers_after_the_start_period_count() -> None:
    judgement, times = asked_at(lambda _: BAD, start_period_seconds=10.0)
    assert judgement.verdict is Verdict.FAIL
    assert len([at for at in times if at >= 10.0]) == 3


def test_once_good_the_start_period_is_over() -> None:
    judgement, times = asked_at(lambda n: GOOD if n == 1 else BAD, start_period_seconds=10.0)
    assert judgement.verdict is Verdict.FAIL
    assert times[-1] < 1.0


def test_a_check_must_be_good_as_often_as_it_says() -> None:
    judgement, scene = judged(lambda n: GOOD if n % 3 else BAD, Gate(10.0, 0.0), successes=3)
    assert judgement.verdict is not Verdict.PASS
    judgement, scene = judged(lambda n: BAD if n == 2 else GOOD, Gate(10.0, 0.0), successes=3)
    assert judgement.verdict is Verdict.PASS
    assert scene.asked("front") == 5


def test_evidence_says_how_often_it_was_looked() -> None:
    judgement, scene = judged(lambda n: BAD if n in (4, 8) else replace(GOOD, seconds=n / 100))
    tally = next(one for one in judgement.tallies if one.subject == "check front")
    assert (tally.samples, tally.good) == (scene.asked("front"), scene.asked("front") - 2)
    assert tally.slowest_seconds == scene.asked("front") / 100
    assert tally.last.evidence is Evidence.GOOD


# --- how often it is asked ---------------------------------------------------------------------------


def pauses(times: list[float]) -> list[float]:
    return [round(later - sooner, 4) for sooner, later in pairwise(times)]


def test_a_check_that_is_not_ready_is_asked_often_and_a_good_one_less_and_less() -> None:
    _, times = asked_at(lambda n: UNREADY if n <= 20 else GOOD)
    rests = pauses(times)
    assert max(rests[:20]) <= 0.1001
    assert rests[20:] == sorted(rests[20:])
    assert rests[-1] == 1.0


def test_a_good_check_is_asked_in_the_interval_that_it_says() -> None:
    _, times = asked_at(lambda _: GOOD, interval_seconds=7.0)
    assert times == [0.0, 7.0, 14.0, 21.0, 28.0, 35.0, 42.0, 49.0, 56.0]


@pytest.mark.parametrize("seen", [BAD, UNREADY], ids=["bad", "unready"])
def test_after_an_answer_that_is_not_good_any_more_it_is_asked_again_soon(seen: Seen) -> None:
    judgement, times = asked_at(lambda n: GOOD if n < 3 else seen, interval_seconds=7.0)
    assert judgement.verdict is Verdict.FAIL
    assert times == [0.0, 7.0, 14.0, 14.25, 14.5]


def test_the_end_of_the_soak_is_not_overslept() -> None:
    judgement, scene = judged(lambda _: GOOD, Gate(30.0, 10.0), interval_seconds=60.0)
    assert judgement.verdict is Verdict.PASS
    assert 10.0 <= scene.clock.passed < 10.5


@pytest.mark.parametrize("store", [Database(url("front"), "kompass"), SearchIndex(url("front"), "customers")])
def test_stores_are_asked_as_everything_else_outside_is(store: Question) -> None:
    judgement, times = asked_at(lambda _: BAD, question=store)
    assert (judgement.verdict, len(times)) == (Verdict.FAIL, 3)
