"""The way back of a release: its images are protected, and only ours are ever let go."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.app.parachute import PREFIX, protecting_tag
from reconciler.domain.environment import Rollback
from reconciler.domain.image import ImageRef
from reconciler.domain.report import Result
from reconciler.errors import EngineFailed, Refused
from tests.app.passes import Passes
from tests.app.scene import Scene
from tests.bed.fake_container import image_id
from tests.domain.values import environment, image, svc

GONE = EngineFailed("No such image")


def up(keep: int = 3, *names: str) -> Passes:
    services = tuple(svc(name) for name in names or ("web",))
    return Passes(Scene(services, env=environment(rollback=Rollback(keep=keep)))).up()


def protected(passes: Passes, name: str = "web") -> list[str]:
    """The versions of a service whose images a tag of ours protects."""
    env = passes.scene.env
    known = {protecting_tag(env, image_id(image(name, version))): version for version in "0123456789"}
    tags = passes.scene.world.tags(f"registry/{name}")
    return sorted(known.get(tag, tag) for tag in tags if tag.startswith(PREFIX))


def test_the_image_of_a_predecessor_is_protected_before_anything_that_serves_is_touched() -> None:
    passes = up()
    passes.release(web="2")
    assert passes.once().result is Result.CONVERGED
    assert passes.scene.did[0].split()[0] == "tag"
    assert protected(passes) == ["1"]


def test_images_of_all_replicas_and_services_are_protected() -> None:
    passes = up(3, "api", "web")
    passes.release(api="2", web="2")
    passes.once()
    assert (protected(passes, "api"), protected(passes)) == (["1"], ["1"])


def test_without_the_image_there_is_no_way_back_and_the_release_is_refused() -> None:
    passes = up()
    passes.release(web="2")
    passes.scene.world.fail("tag", error=GONE)
    report = passes.once()
    assert isinstance(report.error, Refused)
    assert "--no-parachute" in (report.error.hint or "")
    assert (report.result, passes.scene.there()) == (Result.FAILED, "web-1=1")
    assert {call.split()[0] for call in passes.scene.did} == {"tag"}


def test_without_the_image_it_is_released_where_that_is_meant() -> None:
    passes = up()
    passes.parachute = False
    passes.release(web="2")
    passes.scene.world.fail("tag", error=GONE)
    assert passes.once().result is Result.CONVERGED
    assert passes.scene.there() == "web-1=2"


def test_a_predecessor_known_by_its_image_id_alone_is_no_obstacle() -> None:
    passes = up()
    container = passes.scene.world.named("shop-web-1")
    container.image = "sha256:" + "a" * 64
    container.config_hash = "by hand"
    passes.release(web="2")
    assert passes.once().result is Result.CONVERGED


@pytest.mark.parametrize("keep", [1, 2, 3])
def test_the_last_good_releases_stay_protected_and_older_ones_are_let_go(keep: int) -> None:
    passes = up(keep)
    for version in "2345678":
        passes.release(web=version)
        assert passes.once().result is Result.CONVERGED
    before = [str(8 - number) for number in range(1, keep + 1)]
    assert protected(passes) == sorted(before), "what runs is protected by its container"


def test_images_of_services_that_were_not_released_stay_as_they_are() -> None:
    passes = up(1, "api", "web")
    for version in "23":
        passes.release(api=version)
        passes.once()
    before = protected(passes, "api")
    for version in "2345":
        passes.release(web=version)
        passes.once()
    assert protected(passes, "api") == before


def of_one_image(keep: int) -> Passes:
    """Two services whose images are of one repository, as with one build and several commands."""
    services = [replace(svc(name), image=image("app", "1")) for name in ("web", "worker")]
    return Passes(Scene(tuple(services), env=environment(rollback=Rollback(keep=keep)))).up()


def moved(passes: Passes, version: str, *names: str) -> None:
    """Release a version of that image for these services."""
    world = passes.scene.world
    world.local.add(ImageRef.parse(image("app", version)).by_digest)
    world.pins |= dict.fromkeys(names, image("app", version))
    passes.commit()
    assert passes.once().result is Result.CONVERGED


def test_what_another_service_goes_back_to_stays_protected() -> None:
    passes = of_one_image(keep=1)
    moved(passes, "2", "web")
    for version in "2345":
        moved(passes, version, "worker")
    assert protected(passes, "app") == ["1", "2", "4"], "web runs 2 and goes back to 1, worker goes back to 4"


def test_services_of_one_image_keep_no_more_of_them_than_each_alone() -> None:
    passes = of_one_image(keep=2)
    for version in "23456":
        moved(passes, version, "web", "worker")
    assert protected(passes, "app") == ["4", "5"]


def test_what_a_service_ran_that_is_no_more_protects_nothing() -> None:
    passes = of_one_image(keep=1)
    moved(passes, "2", "web")
    passes.scene.define(replace(svc("worker"), image=image("app", "2")))
    for version in "2345":
        moved(passes, version, "worker")
    assert protected(passes, "app") == ["2", "4"], "2 is the last name of what its container is made from"


def test_only_our_own_tags_are_taken_away() -> None:
    passes = up(1)
    world = passes.scene.world
    theirs = {
        "registry/web:stable": image_id(image("web", "1")),
        "registry/web:reconcile-other-000000000000": image_id(image("web", "1")),
        "registry/web:reconcile-shop-000000000000": "sha256:" + "b" * 64,
    }
    world.image_tags |= theirs
    for version in "2345":
        passes.release(web=version)
        passes.once()
    assert theirs.items() <= world.image_tags.items()


def test_a_tag_of_ours_that_somebody_gave_to_another_image_stays() -> None:
    passes = up(1)
    passes.release(web="2")
    passes.once()
    taken = f"registry/web:{protecting_tag(passes.scene.env, image_id(image('web', '1')))}"
    passes.scene.world.image_tags[taken] = "sha256:" + "b" * 64
    for version in "345":
        passes.release(web=version)
        passes.once()
    assert passes.scene.world.image_tags[taken] == "sha256:" + "b" * 64


def test_another_project_on_the_same_host_has_tags_of_its_own() -> None:
    one, other = environment(), replace(environment(), project="another")
    assert protecting_tag(one, "sha256:" + "a" * 64) != protecting_tag(other, "sha256:" + "a" * 64)


def test_a_tag_that_cannot_be_taken_away_is_noted_and_does_not_spoil_the_release() -> None:
    passes = up(1)
    passes.scene.world.fail("untag", error=EngineFailed("the image is in use"), times=9)
    for version in "234":
        passes.release(web=version)
        report = passes.once()
        assert report.result is Result.CONVERGED
    assert any("older images stay protected" in note for note in report.notes)


def test_a_rejected_release_does_not_push_a_good_one_out() -> None:
    from tests.app.rejections import rejected

    passes = up(1)
    passes.release(web="2")
    passes.once()
    for version in "345":
        rejected(passes, web=version)
    assert "1" in protected(passes)
    assert passes.scene.running() == "web-1=2"


def test_a_pin_that_moves_back_and_forth_does_not_push_others_out() -> None:
    passes = up(2)
    for version in "23232323":
        passes.release(web=version)
        passes.once()
    assert protected(passes) == ["1", "2", "3"]
