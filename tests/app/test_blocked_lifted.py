"""What counts as the pin that is blocked, what lifts it, and what Git tells other clones."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from reconciler.domain.plan import Change
from reconciler.domain.report import Result
from tests.app.passes import Passes
from tests.app.rejections import OFF, blocked, blocks_late, entry, held, quiet, rejected, stage
from tests.bed.fake_clock import START
from tests.bed.fake_container import Behaviour
from tests.bed.fake_journal import FakeJournal
from tests.domain.values import environment, image, svc

# --- what counts as the same -------------------------------------------------------------------------


def test_another_definition_is_another_release() -> None:
    passes = held()
    passes.scene.define(svc("web", "2", definition="with more memory"))
    passes.scene.behave("web", "2", Behaviour())
    assert passes.once().result is Result.CONVERGED
    assert passes.scene.there() == "web-1=2"


def test_an_upgrade_of_compose_is_not_another_definition() -> None:
    """Its hashes say nothing about what changed: the digest alone decides."""
    passes = held()
    passes.scene.world.compose_version = "2.40.0"
    passes.scene.define(svc("web", "2", definition="hashed in another way"))
    quiet(passes, 3)
    assert passes.scene.there() == "web-1=1"


def test_after_an_upgrade_of_compose_it_is_still_started_and_created() -> None:
    passes = held()
    passes.scene.world.compose_version = "2.40.0"
    passes.scene.define(svc("web", "2", definition="hashed in another way"))
    passes.scene.world.named("shop-web-1").end(1, by_hand=True)
    passes.once()
    assert passes.scene.there() == "web-1=1"
    passes.scene.world.vanish("shop-web-1")
    passes.once()
    assert passes.scene.there() == "web-1=1"
    quiet(passes, 3)


def test_what_was_good_and_is_blocked_by_now_is_not_wanted_either() -> None:
    passes = stage(rollback=OFF)
    passes.release(web="2")
    passes.once()
    blocks_late(passes)
    rejected(passes, web="3")
    assert passes.once().result in (Result.CONVERGED, Result.NO_OP)
    assert passes.scene.running() == "web-1=1"
    quiet(passes, 3)


# --- lifted ------------------------------------------------------------------------------------------


def test_unblocked_it_is_tried_again() -> None:
    passes = held()
    passes.scene.behave("web", "2", Behaviour())
    passes.journal.unblock(passes.scene.env, ["web"], passes.scene.clock.now())
    assert passes.once().result is Result.CONVERGED
    assert passes.scene.running() == "web-1=2"


def test_unblocked_and_still_bad_it_is_rejected_and_blocked_again() -> None:
    passes = held()
    passes.journal.unblock(passes.scene.env, ["web"], passes.scene.clock.now())
    assert passes.once().result is Result.ROLLED_BACK
    assert blocked(passes) == [("web", image("web", "2"))]
    quiet(passes, 3)


# --- told by Git -------------------------------------------------------------------------------------


def pinned_again() -> Passes:
    """Rejected and undone in Git; then somebody reverts the revert."""
    passes = stage()
    rejected(passes, web="2")
    passes.release(web="2")
    return passes


def test_a_revert_of_the_revert_stays_blocked() -> None:
    quiet(pinned_again())


def test_another_clone_learns_the_block_from_git() -> None:
    passes = pinned_again()
    passes.journal = FakeJournal()
    passes.scene.world.calls.clear()
    assert entry(passes)[0] is Change.BLOCKED
    assert "(shop-web-1: restarted 3 times (exit code 3))" in entry(passes)[1], "Git knows the reason, too"
    quiet(passes, 3)
    assert passes.scene.running() == "web-1=1"


def test_what_git_says_can_be_unblocked_as_well() -> None:
    passes = pinned_again()
    passes.journal = FakeJournal()
    passes.scene.behave("web", "2", Behaviour())
    passes.journal.unblock(passes.scene.env, ["web"], START + timedelta(days=30))
    assert passes.once().result is Result.CONVERGED
    assert passes.scene.running() == "web-1=2"


@pytest.mark.parametrize("name", ["staging", "prod"])
def test_what_git_says_of_another_environment_does_not_count(name: str) -> None:
    passes = pinned_again()
    passes.journal = FakeJournal()
    passes.scene.behave("web", "2", Behaviour())
    passes.scene.env = environment(name="production", rollback=OFF)
    for number, one in enumerate(passes.repository.line):
        trailers = tuple(
            (key, name if key == "Reconcile-Environment" else value) for key, value in one.commit.trailers
        )
        passes.repository.line[number] = replace(one, commit=replace(one.commit, trailers=trailers))
    assert passes.once().result is Result.CONVERGED


def test_what_runs_by_now_is_not_held_back_for_what_git_says_of_it() -> None:
    """It was unblocked and released; then the journal is lost, and another service moves on."""
    passes = stage("api", "web")
    rejected(passes, web="2")
    passes.scene.behave("web", "2", Behaviour())
    passes.journal.unblock(passes.scene.env, ["web"], START + timedelta(days=30))
    passes.release(web="2")
    assert passes.once().result is Result.CONVERGED
    passes.journal = FakeJournal()
    passes.release(api="2")
    changes = {one.name: one.change for one in passes.reconciler.look().plan.entries}
    assert changes == {"api": Change.CHANGE, "web": Change.NONE}
    assert passes.once().result is Result.CONVERGED
    assert passes.scene.there() == "api-1=2 web-1=2"


def test_a_lost_journal_and_a_service_that_is_down_as_well() -> None:
    passes = pinned_again()
    passes.journal = FakeJournal()
    passes.scene.world.named("shop-web-1").end(1, by_hand=True)
    passes.once()
    assert passes.scene.running() == "web-1=1"


def test_good_pins_are_noted_newest_first() -> None:
    passes = stage(rollback=OFF)
    passes.release(web="2")
    passes.once()
    goods = passes.journal.good(passes.scene.env)
    assert [(good.service, good.image) for good in goods] == [
        ("web", image("web", "2")),
        ("web", image("web", "1")),
    ]
    assert all(good.config_hash for good in goods)
