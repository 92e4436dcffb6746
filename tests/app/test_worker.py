"""One environment of the daemon, turn by turn."""

from __future__ import annotations

from dataclasses import dataclass, field

from reconciler.app.worker import Ready, Worker
from reconciler.domain.oscillation import MOST_CORRECTIONS
from reconciler.domain.plan import Change
from reconciler.domain.report import Result
from reconciler.domain.schedule import ECHOES_SECONDS, WHILE_LOCKED, Schedule
from reconciler.domain.triggers import Cause, Wake
from reconciler.errors import EngineUnreachable, InvalidSettings, ReconcileError
from tests.app.passes import Passes
from tests.app.rejections import CRASHES
from tests.app.scene import Scene
from tests.bed.fake_log import FakeLog
from tests.domain.values import PROJECT, svc

COMMIT = (Wake(Cause.COMMIT, detail="main"),)
INTERVAL = 60.0


@dataclass
class Desk:
    """A worker over one environment, whose turns are taken by hand."""

    passes: Passes = field(default_factory=lambda: Passes(Scene((svc("api"), svc("web")))).up())
    log: FakeLog = field(default_factory=FakeLog)
    unreadable: ReconcileError | None = None
    gone: bool = False

    def __post_init__(self) -> None:
        scene = self.passes.scene
        self.worker = Worker("production", self.ready, self.log, scene.clock, lambda: 1.0, Schedule(INTERVAL))

    def ready(self) -> Ready | None:
        if self.unreadable is not None:
            raise self.unreadable
        return None if self.gone else Ready(self.passes.reconciler, ("history was rewritten",))

    def turn(self, *wakes: Wake) -> bool:
        """One turn, and whatever is observed after it has ended."""
        there = self.worker.turn(wakes or COMMIT)
        self.worker.end()
        return there

    @property
    def pause(self) -> float:
        """Seconds until the next look."""
        return round(self.worker.schedule.due - self.passes.scene.clock.passed, 3)


def test_a_turn_is_a_pass_and_says_why_and_how_it_ended() -> None:
    desk = Desk()
    desk.passes.release(web="2")
    assert desk.turn()
    assert desk.passes.scene.running() == "api-1=1 web-1=2"
    assert desk.log.lines[:2] == ["production: begins, commit", "production: converged"]
    assert desk.log.reports[0].notes == ("history was rewritten",)
    assert desk.pause == 1.1 * INTERVAL


def test_an_end_that_the_engines_list_does_not_show_yet_is_found_soon() -> None:
    """The event came first, and no other one follows."""
    desk = Desk()
    scene = desk.passes.scene
    desk.turn(Wake(Cause.ENGINE, detail="die shop-web-1"))
    assert (desk.log.reports[-1].result, desk.pause) == (Result.NO_OP, ECHOES_SECONDS[0])
    scene.world.named("shop-web-1").end(1)
    desk.turn(Wake(Cause.INTERVAL))
    assert scene.running() == "api-1=1 web-1=1"
    assert desk.pause == ECHOES_SECONDS[1]


def test_a_rejected_release_is_no_failure_of_the_daemon() -> None:
    desk = Desk()
    desk.passes.scene.behave("web", "2", CRASHES)
    desk.passes.release(web="2")
    desk.turn()
    assert desk.log.reports[-1].result is Result.ROLLED_BACK
    assert desk.pause == 1.1 * INTERVAL


def test_an_engine_that_is_away_is_asked_again_and_again_and_then_all_is_well() -> None:
    desk = Desk()
    desk.passes.scene.world.fail("observe", error=EngineUnreachable("it does not answer"), times=6)
    pauses = []
    for _ in range(3):
        desk.turn()
        pauses.append(desk.pause)
    assert pauses == [1.0, 2.0, 4.0]
    desk.passes.scene.world.forget_faults()
    desk.turn()
    assert desk.pause == 1.1 * INTERVAL


def test_somebody_elses_turn_is_waited_for_without_growing_pauses() -> None:
    desk = Desk()
    desk.passes.lock.holder = "somebody"
    for _ in range(4):
        desk.turn()
        assert desk.pause == WHILE_LOCKED.first_seconds


def test_what_is_corrected_again_and_again_is_left_alone_until_a_person_says_so() -> None:
    desk = Desk()
    for _ in range(MOST_CORRECTIONS):
        desk.passes.scene.world.vanish(f"{PROJECT}-web-1")
        desk.turn()
        assert desk.passes.scene.running() == "api-1=1 web-1=1"
    desk.passes.scene.world.vanish(f"{PROJECT}-web-1")
    desk.turn(Wake(Cause.ENGINE, frozenset({PROJECT}), "destroy web-1"))
    assert desk.passes.scene.running() == "api-1=1"
    plan = desk.log.reports[-1].plan
    assert plan is not None
    assert [(entry.name, entry.change) for entry in plan.entries if entry.cause] == [("web", Change.HELD)]
    desk.turn(Wake(Cause.HANGUP))
    assert desk.passes.scene.running() == "api-1=1 web-1=1"


def test_settings_that_cannot_be_read_touch_nothing() -> None:
    desk = Desk(unreadable=InvalidSettings("reconcile.yaml cannot be used"))
    assert desk.turn()
    assert desk.log.lines == ["production: reconcile.yaml cannot be used"]
    assert desk.passes.scene.world.calls == []
    assert desk.pause == 1.0


def test_an_environment_that_is_gone_ends_its_worker_and_stops_nothing() -> None:
    desk = Desk(gone=True)
    assert not desk.turn()
    assert desk.passes.scene.running() == "api-1=1 web-1=1"
