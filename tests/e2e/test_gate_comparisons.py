"""Releases that are worse than what ran before, and releases that only look so."""

from __future__ import annotations

from typing import Any

import pytest
from docker import APIClient

from tests.bed.registry import push
from tests.bed.tools import wait_until
from tests.e2e.gated import kept, rolled_back, ruling, tally
from tests.e2e.origin import Origin
from tests.e2e.world import World, await_answer, published
from tests.images.build import build

STACK = """
    services:
      web:
        image: web
        ports: ["127.0.0.1:{port}:8080"]
        mem_limit: 128m
        stop_grace_period: 2s
        environment: {environment}
      worker:
        image: web
    """
COMPLAINT = "ERROR the database does not answer"
"""What the image `logerr` writes."""


def deployed(world: World, web: str = "web:1", *, soak: str = "0s", **environment: str) -> Origin:
    """A first release of ``web``, and a remote; ``environment`` is the service's in the Compose file."""
    port, world.url = published()
    world.settings["gate"] = {"timeout": "8s", "soak": soak}
    world.settings["rollback"] = {"git": "push"}
    world.stack(STACK.format(port=port, environment=environment), web=web, worker="web:1")
    world.once().expect(0)
    await_answer(world.url, f"version={web.partition(':')[2]}")
    return Origin.of(world)


def compared_with_slow0(world: World) -> Origin:
    origin = deployed(world, "web:slow0")
    world.check("web", f"{world.url}/health")
    world.check("latency", {"latency": {"of": "web"}})
    return origin


def watching_logs(world: World, web: str, **environment: str) -> Origin:
    origin = deployed(world, web, soak="2s", **environment)
    world.check("logs", {"logs": {"services": ["web"]}}, severity="critical")
    return origin


def deciding(environment: dict[str, Any]) -> str:
    rule = environment["judgement"]["decision"]["rule"]
    assert isinstance(rule, str)
    return rule


# --- latency -----------------------------------------------------------------------------------------


def test_answers_that_take_60_percent_longer_go_back(world: World) -> None:
    origin = compared_with_slow0(world)
    environment = rolled_back(origin, "check latency: p50", web="web:slow60")
    found = ruling(environment, "latency")
    assert (found["severity"], found["verdict"]) == ("high", "fail")
    assert deciding(environment) == "high check latency failed: roll back at once"
    assert tally(environment, "web")["good"] == tally(environment, "web")["samples"], "only slower"


def test_answers_that_take_30_percent_longer_are_an_alert(world: World) -> None:
    environment = kept(compared_with_slow0(world), web="web:slow30")
    found = ruling(environment, "latency")
    assert (found["severity"], found["verdict"]) == ("medium", "fail")
    assert found["reaction"]["response"] == "alert"
    assert deciding(environment).startswith("medium check latency failed: alert")


@pytest.mark.long
def test_answers_that_take_10_percent_longer_are_no_alert(world: World) -> None:
    environment = kept(compared_with_slow0(world), web="web:slow10")
    found = ruling(environment, "latency")
    assert (found["verdict"], found["reaction"]["response"]) == ("pass", "keep")
    assert deciding(environment) == "every check passed: keep"


# --- memory ------------------------------------------------------------------------------------------


def test_memory_that_leaks_is_as_bad_as_the_check_says(world: World) -> None:
    """It answers well all the time; at 4 MiB a second, 128 MiB are full in half a minute."""
    origin = deployed(world, soak="6s")
    world.check("web", f"{world.url}/health")
    world.check("memory", {"memory": {"services": ["web"]}}, severity="critical")
    environment = rolled_back(origin, "check memory: ", web="web:leak")
    assert ruling(environment, "memory")["severity"] == "critical"
    assert deciding(environment) == "critical check memory failed: roll back at once"


# --- logs --------------------------------------------------------------------------------------------


def test_a_new_kind_of_error_in_the_log_goes_back(world: World) -> None:
    environment = rolled_back(watching_logs(world, "web:1"), COMPLAINT, web="web:logerr")
    assert deciding(environment) == "critical check logs failed: roll back at once"


def test_errors_that_the_predecessor_wrote_too_are_not_blamed_on_the_release(world: World) -> None:
    """Times, numbers and ids in the lines differ, and make no new kind."""
    origin = watching_logs(world, "web:logerr", LOG_EVERY="0.2", LOG_LINE=COMPLAINT)
    wait_until(lambda: complains(world), seconds=15, what="the predecessor complains")
    environment = kept(origin, web="web:2")
    assert ruling(environment, "logs")["verdict"] == "pass"
    assert complains(world), "else there was nothing to compare"


def complains(world: World) -> bool:
    """Whether the service wrote the complaint, on either stream."""
    client = APIClient(base_url=world.host, version="auto")
    try:
        return COMPLAINT.encode() in client.logs(world.container("web").id)
    finally:
        client.close()


# --- errors ------------------------------------------------------------------------------------------


def test_every_other_answer_is_an_error(world: World) -> None:
    """A single question passes often enough: the share of errors is what tells. The check itself is low."""
    origin = deployed(world)
    world.check("web", f"{world.url}/health", severity="low")
    world.check("errors", {"errors": {"of": "web", "rate": "5%", "samples": 20}})
    environment = rolled_back(origin, "check errors: ", web=flaky(world, percent=50))
    assert ruling(environment, "errors")["severity"] == "high"
    assert deciding(environment) == "high check errors failed: roll back at once"


def flaky(world: World, *, percent: int) -> str:
    """An image that answers so many percent of the requests with 500."""
    tag = world.images.tag("web:flaky")
    build(tag, version="flaky", ERROR_RATE=str(percent))
    return f"{tag}@{push(tag)}"
