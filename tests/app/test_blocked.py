"""Passes while a pin is blocked: everything else stays true, and only another pin or a person lifts it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from reconciler.domain.blocking import Block
from reconciler.domain.environment import GitPolicy, Rollback
from reconciler.domain.plan import Change
from reconciler.domain.report import Result, Sync
from tests.app.passes import Passes
from tests.app.rejections import blocked, quiet, rejected, stage
from tests.app.scene import Scene
from tests.bed.fake_clock import START
from tests.bed.fake_container import Behaviour
from tests.bed.fake_journal import FakeJournal
from tests.domain.values import PROJECT, environment, image, svc

OFF = Rollback(GitPolicy.OFF)


def held(*names: str) -> Passes:
    """Services at version 1, where version 2 of `web` was rejected; Git still pins it."""
    passes = stage(*names or ("web",), rollback=OFF)
    rejected(passes, web="2")
    passes.scene.world.calls.clear()
    return passes


def plan_of(passes: Passes) -> str:
    return str(passes.reconciler.look().plan)


def blocks_late(passes: Passes) -> None:
    """What runs now is blocked, as a release that fails late is just before it is taken back."""
    desired = passes.reconciler.look().desired
    service, now = desired.service("web"), passes.scene.clock.now()
    late = Block("web", service.image, service.config_hash, desired.compose_version, "", "it leaks", now)
    passes.journal.block(passes.scene.env, [late])


def entry(passes: Passes) -> tuple[Change, str]:
    entries = passes.reconciler.look().plan.entries
    found = next(one for one in entries if one.name in ("web", "app") and "rejected" in one.cause)
    return found.change, found.cause


# --- what is wanted instead --------------------------------------------------------------------------


def test_a_blocked_service_stays_on_what_was_good_and_says_why() -> None:
    passes = held()
    run = passes.journal.blocked[0].run
    assert entry(passes) == (
        Change.BLOCKED,
        f"2 was rejected here in run {run} (shop-web-1: restarted 3 times (exit code 3)); stays on 1",
    )
    assert passes.once().sync is Sync.OUT_OF_SYNC


def test_a_blocked_service_that_crashed_is_started_as_it_was() -> None:
    passes = held()
    passes.scene.world.named(f"{PROJECT}-web-1").end(1, by_hand=True)
    assert plan_of(passes) == "start web (shop-web-1): exited with 1"
    assert passes.once().result is Result.CONVERGED
    assert passes.scene.there() == "web-1=1"
    assert passes.scene.did == ["start web-1"]


def test_a_blocked_service_that_was_removed_is_created_as_it_was() -> None:
    passes = held()
    passes.scene.world.vanish("shop-web-1")
    assert passes.once().result is Result.CONVERGED
    assert passes.scene.there() == "web-1=1"
    quiet(passes, 3)


def test_a_blocked_service_that_was_removed_keeps_its_number_of_containers() -> None:
    passes = Passes(Scene((svc("web", replicas=3),), env=environment(rollback=OFF))).up()
    rejected(passes, web="2")
    passes.scene.world.vanish("shop-web-2")
    assert passes.once().result is Result.CONVERGED
    assert passes.scene.running().count("=1") == 3
    quiet(passes, 3)


def test_where_what_failed_runs_it_is_replaced_by_what_was_good() -> None:
    """A failure that came late: the release was kept, and is blocked by now."""
    passes = stage("api", "web", rollback=OFF)
    passes.release(web="2")
    passes.once()
    blocks_late(passes)
    assert passes.once().result is Result.CONVERGED
    assert passes.scene.there() == "api-1=1 web-1=1"
    quiet(passes, 3)


def test_other_services_go_on_while_one_is_blocked() -> None:
    passes = held("api", "web")
    passes.release(api="2")
    assert passes.once().result is Result.CONVERGED
    assert passes.scene.running() == "api-1=2 web-1=1"
    passes.scene.world.vanish("shop-api-1")
    assert passes.once().result is Result.CONVERGED
    assert passes.scene.running() == "api-1=2 web-1=1"


def test_what_joins_a_blocked_service_joins_what_runs() -> None:
    services = (svc("vpn"), svc("app", network_of="vpn"))
    passes = Passes(Scene(services, env=environment(rollback=OFF))).up()
    rejected(passes, vpn="2")
    assert passes.scene.there() == "app-1=1 vpn-1=1"
    quiet(passes, 3)
    passes.release(app="2")
    assert passes.once().result is Result.CONVERGED
    assert passes.scene.there() == "app-1=2 vpn-1=1"
    assert passes.scene.world.cut_off() == ()
    quiet(passes, 3)


def joining() -> Passes:
    """`app` joins `vpn`; its version 2 was rejected."""
    services = (svc("vpn"), svc("app", network_of="vpn"))
    passes = Passes(Scene(services, env=environment(rollback=OFF))).up()
    rejected(passes, app="2")
    assert passes.scene.there() == "app-1=1 vpn-1=1"
    return passes


def well(passes: Passes, there: str) -> None:
    assert passes.scene.there() == there
    assert passes.scene.world.cut_off() == ()
    quiet(passes, 3)


def test_a_blocked_service_that_joins_another_says_what_it_stays_on() -> None:
    passes = joining()
    assert entry(passes)[1].endswith("; stays on 1")
    well(passes, "app-1=1 vpn-1=1")


def test_a_blocked_service_that_joins_another_is_created_as_it_was() -> None:
    passes = joining()
    passes.scene.world.vanish("shop-app-1")
    assert passes.once().result is Result.CONVERGED
    well(passes, "app-1=1 vpn-1=1")


def test_a_blocked_service_goes_along_with_what_it_joins() -> None:
    passes = joining()
    passes.release(vpn="3")
    assert passes.once().result is Result.CONVERGED
    well(passes, "app-1=1 vpn-1=3")


def test_a_blocked_service_goes_along_with_what_it_joins_when_that_was_removed() -> None:
    passes = joining()
    passes.scene.world.vanish("shop-vpn-1")
    assert passes.once().result is Result.CONVERGED
    well(passes, "app-1=1 vpn-1=1")


# --- where nothing good is known ---------------------------------------------------------------------


def forgotten(passes: Passes) -> None:
    """The host knows what failed, and not what was good."""
    passes.journal.goods.clear()


def test_without_anything_good_a_blocked_service_is_left_as_it_is() -> None:
    passes = held()
    forgotten(passes)
    assert plan_of(passes) == "No changes."
    assert entry(passes)[0] is Change.BLOCKED
    quiet(passes, 3)


def test_without_anything_good_it_is_started_where_it_does_not_run() -> None:
    passes = held()
    forgotten(passes)
    passes.scene.world.named("shop-web-1").end(1, by_hand=True)
    passes.once()
    assert passes.scene.there() == "web-1=1"
    assert passes.scene.did == ["start web-1"]


def test_without_anything_good_it_is_not_created() -> None:
    passes = held()
    forgotten(passes)
    passes.scene.world.vanish("shop-web-1")
    quiet(passes, 3)
    assert passes.scene.there() == ""


def test_what_a_person_runs_instead_is_left_alone() -> None:
    passes = held()
    container = passes.scene.world.named("shop-web-1")
    container.image, container.config_hash = image("web", "0"), "by hand"
    quiet(passes, 3)
    assert passes.scene.there() == "web-1=0"


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
