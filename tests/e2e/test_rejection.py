"""A release that is not good is undone as a whole, and what ran before is what runs again."""

from __future__ import annotations

import pytest

from tests.bed.tools import docker
from tests.e2e.witness import Witness
from tests.e2e.world import World, await_answer, published

STACK = """
    services:
      web:
        image: web
        ports: ["127.0.0.1:{port}:8080"]
        restart: unless-stopped
      worker:
        image: web
        restart: always
    """


def deployed(world: World, *, checked: bool = False, image: str = "web:1") -> str:
    port, url = published()
    if checked:
        world.check("web", f"{url}/health")
    world.settings["gate"]["timeout"] = "4s"
    world.stack(STACK.format(port=port), web=image, worker="web:1")
    world.once().expect(0)
    await_answer(url, "version=1")
    return url


def identities(world: World) -> dict[str, tuple[str, str]]:
    """Containers by name, with their restart policies; the engine has two words for none."""
    return {
        c.name: (c.id, c.content["HostConfig"]["RestartPolicy"]["Name"] or "no") for c in world.containers()
    }


@pytest.mark.parametrize(
    ("variant", "checked", "bad", "reason"),
    [
        ("web", False, "web:crash", "restarted"),
        ("health", False, "health:broken", "its health check says unhealthy"),
        ("web", True, "web:broken", "check web: 500"),
    ],
    ids=["crash", "unhealthy", "http-500"],
)
def test_a_broken_release_is_undone_and_the_same_container_serves_again(
    world: World, variant: str, checked: bool, bad: str, reason: str
) -> None:
    url = deployed(world, checked=checked, image=f"{variant}:1")
    before = identities(world)
    world.release(web=bad)
    with Witness(world, url) as witness:
        result = world.once().expect(10)
        await_answer(url, "version=1")
    environment = result.environment
    assert environment["result"] == "rolled-back"
    assert reason in environment["judgement"]["reason"]
    assert environment["restored"]["verdict"] == "pass"
    assert identities(world) == before, "the very same containers, with their restart policies"
    assert world.container("web").status == "running"
    assert witness.versions[0] == witness.versions[-1] == "version=1"


@pytest.mark.parametrize(("image", "soak"), [("web:brief", "0s"), ("web:dying", "5s")])
def test_a_container_that_dies_after_its_first_good_look_is_undone(
    world: World, image: str, soak: str
) -> None:
    """At the first look it runs: one look alone is no evidence, not even where no soak is asked for."""
    url = deployed(world)
    before = identities(world)
    world.settings["gate"]["soak"] = soak
    with Witness(world, url):
        world.release(web=image)
        world.once().expect(10)
    assert identities(world) == before
    await_answer(url, "version=1")


def test_the_report_holds_the_last_words_and_what_git_still_asks_for(world: World) -> None:
    deployed(world)
    with Witness(world):
        world.release(web="web:crash")
        result = world.reconcile("--once").expect(10)
    assert "version=crash exits with 7, as told" in result.stdout
    assert "Runs again: web 1" in result.stdout
    assert "Git still asks for web crash" in result.stdout
    assert "Rolled back production" in result.stdout


def test_a_release_of_several_services_goes_back_as_a_whole(world: World) -> None:
    """The second service is bad, the first one was good and in place: partial is never left."""
    port, url = published()
    world.settings["gate"]["timeout"] = "5s"
    compose = """
        services:
          api:
            image: web
          web:
            image: web
            depends_on: [api]
            ports: ["127.0.0.1:{port}:8080"]
          worker:
            image: web
        """
    world.stack(compose.format(port=port), api="web:1", web="web:1", worker="web:1")
    world.once().expect(0)
    before, worker = identities(world), world.container("worker").mark
    with Witness(world, url):
        world.release(api="web:2", web="web:crash")
        result = world.once().expect(10)
    switched = [step["subject"] for step in result.environment["steps"] if step["verb"] == "switch"]
    assert switched == [f"{world.project}-api-1", f"{world.project}-web-1"]
    assert identities(world) == before
    assert world.images_of("api", "web") == ["1", "1"]
    assert world.container("worker").mark == worker


def test_a_first_release_that_is_bad_leaves_nothing_and_says_degraded(world: World) -> None:
    world.settings["gate"]["timeout"] = "3s"
    world.stack("services: {web: {image: web}}", web="web:crash")
    with Witness(world):
        result = world.once().expect(11)
    assert result.environment["result"] == "rollback-failed"
    assert world.marks() == {}


def test_what_ran_before_and_does_not_pass_either_is_degraded_not_hidden(world: World) -> None:
    """The check fails with and without the release: exit 11, and the report says where to look."""
    url = deployed(world)
    before = identities(world)
    world.check("outside", f"{url}/no-such-page")
    world.settings["gate"]["timeout"] = "1s"
    with Witness(world, url):
        world.release(web="web:2")
        result = world.reconcile("--once").expect(11)
    assert "check outside fails without this release too" in result.stdout
    assert identities(world) == before
    await_answer(url, "version=1")


def test_a_rejected_release_is_blocked_and_only_tried_again_where_a_person_says_so(world: World) -> None:
    """Git still asks for it: no pass tries, and a try that is asked for leaves the predecessor."""
    url = deployed(world)
    before = identities(world)
    with Witness(world, url):
        world.release(web="web:crash")
        world.once().expect(10)
        again = world.once().expect(0)
        assert (again.environment["result"], again.service("web")["change"]) == ("no-op", "blocked")
        assert identities(world) == before
        world.reconcile("unblock", "production").expect(0)
        world.once().expect(10)
        assert identities(world) == before
        world.revert()
        assert world.once().expect(0).environment["result"] == "no-op"
    await_answer(url, "version=1")


def test_a_check_of_low_severity_never_rejects(world: World) -> None:
    url = deployed(world)
    world.check("nice", f"{url}/no-such-page", severity="low")
    with Witness(world, url):
        world.release(web="web:2")
        world.once().expect(0)
    await_answer(url, "version=2")


def test_an_unpullable_image_of_one_of_five_touches_none(world: World) -> None:
    names = ("a", "b", "c", "d", "e")
    services = "".join(f"  {name}: {{image: web}}\n" for name in names)
    world.stack(f"services:\n{services}", **dict.fromkeys(names, "web:1"))
    world.once().expect(0)
    before = world.marks()
    nowhere = f"{world.images.tag('web:9')}@sha256:{'0' * 64}"
    with Witness(world):
        world.release(**dict.fromkeys(names[:4], "web:2"), e=nowhere)
        result = world.once().expect(1)
    error = result.environment["error"]
    assert result.environment["result"] == "failed"
    assert nowhere in error["problem"]
    assert "has no image web" in error["problem"]
    assert world.marks() == before


def test_the_image_of_the_predecessor_is_kept_under_a_name(world: World) -> None:
    """An image that was pulled by digest has no tag; the next prune would take it."""
    repository = world.images.tag("web:1").rpartition(":")[0]
    deployed(world)
    world.release(web="web:2")
    world.once().expect(0)
    kept = docker("inspect", "--format", "{{.Id}}", f"{repository}:rollback").strip()
    assert kept == world.images.id("web:1")
