"""What stacks are made of: replicas, names, order, one-shot services, shared networks."""

from __future__ import annotations

import json
import sys
from datetime import datetime
from pathlib import Path

import pytest

from tests.bed.tools import run
from tests.e2e import client
from tests.e2e.containers import Container
from tests.e2e.world import World, await_answer, published

REPLICAS = """
    services:
      web:
        image: web
        deploy: {{replicas: {count}}}
    """


def identities(world: World) -> dict[str, str]:
    return {c.name.removeprefix(f"{world.project}-"): c.id for c in world.containers()}


def started(container: Container) -> datetime:
    return datetime.fromisoformat(container.started_at[:26] + "+00:00")


# -- replicas -------------------------------------------------------------------------------------


def test_a_release_replaces_all_replicas_under_their_names(world: World) -> None:
    world.stack(REPLICAS.format(count=3), web="web:1")
    world.once().expect(0)
    before = identities(world)
    assert sorted(before) == ["web-1", "web-2", "web-3"]
    world.release(web="web:2")
    world.once().expect(0)
    after = identities(world)
    assert sorted(after) == sorted(before)
    assert not set(after.values()) & set(before.values())
    assert {c.image for c in world.containers()} == {world.images.pinned("web:2")}
    world.settle()


def test_a_broken_release_of_replicas_gives_all_of_them_back(world: World) -> None:
    world.stack(REPLICAS.format(count=3), web="web:1")
    world.once().expect(0)
    before = identities(world)
    world.release(web="web:crash")
    world.once().expect(10)
    assert identities(world) == before
    assert {c.status for c in world.containers()} == {"running"}
    world.expect_no_leftovers()


def test_replicas_follow_the_compose_file_up_and_down(world: World) -> None:
    world.stack(REPLICAS.format(count=1), web="web:1")
    world.once().expect(0)
    first = identities(world)
    world.stack(REPLICAS.format(count=3))
    world.once().expect(0)
    assert sorted(identities(world)) == ["web-1", "web-2", "web-3"]
    assert identities(world)["web-1"] == first["web-1"], "the one that was there stays"
    world.settle()
    world.stack(REPLICAS.format(count=2))
    world.once().expect(0)
    assert sorted(identities(world)) == ["web-1", "web-2"]
    assert identities(world)["web-1"] == first["web-1"]
    world.stack(REPLICAS.format(count=0))
    world.once().expect(0)
    assert identities(world) == {}
    world.settle()


def test_a_release_and_a_new_number_of_replicas_in_one_commit(world: World) -> None:
    world.stack(REPLICAS.format(count=2), web="web:1")
    world.once().expect(0)
    world.stack(REPLICAS.format(count=3), web="web:2")
    world.once().expect(0)
    assert sorted(identities(world)) == ["web-1", "web-2", "web-3"]
    world.stack(REPLICAS.format(count=1), web="web:1")
    world.once().expect(0)
    (only,) = world.containers()
    assert only.image == world.images.pinned("web:1")
    world.settle()


# -- names and order ------------------------------------------------------------------------------


def test_a_container_name_is_kept_through_release_and_rollback(world: World) -> None:
    name = f"{world.project}-fixed"
    world.stack(f"services: {{web: {{image: web, container_name: {name}}}}}", web="web:1")
    world.once().expect(0)
    world.release(web="web:2")
    world.once().expect(0)
    assert list(world.marks()) == [name]
    world.settle()
    world.reconcile("rollback", "production").expect(0)
    assert list(world.marks()) == [name]
    assert world.images_of("web") == ["1"]
    world.settle()


ORDERED = """
    services:
      web:
        image: web
        depends_on: {api: {condition: service_healthy}}
      api:
        image: web
        depends_on: [store]
      store:
        image: web
    """


def test_dependencies_start_first_and_healthy_ones_are_waited_for(world: World) -> None:
    world.stack(ORDERED, web="web:1", api="health:1", store="web:1")
    world.once().expect(0)
    for version in ("1", "2"):
        web, api, store = (world.container(name) for name in ("web", "api", "store"))
        assert started(store) < started(api) < started(web)
        log = api.content["State"]["Health"]["Log"]
        assert datetime.fromisoformat(log[0]["Start"]) < started(web), "the health check passed before"
        if version == "1":
            world.release(web="web:2", api="health:2", store="web:2")
            world.once().expect(0)
    world.settle()


def test_a_dependency_that_never_gets_healthy_rejects_the_release(world: World) -> None:
    """The dependent is not even stopped."""
    world.stack(ORDERED, web="web:1", api="health:1", store="web:1")
    world.once().expect(0)
    web, before = world.container("web").mark, identities(world)
    world.release(web="web:2", api="health:broken")
    world.once().expect(10)
    assert world.container("web").mark == web
    assert identities(world) == before
    world.expect_no_leftovers()


# -- one-shot services ----------------------------------------------------------------------------

MIGRATION = """
    services:
      web:
        image: web
        depends_on: {{migrate: {{condition: service_completed_successfully}}}}
        ports: ["127.0.0.1:{port}:8080"]
        volumes: [data:/data]
      migrate:
        image: web
        restart: "no"
        command: ["/bin/sh", "-c", "echo migrated to $$VERSION >>/data/log; exit {code}"]
        volumes: [data:/data]
    volumes: {{data: {{}}}}
    """


def test_a_migration_runs_before_its_dependent_and_once_per_release(world: World) -> None:
    port, url = published()
    world.stack(MIGRATION.format(port=port, code=0), web="web:1", migrate="web:1")
    world.once().expect(0)
    await_answer(f"{url}/read", "migrated to 1")
    world.settle()
    world.release(web="web:2", migrate="web:2")
    world.once().expect(0)
    await_answer(f"{url}/read", "migrated to 1\nmigrated to 2")
    migrate, web = world.container("migrate"), world.container("web")
    assert (migrate.status, migrate.content["State"]["ExitCode"]) == ("exited", 0)
    finished = datetime.fromisoformat(migrate.content["State"]["FinishedAt"][:26] + "+00:00")
    assert finished < started(web)
    world.settle()
    await_answer(f"{url}/read", "migrated to 1\nmigrated to 2")


def test_a_migration_that_fails_rejects_the_release_and_its_dependent_is_not_touched(world: World) -> None:
    port, url = published()
    world.stack(MIGRATION.format(port=port, code=0), web="web:1", migrate="web:1")
    world.once().expect(0)
    web, before = world.container("web").mark, identities(world)
    world.stack(MIGRATION.format(port=port, code=3), web="web:2", migrate="web:2")
    result = world.once().expect(10)
    assert "exited with 3" in result.environment["judgement"]["reason"]
    assert world.container("web").mark == web
    assert identities(world) == before
    await_answer(url, "version=1")
    world.revert()
    world.settle()


# -- networks -------------------------------------------------------------------------------------

SHARED = """
    services:
      vpn:
        image: web
        ports: ["127.0.0.1:{port}:8081"]
      inside:
        image: web
        network_mode: service:vpn
        environment: {{PORT: 8081}}
    """


@pytest.mark.parametrize(
    "released",
    [
        pytest.param(("vpn",), marks=pytest.mark.long),
        pytest.param(("inside",), marks=pytest.mark.long),
        ("vpn", "inside"),
    ],
    ids="+".join,
)
def test_a_service_in_anothers_network_follows_it(world: World, released: tuple[str, ...]) -> None:
    port, url = published()
    world.stack(SHARED.format(port=port), vpn="web:1", inside="web:1")
    world.once().expect(0)
    await_answer(url, "version=1")
    world.release(**dict.fromkeys(released, "web:2"))
    world.once().expect(0)
    await_answer(url, "version=2" if "inside" in released else "version=1")
    joined = world.container("inside").content["HostConfig"]["NetworkMode"]
    assert joined == f"container:{world.container('vpn').id}"
    world.settle()


def test_a_broken_release_of_a_shared_network_is_undone(world: World) -> None:
    port, url = published()
    world.stack(SHARED.format(port=port), vpn="web:1", inside="web:1")
    world.once().expect(0)
    before = identities(world)
    world.release(vpn="web:2", inside="web:crash")
    world.once().expect(10)
    assert identities(world) == before
    await_answer(url, "version=1")
    world.revert()
    world.settle()


def test_static_aliases_on_extra_networks_lead_to_the_successor(world: World) -> None:
    compose = """
    services:
      web:
        image: web
        networks: {front: {aliases: [shop]}, back: {aliases: [store, depot]}}
      client:
        image: web
        command: ["/bin/sleep", "3600"]
        networks: [front, back]
    networks: {front: {}, back: {}}
    """
    world.stack(compose, web="web:1", client="web:1")
    world.once().expect(0)
    world.release(web="web:2")
    world.once().expect(0)
    networks = world.container("web").content["NetworkSettings"]["Networks"]
    addresses = {name.removeprefix(f"{world.project}_"): net["IPAddress"] for name, net in networks.items()}
    inside = ["nsenter", f"--target={world.container('client').pid}", "--net", sys.executable]

    def resolve(name: str) -> set[str]:
        return set(json.loads(run(*inside, str(Path(client.__file__)), "RESOLVE", name)))

    assert resolve("shop") == {addresses["front"]}
    assert resolve("store") == resolve("depot") == {addresses["back"]}
    assert resolve("web")
    assert resolve("web") <= set(addresses.values())


def test_a_new_network_in_the_compose_file_is_joined(world: World) -> None:
    world.stack("services: {web: {image: web}}", web="web:1")
    world.once().expect(0)
    world.stack("services: {web: {image: web, networks: [default, extra]}}\nnetworks: {extra: {}}")
    world.once().expect(0)
    joined = world.container("web").content["NetworkSettings"]["Networks"]
    assert sorted(joined) == [f"{world.project}_default", f"{world.project}_extra"]
    world.settle()


def test_a_service_of_an_inactive_profile_is_left_alone(world: World) -> None:
    compose = """
    services:
      web: {image: web}
      debug: {image: web, profiles: [debug]}
    """
    world.stack(compose, web="web:1", debug="web:1")
    world.once().expect(0)
    assert [c.service for c in world.containers()] == ["web"]
    world.settle()
