"""A check that hangs: nobody waits for it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field, replace
from datetime import datetime
from threading import Event
from typing import Any

from reconciler.app.gatekeeper import gate
from reconciler.app.samplers import Scope, Subject
from reconciler.domain.comparison import Seen
from reconciler.domain.gate import Judgement
from reconciler.domain.severity import Severity, Verdict
from tests.app.gates import SOAK, started
from tests.app.scene import Scene
from tests.bed.fake_clock import FakeClock
from tests.bed.fake_outside import BAD, GOOD
from tests.domain.values import check, svc, url


@dataclass(slots=True)
class Patient:
    """A clock that waits for what will answer, and lets time pass where only `hung` is waited for."""

    plain: FakeClock
    hung: Event = field(default_factory=Event)

    def now(self) -> datetime:
        return self.plain.now()

    def monotonic(self) -> float:
        return self.plain.monotonic()

    def wait(self, seconds: float) -> None:
        self.plain.wait(seconds)

    def wait_for_any(self, pending: Collection[Future[Any]], seconds: float) -> None:
        assert self.hung.wait(20), "it never was asked"
        if len(pending) > 1:
            assert wait(pending, 20, FIRST_COMPLETED).done
        else:
            self.plain.wait(seconds)


@dataclass(slots=True)
class HangingProbe:
    """Answers about everything but `stuck`, whose one look does not end before `released`."""

    answer: Callable[[int], Seen]
    hung: Event
    released: Event = field(default_factory=Event)
    asked: int = 0
    ended: bool = False

    def ask(self, question: Any, time_limit_seconds: float) -> Seen:
        if question.request.url == url("stuck"):
            self.hung.set()
            self.released.wait(20)
            self.ended = True
            return GOOD
        self.asked += 1
        return self.answer(self.asked)

    def missing(self, names: Collection[str]) -> tuple[str, ...]:
        return ()


def beside_a_hung_check(
    answer: Callable[[int], Seen], severity: Severity = Severity.CRITICAL
) -> tuple[Judgement, FakeClock]:
    scene = Scene((svc("web"),))
    clock = Patient(scene.clock)
    probe = HangingProbe(answer, clock.hung)
    container = started(scene)
    how = replace(SOAK, checks=(check(), check("stuck", severity)))
    host = replace(scene.host, probe=probe, clock=clock)
    try:
        judgement = gate(host, [Subject(container.id, svc("web"))], how, Scope())
        assert not probe.ended, "nobody waited for it"
        return judgement, scene.clock
    finally:
        probe.released.set()


def test_a_check_that_hangs_does_not_delay_the_verdict_on_another() -> None:
    judgement, clock = beside_a_hung_check(lambda n: GOOD if n < 5 else BAD)
    assert (judgement.verdict, judgement.reason) == (Verdict.FAIL, "check front: 500 Internal Server Error")
    assert clock.passed < 10.0


def test_a_check_that_hangs_is_no_evidence_when_its_time_is_up() -> None:
    judgement, clock = beside_a_hung_check(lambda _: GOOD)
    assert (judgement.verdict, judgement.reason) == (
        Verdict.INCONCLUSIVE,
        "no sample of check stuck was taken",
    )
    assert 30.0 <= clock.passed < 31.5


def test_a_check_that_hangs_and_may_not_reject_does_not_hold_up_a_release_for_ever() -> None:
    judgement, clock = beside_a_hung_check(lambda _: GOOD, Severity.LOW)
    assert judgement.verdict is Verdict.PASS
    assert clock.passed < 91.5
    assert judgement.decision is not None
    assert judgement.decision.rule == "low check stuck could not be made: report"
