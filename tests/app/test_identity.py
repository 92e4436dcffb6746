"""Recognise containers: which hash they should bear, and which image they really run."""

from __future__ import annotations

from reconciler.domain.report import Result
from tests.app.passes import Passes
from tests.app.scene import Scene
from tests.bed.fake_container import hashed
from tests.domain.values import digest, image, svc

STABLE = f"registry/web:stable@{digest('1')}"


def adopted(*, definition: str = "") -> Scene:
    """A stack that somebody started from another name of the very image that is pinned."""
    scene = Scene((svc("web"),)).up()
    container = scene.world.named("shop-web-1")
    container.image = STABLE
    container.config_hash = hashed(definition or scene.world.services[0].config_hash, STABLE)
    return scene


def test_a_container_made_from_another_name_of_the_pinned_image_is_left_alone() -> None:
    """Adopting a running stack changes nothing."""
    assert adopted().plan == "No changes."


def test_another_definition_is_still_another_definition() -> None:
    assert adopted(definition="something else").plan == "replace web (shop-web-1): stable → 1"


def test_another_image_is_another_image() -> None:
    scene = adopted()
    scene.release(web="2")
    assert scene.plan == "replace web (shop-web-1): stable → 2"


def test_adoption_holds_pass_after_pass() -> None:
    passes = Passes(adopted())
    assert [passes.reconciler.run_once().result for _ in range(2)] == [Result.NO_OP, Result.NO_OP]


def test_what_is_unpinned_is_never_adopted() -> None:
    scene = Scene((svc("web", pinned=False),)).up()
    scene.world.named("shop-web-1").config_hash = hashed("other")
    assert scene.plan.startswith("replace web (shop-web-1)")


def test_full_references_are_filled_in_where_the_list_has_tags_only() -> None:
    scene = Scene((svc("web"),)).up()
    scene.release(web="2")
    desired, there, plan = scene.look()
    assert there.of("web")[0].image == image("web", "1")
    assert plan.entries[0].before == image("web", "1")
    assert desired.service("web").image == image("web", "2")


def test_a_service_that_joins_is_recognised_by_the_container_that_it_joins() -> None:
    scene = Scene((svc("vpn"), svc("app", network_of="vpn"))).up()
    assert scene.plan == "No changes."
    plain = scene.desired.service("app").config_hash
    assert scene.look()[0].service("app").config_hash != plain
    assert scene.world.named("shop-app-1").config_hash != plain


def test_what_is_joined_and_not_there_is_no_obstacle() -> None:
    scene = Scene((svc("vpn"), svc("app", network_of="vpn")))
    assert scene.plan == "create vpn x1: it is not there yet\ncreate app x1: it is not there yet"
