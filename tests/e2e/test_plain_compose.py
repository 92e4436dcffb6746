"""The way out: after any pass, plain Compose with the pins file has nothing to do."""

from __future__ import annotations

import pytest

from tests.e2e.world import World, await_answer, published

STACK = """
    services:
      web:
        image: web
        ports: ["127.0.0.1:{port}:8080"]
        env_file: web.env
        environment: {{PASSED_THROUGH: , DOLLAR: "$$5"}}
        depends_on: {{api: {{condition: service_started, restart: true}}}}
        restart: unless-stopped
      api:
        image: web
        volumes: [data:/data]
        networks: [default, back]
        deploy: {{replicas: 2, resources: {{limits: {{memory: 64M}}}}}}
        labels: [team=blue]
      sidecar:
        image: web
        network_mode: service:web
        environment: {{PORT: 8081}}
        env_file: web.env
    networks: {{back: {{}}}}
    volumes: {{data: {{}}}}
    """


def nothing_to_do(world: World) -> None:
    """Plain `docker compose up -d` changes nothing: not one container, not when it was started."""
    before = world.marks()
    world.by_hand("up", "--detach")
    assert world.marks() == before


def deployed(world: World) -> str:
    port, url = published()
    world.write("web.env", "COLOUR=blue\nSECRET=a$$b\n")
    world.settings["gate"]["timeout"] = "5s"
    world.stack(STACK.format(port=port), web="web:1", api="web:1", sidecar="web:1")
    world.once().expect(0)
    return url


def test_after_a_deploy_a_release_and_a_revert_plain_compose_has_nothing_to_do(world: World) -> None:
    url = deployed(world)
    nothing_to_do(world)
    world.release(web="web:2", api="web:2")
    world.once().expect(0)
    await_answer(url, "version=2")
    nothing_to_do(world)
    world.settle()
    world.revert()
    world.once().expect(0)
    await_answer(url, "version=1")
    nothing_to_do(world)


def test_after_a_rejected_release_and_its_revert_plain_compose_has_nothing_to_do(world: World) -> None:
    url = deployed(world)
    before = {c.name: c.id for c in world.containers() if c.service != "sidecar"}
    world.release(api="web:2", web="web:crash")
    world.once().expect(10)
    world.revert()
    nothing_to_do(world)
    assert {c.name: c.id for c in world.containers() if c.service != "sidecar"} == before
    await_answer(url, "version=1")
    world.settle()


@pytest.mark.long
def test_after_drift_was_repaired_plain_compose_has_nothing_to_do(world: World) -> None:
    deployed(world)
    names = list(world.marks())
    world.docker("rm", "--force", *names[:2])
    world.docker("stop", "--time", "1", names[2])
    world.once().expect(0)
    nothing_to_do(world)


def test_a_stack_that_plain_compose_released_needs_nothing_from_us(world: World) -> None:
    """Both ways lead to the same containers: an operator may take over, and hand back."""
    url = deployed(world)
    world.release(web="web:2", api="web:2", sidecar="web:2")
    world.by_hand("up", "--detach")
    await_answer(url, "version=2")
    assert world.once().expect(0).environment["result"] == "no-op"
    nothing_to_do(world)
