"""Passes while a pin is blocked: what is wanted instead of it, and everything else stays true."""

from __future__ import annotations

from reconciler.domain.plan import Change
from reconciler.domain.report import Result, Sync
from tests.app.passes import Passes
from tests.app.rejections import OFF, blocks_late, entry, held, quiet, rejected, stage
from tests.app.scene import Scene
from tests.domain.values import PROJECT, environment, image, svc


def plan_of(passes: Passes) -> str:
    return str(passes.reconciler.look().plan)


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
    for version in "345":
        passes.release(vpn=version)
        assert passes.once().result is Result.CONVERGED
        well(passes, f"app-1=1 vpn-1={version}")


def test_a_blocked_service_is_created_together_with_what_it_joins() -> None:
    passes = joining()
    passes.scene.world.vanish("shop-vpn-1")
    passes.scene.world.vanish("shop-app-1")
    assert passes.once().result is Result.CONVERGED
    well(passes, "app-1=1 vpn-1=1")


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
