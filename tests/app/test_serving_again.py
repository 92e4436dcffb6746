"""What crashed serves again although the release that is to replace it cannot be prepared."""

from __future__ import annotations

import pytest

from reconciler.errors import EngineFailed, PermissionRefused, PullFailed
from tests.app.passes import Passes
from tests.app.scene import Scene
from tests.bed.fake_container import Behaviour
from tests.domain.values import once, svc

GONE = PullFailed("the registry has no such image")


def unprepared(scene: Scene, **images: str) -> Scene:
    """A pass over a release that cannot be pulled."""
    scene.release(**images)
    scene.world.local.clear()
    scene.world.fail("pull", error=GONE)
    with pytest.raises(PullFailed):
        scene.once()
    return scene


def down(scene: Scene, *names: str) -> None:
    """They have ended, and the engine does not start them again."""
    for name in names:
        scene.world.named(f"shop-{name}").end(137, by_hand=True)


def started(scene: Scene) -> list[str]:
    """The containers that were started or stopped, with the verb."""
    return [line for line in scene.did if line.split()[0] in ("start", "stop")]


def test_a_service_that_crashed_is_started_although_its_release_cannot_be_pulled() -> None:
    scene = Scene((svc("web"), svc("db"))).up()
    down(scene, "web-1")
    assert started(unprepared(scene, web="2")) == ["start web-1"]
    assert scene.there() == "db-1=1 web-1=1"


def test_so_is_one_that_the_release_does_not_concern() -> None:
    scene = Scene((svc("web"), svc("db"))).up()
    down(scene, "db-1")
    assert started(unprepared(scene, web="2")) == ["start db-1"]
    assert scene.there() == "db-1=1 web-1=1"


def test_what_runs_is_not_touched() -> None:
    scene = Scene((svc("web"), svc("db"))).up()
    assert started(unprepared(scene, web="2")) == []


def test_what_ran_once_and_ended_is_not_run_again() -> None:
    scene = Scene((svc("migrate", one_shot=True), svc("web", needs=[once("migrate")])))
    scene.behave("migrate", "1", Behaviour(crashes=0))
    scene.up()
    assert started(unprepared(scene, migrate="2")) == []


def test_one_that_cannot_be_started_hides_neither_the_others_nor_why_the_pass_failed() -> None:
    scene = Scene((svc("web"), svc("db"))).up()
    down(scene, "web-1", "db-1")
    web = scene.world.named("shop-web-1")
    scene.world.fail("start", error=EngineFailed("it could not"), times=9, matching=lambda id_: id_ == web.id)
    assert unprepared(scene, web="2", db="2").there() == "db-1=1 [web-1=1]"


def test_it_is_started_although_its_release_cannot_be_written_down() -> None:
    passes = Passes(Scene((svc("web"), svc("db")))).up()
    passes.journal.refuses = True
    passes.release(web="2")
    down(passes.scene, "db-1")
    assert isinstance(passes.once().error, PermissionRefused)
    assert passes.scene.there() == "db-1=1 web-1=1"
