"""What the daemon remembers of its corrections, and whom it names."""

from __future__ import annotations

from datetime import datetime, timedelta

from reconciler.app.correcting import Correcting
from reconciler.domain.oscillation import MOST_CORRECTIONS, WITHIN_SECONDS
from reconciler.domain.report import Report, Result
from reconciler.domain.triggers import Occurrence
from tests.app.passes import Passes
from tests.app.scene import Scene
from tests.bed.fake_clock import START
from tests.domain.values import PROJECT, svc


class Desk:
    """An environment whose `web` somebody removes again and again."""

    def __init__(self) -> None:
        self.passes = Passes(Scene((svc("db"), svc("web")))).up()
        self.correcting = Correcting()

    @property
    def now(self) -> float:
        return self.passes.scene.clock.passed

    def correct(self) -> Report:
        self.passes.scene.world.vanish(f"{PROJECT}-web-1")
        report = self.passes.once()
        assert report.result is Result.CONVERGED
        self.correcting.passed(report, self.now)
        return report

    def restless(self) -> dict[str, str]:
        return self.correcting.restless(self.now, self.passes.reconciler)


def event(action: str, at: datetime = START, **more: str) -> Occurrence:
    return Occurrence(at, PROJECT, "web", "shop-web-1", action, **more)  # type: ignore[arg-type]


def test_what_is_corrected_again_and_again_is_named() -> None:
    desk = Desk()
    for _ in range(MOST_CORRECTIONS - 1):
        desk.correct()
        assert desk.restless() == {}
    desk.correct()
    assert desk.restless() == {"web": "corrected by reconcile 5 times within 10 min"}


def test_whoever_else_is_at_it_is_named_too() -> None:
    desk = Desk()
    for _ in range(MOST_CORRECTIONS):
        desk.correct()
    desk.correcting.heard(event("destroy", START + timedelta(seconds=desk.now)))
    assert desk.restless()["web"].endswith("somebody removes it through the engine")


def test_our_own_steps_are_nobody_elses() -> None:
    desk = Desk()
    for _ in range(MOST_CORRECTIONS - 1):
        desk.correct()
    desk.correcting.heard(event("destroy", START + timedelta(seconds=desk.now)))
    desk.correct()
    assert desk.restless() == {"web": "corrected by reconcile 5 times within 10 min"}


def test_left_in_peace_it_is_corrected_again() -> None:
    desk = Desk()
    for _ in range(MOST_CORRECTIONS):
        desk.correct()
    desk.passes.scene.clock.passed += WITHIN_SECONDS
    assert desk.restless() == {}


def test_a_release_of_it_begins_anew() -> None:
    desk = Desk()
    for _ in range(MOST_CORRECTIONS):
        desk.correct()
    desk.passes.release(web="2")
    desk.correcting.passed(desk.passes.once(), desk.now)
    assert desk.restless() == {}


def test_a_person_may_ask_for_another_try() -> None:
    desk = Desk()
    for _ in range(MOST_CORRECTIONS):
        desk.correct()
    desk.correcting.forget()
    assert desk.restless() == {}


def test_passes_with_nothing_to_do_count_for_nothing() -> None:
    desk = Desk()
    for _ in range(3 * MOST_CORRECTIONS):
        desk.correcting.passed(desk.passes.once(), desk.now)
    assert desk.restless() == {}
