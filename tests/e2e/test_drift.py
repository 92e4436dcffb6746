"""Drift: what somebody does to the host, the next pass undoes. A changed file replaces whom it concerns."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.e2e.world import World, await_answer, published

STACK = """
    services:
      web:
        image: web
        ports: ["127.0.0.1:{port}:8080"]
      worker:
        image: web
        env_file: worker.env
        environment: {{WHO: {who}}}
      mailer:
        image: web
    """
NAMES = ("mailer", "web", "worker")


@pytest.fixture
def url(world: World) -> str:
    """Where the web of a deployed stack answers."""
    port, url = published()
    world.write("worker.env", "COLOUR=blue\n")
    world.stack(STACK.format(port=port, who="me"), **dict.fromkeys(NAMES, "web:1"))
    world.once().expect(0)
    return url


def others(world: World, service: str) -> dict[str, tuple[str, ...]]:
    return {c.name: c.mark for c in world.containers() if c.service != service}


@pytest.mark.parametrize(
    ("harm", "cause"),
    [
        pytest.param(["kill"], "exited with 137", id="killed"),
        pytest.param(["stop", "--time", "1"], "exited with 0", marks=pytest.mark.long, id="stopped"),
        pytest.param(["rm", "--force"], "removed outside Git", id="removed"),
        pytest.param(["pause"], "paused", marks=pytest.mark.long, id="paused"),
    ],
)
def test_a_container_that_was_harmed_runs_again(world: World, url: str, harm: list[str], cause: str) -> None:
    before = others(world, "web")
    identity = world.container("web").id
    world.docker(*harm, world.container("web").name)
    result = world.once().expect(0)
    assert result.service("web")["change"] == "drift"
    assert result.service("web")["cause"] == cause
    await_answer(url, "version=1")
    assert others(world, "web") == before
    assert ("rm" in harm) or world.container("web").id == identity, "started, not replaced"
    world.settle()


@pytest.mark.parametrize("which", ["web", "sidecar"])
def test_a_container_is_made_again_as_if_with_what_it_depends_on(world: World, which: str) -> None:
    """Compose hashes a service without the dependencies that it was not asked to create as well."""
    world.stack(
        """
        services:
          db: {image: web}
          web: {image: web, depends_on: [db], volumes: [/data]}
          sidecar: {image: web, network_mode: "service:db", environment: {PORT: 8081}}
        """,
        **dict.fromkeys(("db", "web", "sidecar"), "web:1"),
    )
    world.once().expect(0)
    before = others(world, which)
    world.docker("rm", "--force", "--volumes", world.container(which).name)
    assert world.once().expect(0).service(which)["cause"] == "removed outside Git"
    assert others(world, which) == before
    world.settle()


def test_an_image_changed_by_hand_is_put_right(world: World, url: str) -> None:
    """Somebody runs `docker compose up` with another image."""
    before = others(world, "web")
    override = world.root / "by-hand.yml"
    override.write_text(json.dumps({"services": {"web": {"image": world.images.pinned("web:2")}}}))
    world.by_hand("up", "--detach", "web", files=[*_files(world), str(override)])
    await_answer(url, "version=2")
    result = world.once().expect(0)
    assert result.service("web")["change"] == "drift"
    assert result.service("web")["cause"] == "runs 2, Git says 1"
    await_answer(url, "version=1")
    assert others(world, "web") == before
    world.settle()


def test_a_definition_changed_by_hand_is_put_right(world: World, url: str) -> None:
    override = world.root / "by-hand.yml"
    override.write_text(json.dumps({"services": {"worker": {"environment": {"WHO": "somebody"}}}}))
    world.by_hand("up", "--detach", "worker", files=[*_files(world), str(override)])
    result = world.once().expect(0)
    assert result.service("worker")["change"] == "drift"
    assert "WHO=me" in world.container("worker").content["Config"]["Env"]
    world.settle()


def test_containers_scaled_by_hand_go_again(world: World, url: str) -> None:
    kept = world.marks()
    world.by_hand("up", "--detach", "--no-recreate", "--scale", "worker=3", "worker")
    assert len(world.marks()) == 5
    result = world.once().expect(0)
    assert result.service("worker")["change"] == "drift"
    assert world.marks() == kept
    world.settle()


def _files(world: World) -> list[str]:
    return [str(world.app / "docker-compose.yml"), str(world.pins_file)]


def _edit_compose(world: World) -> None:
    file = world.app / "docker-compose.yml"
    file.write_text(file.read_text().replace("WHO: me", "WHO: you"))


def _edit_env_file(world: World) -> None:
    world.write("worker.env", "COLOUR=green\n")


@pytest.mark.parametrize(
    ("edit", "expected"),
    [(_edit_compose, "WHO=you"), (_edit_env_file, "COLOUR=green")],
    ids=["compose", "env"],
)
def test_a_changed_file_replaces_exactly_the_service_concerned(
    world: World, url: str, edit: Callable[[World], None], expected: str
) -> None:
    before, identity = others(world, "worker"), world.container("worker").id
    edit(world)
    world.commit()
    result = world.once().expect(0)
    assert [result.service(name)["change"] for name in NAMES] == ["none", "none", "change"]
    assert result.service("worker")["cause"] == "its definition changed"
    assert others(world, "worker") == before
    assert world.container("worker").id != identity
    assert expected in world.container("worker").content["Config"]["Env"]
    world.settle()


def test_an_orphan_is_shown_and_left_alone_until_prune_is_true(world: World, url: str) -> None:
    before = world.marks()
    _drop(world, "mailer")
    result = world.once().expect(0)
    assert result.service("mailer")["change"] == "orphan"
    assert world.marks() == before
    world.settings["prune"] = True
    world.commit()
    result = world.once().expect(0)
    assert result.service("mailer")["change"] == "removed"
    assert sorted(world.marks()) == [name for name in sorted(before) if "mailer" not in name]
    assert {name: before[name] for name in world.marks()} == world.marks()
    world.settle()


def test_a_pass_that_would_remove_most_services_takes_a_word(world: World, url: str) -> None:
    world.settings["prune"] = True
    _drop(world, "mailer", "worker")
    before = world.marks()
    result = world.once().expect(64)
    assert "removes 2 of 3 services" in result.environment["error"]["problem"]
    assert world.marks() == before
    world.once("--allow-removal").expect(0)
    assert [c.service for c in world.containers()] == ["web"]


def _drop(world: World, *services: str) -> None:
    """Commit a Compose file without these services."""
    file = world.app / "docker-compose.yml"
    text = file.read_text()
    for service in services:
        start = text.index(f"  {service}:\n")
        end = text.find("\n  ", text.index("\n", start) + 1)
        while end != -1 and text[end + 3] == " ":
            end = text.find("\n  ", end + 1)
        text = text[:start] + (text[end + 1 :] if end != -1 else "")
        del world.pins[service]
    file.write_text(text)
    world.commit("Drop services")


def test_an_unpinned_service_is_unmanaged_where_it_is_to_be_ignored(world: World, url: str) -> None:
    world.settings["unpinned"] = "ignore"
    del world.pins["worker"]
    world.commit()
    world.docker("stop", "--time", "1", world.container("worker").name)
    before = world.container("worker").mark
    world.release(web="web:2")
    result = world.once().expect(0)
    assert result.service("worker")["change"] == "unmanaged"
    assert result.service("worker")["pinned"] is False
    assert world.container("worker").mark == before
    await_answer(url, "version=2")


def test_an_unpinned_service_follows_the_compose_file(world: World) -> None:
    tag = world.images.tag("web:1")
    world.images.pinned("web:1")
    world.stack(f"services: {{web: {{image: {tag!r}}}}}")
    result = world.once().expect(0)
    assert result.service("web")["pinned"] is False
    world.docker("kill", world.container("web").name)
    world.once().expect(0)
    assert world.container("web").status == "running"
    world.settle()


def test_services_without_a_pin_are_refused_where_the_environment_is_strict(world: World, url: str) -> None:
    world.settings["unpinned"] = "refuse"
    del world.pins["worker"]
    world.commit()
    before = world.marks()
    result = world.once().expect(65)
    (finding,) = result.environment["error"]["findings"]
    assert "worker" in finding["message"]
    assert world.marks() == before


def test_containers_of_other_projects_and_one_off_ones_are_never_touched(world: World, url: str) -> None:
    stranger = world.docker("run", "--detach", "--label", "e2e=1", world.images.pinned("web:1")).strip()
    one_off = world.by_hand("run", "--detach", "mailer", "/bin/sleep", "600").strip()
    try:
        before = world.docker("inspect", "--format", "{{.State.StartedAt}}", stranger, one_off)
        world.release(web="web:2", mailer="web:2")
        world.once().expect(0)
        assert world.docker("inspect", "--format", "{{.State.StartedAt}}", stranger, one_off) == before
    finally:
        world.docker("rm", "--force", stranger, one_off)
