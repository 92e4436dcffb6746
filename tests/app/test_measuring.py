"""What is measured for a comparison: on the predecessor beside the preparation, and on the successor."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.app.measuring import BASELINE_SECONDS, LOG_LINES, MOST_SAMPLES, Measuring, baseline
from reconciler.domain.check import Check, Compared, Cpu, Errors, Flow, Latency, Logs, Memory, Request
from reconciler.domain.comparison import Measures, Seen
from reconciler.domain.environment import Gate
from reconciler.domain.gate import Evidence
from reconciler.domain.report import Result
from reconciler.domain.severity import Severity
from reconciler.errors import EngineFailed, EngineUnreachable
from tests.app.gates import started
from tests.app.passes import Passes
from tests.app.scene import Scene
from tests.bed.fake_container import Behaviour
from tests.bed.fake_outside import BAD, GOOD, NO_EVIDENCE, UNREADY
from tests.domain.values import check, environment, image, svc, url

LATENCY = Latency("front", samples=20)


def scene_of(behaviour: Behaviour | None = None) -> Scene:
    scene = Scene((svc("web"),))
    scene.behave("web", "1", behaviour or Behaviour())
    return scene


def measured(scene: Scene, question: Compared) -> Measures | None:
    """The baseline of one comparison."""
    container = started(scene)
    how = Gate(checks=(check(), Check("compared", question)))
    return baseline(scene.host, how, {"web": (container.id,)}).get("compared")


# --- the baseline ------------------------------------------------------------------------------------


def test_as_many_answers_are_timed_as_are_asked_for_and_the_first_ones_more() -> None:
    scene = scene_of()
    scene.answer("front", lambda n: replace(GOOD, seconds=n / 100))
    found = measured(scene, LATENCY)
    assert found is not None
    assert found.seconds == tuple(n / 100 for n in range(1, 26))


def test_bad_answers_are_counted_and_not_timed() -> None:
    scene = scene_of()
    scene.answer("front", lambda n: BAD if n % 2 else GOOD)
    found = measured(scene, Errors("front", samples=20))
    assert found is not None
    assert found.statuses == (500, 200) * 10
    assert len(found.seconds) == 10


def test_what_does_not_answer_yields_no_baseline_and_is_asked_once() -> None:
    scene = scene_of()
    scene.answer("front", lambda _: UNREADY)
    assert measured(scene, LATENCY) is None
    assert scene.asked("front") == 1


def test_what_answers_slowly_does_not_hold_up_a_release() -> None:
    scene = scene_of()

    def slow(_: int) -> Seen:
        scene.clock.passed += 1.0
        return GOOD

    scene.answer("front", slow)
    assert measured(scene, LATENCY) is None
    assert BASELINE_SECONDS <= scene.clock.passed <= BASELINE_SECONDS + 1.0


def test_a_flow_is_timed_as_a_whole() -> None:
    scene = scene_of()
    container = started(scene)
    scene.answer("last", lambda _: replace(GOOD, seconds=0.5))
    flow = Check("sign-in", Flow((Request(url("first")), Request(url("last")))))
    how = Gate(checks=(flow, Check("compared", Latency("sign-in"))))
    assert baseline(scene.host, how, {"web": (container.id,)})["compared"].seconds[0] == 0.5


def test_log_lines_of_the_predecessor_are_its_whole_log() -> None:
    scene = scene_of(Behaviour(logs="error: old\nfine\n"))
    found = measured(scene, Logs(("web",)))
    assert found is not None
    assert found.lines.matching == 1


def test_processor_time_is_read_twice() -> None:
    scene = scene_of()
    found = measured(scene, Cpu(("web",)))
    assert found is not None
    assert [reading.container for reading in found.readings] == ["web-1", "web-1"]
    assert found.readings[1].at_seconds - found.readings[0].at_seconds == 1.0


def test_memory_is_read_once() -> None:
    found = measured(scene_of(), Memory(("web",)))
    assert found is not None
    assert len(found.readings) == 1


@pytest.mark.parametrize("question", [Logs(("web",)), Memory(("web",)), Cpu(("web",))])
def test_an_engine_that_cannot_say_it_yields_no_baseline(question: Compared) -> None:
    scene = scene_of()
    for method in ("logs", "usage"):
        scene.world.fail(method, error=EngineFailed("no such file"), times=9)
    assert measured(scene, question) is None


def test_an_engine_that_went_away_ends_it() -> None:
    scene = scene_of()
    scene.world.fail("logs", error=EngineUnreachable("gone"))
    with pytest.raises(EngineUnreachable):
        measured(scene, Logs(("web",)))


def test_nothing_is_measured_where_nothing_is_compared_or_nothing_runs() -> None:
    scene = scene_of()
    container = started(scene)
    assert baseline(scene.host, Gate(checks=(check(),)), {"web": (container.id,)}) == {}
    assert baseline(scene.host, Gate(checks=(Check("compared", LATENCY),)), {"web": ()}) == {}


# --- as it grows -------------------------------------------------------------------------------------


def measuring(scene: Scene, question: Compared, *, fresh: bool = True) -> Measuring:
    container = started(scene)
    scene.clock.passed += 1.0
    ids = frozenset({container.id} if fresh else set())
    how = Gate(checks=(check(), Check("compared", question)))
    return Measuring.of(scene.host, how, question, {"web": (container.id,)}, ids)


def test_it_wants_more_until_there_is_enough() -> None:
    one = measuring(scene_of(), LATENCY)
    asked = 0
    while one.wants_more:
        one.measure()
        asked += 1
    assert (asked, one.enough) == (25, True), "five of them only warm up"


def test_it_does_not_hurry_what_does_not_listen() -> None:
    scene = scene_of()
    scene.answer("front", lambda _: UNREADY)
    one = measuring(scene, LATENCY)
    one.measure()
    assert not one.wants_more


def test_a_long_soak_judges_what_is_now() -> None:
    one = measuring(scene_of(), LATENCY)
    for _ in range(MOST_SAMPLES + 50):
        one.measure()
    assert len(one.measures.seconds) == len(one.measures.statuses) == MOST_SAMPLES


def test_no_evidence_is_not_measured() -> None:
    scene = scene_of()
    scene.answer("front", lambda _: NO_EVIDENCE)
    one = measuring(scene, LATENCY)
    one.measure()
    assert (one.measures.seconds, one.measures.statuses) == ((), ())


def test_of_what_ran_before_only_new_lines_count() -> None:
    scene = scene_of(Behaviour(logs=lambda look: f"error at look {look}\n"))
    old = measuring(scene, Logs(("web",)), fresh=False)
    old.measure()
    assert old.measures.lines.matching == 0
    scene.world.inspect("shop-web-1")
    old.measure()
    assert old.measures.lines.matching == 1


def test_a_comparison_about_a_check_that_is_not_there_is_no_evidence() -> None:
    one = measuring(scene_of(), Latency("nobody"))
    one.measure()
    found = one.compared(None)
    assert (found.evidence, found.detail) == (
        Evidence.NONE,
        "there is no HTTP check or flow called nobody",
    )


def test_more_lines_than_are_read_do_no_harm() -> None:
    scene = scene_of(Behaviour(logs="error\n" * (LOG_LINES + 5)))
    one = measuring(scene, Logs(("web",)))
    one.measure()
    assert one.measures.lines.matching == LOG_LINES


# --- in a release ------------------------------------------------------------------------------------


def releasing(question: Compared, severity: Severity = Severity.HIGH) -> Passes:
    gate = Gate(20.0, 5.0, (check(), Check("compared", question, severity)))
    return Passes(Scene((svc("web"),), env=environment(gate=gate))).up()


def test_a_slower_release_is_rejected_and_its_predecessor_is_verified_without_comparing() -> None:
    passes = releasing(LATENCY)
    running, slow = passes.scene.world.running, image("web", "2")
    passes.scene.answer("front", lambda _: replace(GOOD, seconds=0.16 if slow in running().values() else 0.1))
    passes.release(web="2")
    report = passes.once()
    assert report.result is Result.ROLLED_BACK
    assert report.outcome is not None
    assert "60 % slower than before" in report.outcome.judgement.reason
    assert report.outcome.exonerated == ()


def test_new_errors_in_the_log_are_found_and_old_ones_are_not() -> None:
    passes = releasing(Logs(("web",)))
    passes.scene.behave("web", "2", Behaviour(logs="error: cannot connect to the queue\n"))
    passes.release(web="2")
    report = passes.once()
    assert report.result is Result.ROLLED_BACK
    assert report.outcome is not None
    assert "cannot connect" in report.outcome.judgement.reason


def test_the_same_errors_as_before_are_nothing_new() -> None:
    passes = Passes(
        Scene(
            (svc("web"),),
            env=environment(gate=Gate(20.0, 5.0, (Check("logs", Logs(("web",)), Severity.HIGH),))),
        )
    )
    noisy = Behaviour(logs="error: the queue is slow\n")
    for version in "12":
        passes.scene.behave("web", version, noisy)
    passes.once()
    passes.release(web="2")
    assert passes.once().result is Result.CONVERGED


def test_a_first_release_has_nothing_to_be_compared_with() -> None:
    passes = releasing(LATENCY)
    assert passes.scene.there() == "web-1=1"


def test_what_was_measured_is_kept_for_the_observation() -> None:
    passes = releasing(LATENCY)
    passes.release(web="2")
    report = passes.once()
    assert report.outcome is not None
    assert set(report.outcome.baseline) == {"compared"}
