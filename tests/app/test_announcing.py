"""What passes put into the outbox."""

from __future__ import annotations

from dataclasses import replace

from reconciler.app.worker import Ready, Worker
from reconciler.domain.channels import Notify
from reconciler.domain.environment import Gate
from reconciler.domain.events import Kind
from reconciler.domain.report import Result
from reconciler.domain.schedule import Schedule
from reconciler.domain.triggers import Cause, Wake
from reconciler.errors import EngineUnreachable, RepositoryUnreachable
from tests.app.passes import Passes
from tests.app.rejections import CRASHES, PUSH
from tests.app.scene import Scene
from tests.bed.fake_log import FakeLog
from tests.bed.fake_outbox import FakeOutbox
from tests.bed.recorder import notify
from tests.domain.values import environment, image, svc


def stage(told: Notify | None = None) -> Passes:
    """Services at version 1, whose people are told from now on."""
    passes = Passes(Scene((svc("api"), svc("web")), env=environment(gate=Gate(5.0, 0.0), rollback=PUSH))).up()
    passes.scene.env = replace(passes.scene.env, notify=notify() if told is None else told)
    passes.outbox = FakeOutbox()
    return passes


def heard(passes: Passes) -> list[str]:
    assert passes.outbox is not None
    return [str(event.kind) for event in passes.outbox.events]


def test_a_release_is_told_when_it_begins_and_when_it_runs() -> None:
    passes = stage()
    passes.release("Give the front a new colour", web="2")
    report = passes.once()
    assert heard(passes) == ["release-started", "converged"]
    assert passes.outbox is not None
    begun, end = passes.outbox.events
    assert (begun.run, begun.subject) == (report.run, "Give the front a new colour")
    assert begun.moves == end.moves == (("web", image("web", "1"), image("web", "2")),)
    assert begun.incident == end.incident
    passes.once()
    assert len(passes.outbox.events) == 2


def test_a_rejection_is_told_before_its_rollback() -> None:
    passes = stage()
    passes.scene.behave("web", "2", CRASHES)
    passes.release(web="2")
    assert passes.once().result is Result.ROLLED_BACK
    assert heard(passes) == ["release-started", "rejected", "rolled-back"]
    assert passes.outbox is not None
    assert len({event.incident for event in passes.outbox.events}) == 1
    assert "shop-web-1" in passes.outbox.events[1].reason
    for _ in range(3):
        passes.once()
    assert len(passes.outbox.events) == 3, "a block is no news"


def test_repairs_are_told_when_they_are_done() -> None:
    passes = stage()
    passes.scene.world.named("shop-web-1").end(1)
    passes.once()
    assert heard(passes) == ["drift-repaired"]


def test_an_engine_that_is_away_is_told_once_and_so_is_its_return() -> None:
    passes = stage()
    passes.scene.world.fail("observe", error=EngineUnreachable("it does not answer"), times=2)
    for _ in range(3):
        passes.once()
        passes.scene.clock.passed += 60
    assert heard(passes) == ["failed", "recovered"]


def test_where_there_are_no_channels_nothing_is_written() -> None:
    passes = stage(Notify())
    passes.release(web="2")
    passes.once()
    assert heard(passes) == []


def test_an_outbox_that_cannot_be_written_is_a_note_and_nothing_else() -> None:
    passes = stage()
    assert passes.outbox is not None
    passes.outbox.refuses = True
    passes.release(web="2")
    report = passes.once()
    assert (report.result, report.error) == (Result.CONVERGED, None)
    assert passes.scene.running() == "api-1=1 web-1=2"
    assert report.notes == (
        "people are not told of everything: the journal cannot be used: no space is left on the device",
    )


def test_a_pass_that_was_killed_after_its_release_is_told_by_the_next_one() -> None:
    """O-03: the release is done, and whoever made it cannot say so any more."""
    passes = stage()
    assert passes.outbox is not None
    passes.release(web="2")
    passes.once()
    del passes.outbox.events[1:], passes.outbox.messages[1:]
    passes.outbox.last = type(passes.outbox.last)(passes.outbox.events[0])
    passes.once()
    assert heard(passes) == ["release-started", "converged"]
    assert passes.outbox.events[1].incident == passes.outbox.events[0].incident


def test_the_daemon_tells_that_git_cannot_be_read_and_that_it_can_again() -> None:
    passes = stage()
    broken: list[RepositoryUnreachable] = []

    def ready() -> Ready:
        if broken:
            raise broken[0]
        return Ready(passes.reconciler)

    worker = Worker("production", ready, FakeLog(), passes.scene.clock, lambda: 1.0, Schedule(60.0))
    for error in (None, "no route to git.example.org", "no route to git.example.org", None):
        broken[:] = [RepositoryUnreachable(error)] if error else []
        worker.turn((Wake(Cause.INTERVAL),))
        worker.end()
    assert heard(passes) == ["failed", "recovered"]
    assert passes.outbox is not None
    assert passes.outbox.events[0].reason == "no route to git.example.org"
    assert passes.outbox.events[0].kind is Kind.FAILED
