"""One pass: look, roll out, keep or restore, report."""

from __future__ import annotations

import pytest

from reconciler.domain.environment import Unpinned
from reconciler.domain.policy import Limits
from reconciler.domain.report import EnvironmentHealth, Result, Sync
from reconciler.errors import EngineUnreachable, InvalidState, Locked, PullFailed, Refused
from tests.app.passes import PINS, Passes
from tests.app.scene import Scene
from tests.bed.fake_clock import START
from tests.bed.fake_container import Behaviour
from tests.domain.values import environment, image, svc


def up(*names: str) -> Passes:
    """Services that run, as Git has them."""
    passes = Passes(Scene(tuple(svc(name) for name in names)))
    assert passes.reconciler.run_once().result is Result.CONVERGED
    passes.scene.world.calls.clear()
    return passes


def test_a_first_pass_brings_everything_up() -> None:
    passes = Passes(Scene((svc("web"), svc("db"))))
    report = passes.reconciler.run_once()
    assert (report.result, report.sync, report.health) == (
        Result.CONVERGED,
        Sync.SYNCED,
        EnvironmentHealth.HEALTHY,
    )
    assert report.environment == "production"
    assert report.revision == passes.repository.head()
    assert report.started_at == START
    assert {step.verb for step in report.steps} >= {"create", "start", "gate"}
    assert report.error is None


def test_a_second_pass_does_nothing() -> None:
    passes = up("web", "db")
    report = passes.reconciler.run_once()
    assert (report.result, report.sync, str(report.plan)) == (Result.NO_OP, Sync.SYNCED, "No changes.")
    assert passes.scene.world.calls == []
    assert report.steps == ()


def test_a_release_and_its_revert() -> None:
    passes = up("web")
    passes.release(web="2")
    assert passes.reconciler.run_once().result is Result.CONVERGED
    assert passes.scene.running() == "web-1=2"
    passes.release(web="1")
    assert passes.reconciler.run_once().result is Result.CONVERGED
    assert passes.scene.running() == "web-1=1"


def test_looking_changes_nothing() -> None:
    passes = up("web")
    passes.release(web="2")
    look = passes.reconciler.look()
    assert str(look.plan) == "replace web (shop-web-1): 1 → 2"
    assert passes.scene.world.calls == []
    assert passes.journal.kept_times == 1


def test_a_rejected_release_is_rolled_back_and_stays_out_of_sync() -> None:
    passes = up("web")
    passes.scene.behave("web", "2", Behaviour(crashes=1))
    passes.release(web="2")
    report = passes.reconciler.run_once()
    assert (report.result, report.sync, report.health) == (
        Result.ROLLED_BACK,
        Sync.OUT_OF_SYNC,
        EnvironmentHealth.HEALTHY,
    )
    assert passes.scene.running() == "web-1=1"


def test_locked_by_another_nothing_is_looked_at() -> None:
    passes = up("web")
    passes.lock.holder = "another one"
    report = passes.reconciler.run_once()
    assert report.result is Result.FAILED
    assert isinstance(report.error, Locked)
    assert (report.plan, report.sync, report.health) == (None, Sync.UNKNOWN, EnvironmentHealth.UNKNOWN)
    assert passes.scene.world.calls == []


def test_everything_happens_under_the_lock_and_it_is_given_back() -> None:
    passes = up("web")
    held: list[bool] = []

    def interrupted() -> bool:
        held.append(passes.lock.held)
        return False

    passes.scene.interrupted = interrupted
    passes.release(web="2")
    passes.reconciler.run_once()
    assert held
    assert all(held)
    assert not passes.lock.held


def test_the_lock_is_given_back_after_a_failure() -> None:
    passes = up("web")
    passes.scene.world.fail("observe", error=EngineUnreachable("the engine does not answer"))
    report = passes.reconciler.run_once()
    assert isinstance(report.error, EngineUnreachable)
    assert not passes.lock.held
    assert passes.reconciler.run_once().result is Result.NO_OP


def test_a_failed_preparation_is_in_the_report_with_plan_and_steps() -> None:
    passes = up("web")
    passes.scene.world.registry = set()
    passes.scene.world.pins["web"] = image("web", "2")
    passes.commit()
    report = passes.reconciler.run_once()
    assert report.result is Result.FAILED
    assert isinstance(report.error, PullFailed)
    assert str(report.plan) == "replace web (shop-web-1): 1 → 2"
    assert [(step.verb, step.good) for step in report.steps] == [("pull", False)]
    assert (report.sync, report.health) == (Sync.OUT_OF_SYNC, EnvironmentHealth.HEALTHY)
    assert passes.scene.running() == "web-1=1"


def test_an_engine_that_went_away_leaves_sync_unknown_and_says_why() -> None:
    passes = up("web")
    passes.release(web="2")
    gone = EngineUnreachable("the engine does not answer")
    for method in ("stop", "inspect"):
        passes.scene.world.fail(method, error=gone, times=99)
    report = passes.reconciler.run_once()
    assert report.error is gone
    assert report.result is Result.FAILED
    passes.scene.world.forget_faults()
    assert passes.reconciler.run_once().result is Result.CONVERGED
    assert passes.scene.there() == "web-1=2"


def test_a_plan_that_goes_too_far_is_refused() -> None:
    passes = up("web", "db")
    passes.scene.env = environment(prune=True)
    passes.scene.define()
    passes.commit()
    report = passes.reconciler.run_once()
    assert isinstance(report.error, Refused)
    assert passes.scene.running() == "db-1=1 web-1=1"
    passes.limits = Limits.lifted()
    assert passes.reconciler.run_once().result is Result.CONVERGED
    assert passes.scene.running() == ""


def test_an_emptied_compose_file_stops_nothing() -> None:
    passes = up("web", "db")
    passes.scene.define()
    passes.commit()
    report = passes.reconciler.run_once()
    assert (report.result, report.sync) == (Result.NO_OP, Sync.SYNCED)
    assert passes.scene.running() == "db-1=1 web-1=1"


@pytest.mark.parametrize("text", ["", "services:\n  web:\n", "services: [", "\x00"])
def test_pins_that_cannot_be_read_stop_nothing(text: str) -> None:
    passes = up("web")
    passes.repository.put({PINS: text})
    report = passes.reconciler.run_once()
    assert report.result is Result.FAILED
    assert isinstance(report.error, InvalidState)
    assert passes.scene.world.calls == []


# --- memory ------------------------------------------------------------------------------------------


def test_what_converged_is_remembered_and_drift_is_called_drift() -> None:
    passes = up("web")
    assert passes.journal.hashes == {"web": passes.scene.desired.service("web").config_hash}
    passes.scene.world.vanish("shop-web-1")
    report = passes.reconciler.run_once()
    assert str(report.plan) == "create web x1: removed outside Git"


def test_a_pass_with_nothing_to_do_remembers_once() -> None:
    passes = up("web")
    passes.journal.hashes = {}
    passes.reconciler.run_once()
    passes.reconciler.run_once()
    assert passes.journal.kept_times == 2


def test_a_rejected_or_failed_release_is_not_remembered() -> None:
    passes = up("web")
    before = dict(passes.journal.hashes)
    passes.scene.behave("web", "2", Behaviour(crashes=1))
    passes.release(web="2")
    passes.reconciler.run_once()
    assert passes.journal.hashes == before
    passes.scene.world.pins["web"] = image("web", "3")
    passes.scene.world.registry = set()
    passes.commit()
    passes.reconciler.run_once()
    assert passes.journal.hashes == before


def test_another_project_on_the_same_host_is_never_seen() -> None:
    passes = up("web")
    other = Scene((svc("web"), svc("db")), world=passes.scene.world)
    for container in passes.scene.world.containers.values():
        container.project = "another"
    other.env = environment(prune=True, unpinned=Unpinned.FOLLOW)
    passes.scene = other
    passes.commit()
    before = passes.scene.running()
    passes.reconciler.run_once()
    theirs = [c for c in passes.scene.world.containers.values() if c.project == "another"]
    assert before == "web-1=1"
    assert [(c.name, c.up) for c in theirs] == [("shop-web-1", True)]
