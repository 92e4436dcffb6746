"""What follows a rejected release: its pins are blocked, Git is told, and nothing more happens after that."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.domain.environment import GitPolicy, Rollback
from reconciler.domain.report import EnvironmentHealth, Result, Sync
from reconciler.domain.undo import UndoState
from tests.app.passes import PINS, Passes
from tests.app.rejections import CRASHES, PUSH, blocked, quiet, rejected, stage
from tests.app.scene import Scene
from tests.domain.values import environment, image, svc

# --- rejected ----------------------------------------------------------------------------------------


def test_a_rejected_release_is_blocked_and_undone_and_nothing_happens_after_that() -> None:
    passes = stage()
    report = rejected(passes, web="2")
    assert blocked(passes) == [("web", image("web", "2"))]
    assert passes.pinned() == {"web": "1"}
    assert passes.commits() == ["Begin", "First release", "web 2", 'Revert "web 2"']
    assert report.undo is not None
    assert (report.undo.state, report.sync) == (UndoState.DONE, Sync.SYNCED)
    quiet(passes)
    assert passes.scene.there() == "web-1=1"


def test_a_rejected_release_with_git_off_stays_blocked_and_nothing_happens_after_that() -> None:
    passes = stage(rollback=Rollback(GitPolicy.OFF))
    report = rejected(passes, web="2")
    assert report.undo is not None
    assert (report.undo.state, report.sync) == (UndoState.OFF, Sync.OUT_OF_SYNC)
    quiet(passes)
    assert passes.pinned() == {"web": "2"}
    assert (passes.once().sync, passes.once().health) == (Sync.OUT_OF_SYNC, EnvironmentHealth.HEALTHY)


def test_a_new_pin_is_released_at_once_and_the_block_stays_for_what_failed() -> None:
    passes = stage(rollback=Rollback(GitPolicy.OFF))
    rejected(passes, web="2")
    passes.release(web="3")
    assert passes.once().result is Result.CONVERGED
    passes.release(web="2")
    assert passes.once().result is Result.NO_OP
    assert passes.scene.running() == "web-1=3"


def test_only_what_the_release_brought_is_blocked() -> None:
    passes = stage("api", "db", "web")
    rejected(passes, api="2", web="2")
    assert blocked(passes) == [("api", image("api", "2")), ("web", image("web", "2"))]


def test_a_container_that_was_made_again_in_the_same_pass_is_not_blocked() -> None:
    passes = stage("db", "web")
    passes.scene.world.vanish("shop-db-1")
    rejected(passes, web="2")
    assert blocked(passes) == [("web", image("web", "2"))]
    assert passes.scene.running() == "db-1=1 web-1=1"


def test_an_unpinned_service_is_blocked_by_its_definition_and_git_is_left_alone() -> None:
    passes = Passes(Scene((svc("web", pinned=False),), env=environment(rollback=PUSH))).up()
    bad = svc("web", definition="bad", pinned=False)
    passes.scene.define(bad)
    passes.scene.world.behave(bad.image, CRASHES)
    commits = len(passes.repository.line)
    report = passes.once()
    assert (report.result, report.undo) == (Result.ROLLED_BACK, None)
    assert len(passes.journal.blocked) == 1
    assert len(passes.repository.line) == commits
    quiet(passes)


def test_a_repair_that_does_not_help_blocks_nothing() -> None:
    passes = stage()
    passes.scene.world.named("shop-web-1").behaviour = CRASHES
    passes.scene.world.named("shop-web-1").policy = "no"
    passes.scene.world.crash("shop-web-1", 3)
    report = passes.once()
    assert (report.result, report.undo, blocked(passes)) == (Result.FAILED, None, [])


def test_a_first_release_that_fails_is_blocked_and_not_tried_again() -> None:
    passes = Passes(Scene((svc("web"),), env=environment(rollback=PUSH)))
    passes.scene.behave("web", "1", CRASHES)
    report = passes.once()
    assert report.result is Result.ROLLBACK_FAILED
    assert report.undo is not None
    assert report.undo.state is UndoState.IMPOSSIBLE
    quiet(passes)
    assert passes.scene.there() == ""
    assert passes.once().health is EnvironmentHealth.MISSING
    passes.release(web="2")
    assert passes.once().result is Result.CONVERGED


# --- what is never blocked ---------------------------------------------------------------------------


def test_an_interrupted_release_is_neither_blocked_nor_undone() -> None:
    passes = stage()
    passes.scene.interrupted = lambda: ("start", "shop-web-1") in passes.scene.world.calls
    passes.release(web="2")
    report = passes.once()
    assert (report.result, report.undo, blocked(passes)) == (Result.ROLLED_BACK, None, [])
    assert passes.pinned() == {"web": "2"}
    passes.scene.interrupted = lambda: False
    assert passes.once().result is Result.CONVERGED


def test_a_release_whose_preparation_fails_is_neither_blocked_nor_undone() -> None:
    passes = stage()
    passes.scene.world.registry = set()
    passes.repository.put({PINS: f"services:\n  web:\n    image: {image('web', '2')}\n"})
    report = passes.once()
    assert (report.result, report.undo, blocked(passes)) == (Result.FAILED, None, [])


# --- a rollback is never rolled back -----------------------------------------------------------------


def test_a_rollback_that_fails_is_blocked_and_git_stays_as_it_is() -> None:
    passes = stage()
    passes.release(web="2")
    assert passes.once().result is Result.CONVERGED
    commits = len(passes.repository.line)
    report = rejected(passes, web="1")
    assert report.undo is not None
    assert report.undo.detail == "a rollback is not rolled back"
    assert len(passes.repository.line) == commits + 1, "the person's own commit, and no other"
    assert passes.pinned() == {"web": "1"}
    quiet(passes)
    assert passes.scene.running() == "web-1=2"


def test_a_release_that_takes_one_service_back_and_moves_another_on_is_no_rollback() -> None:
    passes = stage("api", "web")
    passes.release(web="2")
    passes.once()
    passes.scene.behave("api", "2", CRASHES)
    report = rejected(passes, web="1", api="2")
    assert report.undo is not None
    assert report.undo.state is UndoState.DONE
    assert passes.pinned() == {"api": "1", "web": "2"}


@pytest.mark.parametrize("policy", GitPolicy)
def test_after_a_rejection_ten_further_passes_change_nothing(policy: GitPolicy) -> None:
    passes = stage("api", "db", "web", rollback=replace(PUSH, git=policy))
    rejected(passes, api="2", web="2")
    quiet(passes)
    assert passes.scene.there() == "api-1=1 db-1=1 web-1=1"
