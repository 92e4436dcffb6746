"""What probes ask of an answer: a release that gives another one goes back, and the right one stays."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from tests.bed.registry import free_port
from tests.e2e.gated import kept, rolled_back, ruling, serving, tally, waiting
from tests.e2e.origin import Origin
from tests.e2e.witness import Witness
from tests.e2e.world import await_answer


@pytest.mark.parametrize(
    ("path", "wants"),
    [
        pytest.param("version", {"expect_json": {"version": "2"}}, id="expect_json"),
        pytest.param("header", {"header": {"X-Version": "^2$"}}, marks=pytest.mark.long, id="header"),
        pytest.param("header", {"match": "^version=2\\s*$"}, marks=pytest.mark.long, id="match"),
    ],
)
def test_a_wrong_version_goes_back_and_the_right_one_stays(
    origin: Origin, path: str, wants: dict[str, Any]
) -> None:
    """What serves is version 2 by then: the check asks for what the release must not change."""
    world = origin.world
    world.check("version", {"http": {"url": f"{world.url}/{path}", **wants}})
    environment = kept(origin, web="web:2")
    assert tally(environment, "version")["good"] > 0
    environment = rolled_back(origin, "check version: ", web="web:3")
    assert ruling(environment, "version")["verdict"] == "fail"
    assert environment["judgement"]["decision"]["rule"] == "critical check version failed: roll back at once"
    await_answer(world.url, "version=2")


def test_a_command_that_finds_another_version(origin: Origin) -> None:
    """The variable is the shell's that is run there, not one of the settings."""
    world = origin.world
    world.settings["gate"]["timeout"] = "2s"
    world.check("inside", {"exec": {"service": "web", "command": ["sh", "-c", '[ "$VERSION" = 2 ]']}})
    kept(origin, web="web:2")
    environment = rolled_back(origin, "check inside: sh exited with 1", web="web:3")
    assert ruling(environment, "inside")["verdict"] == "fail"


def test_a_port_that_closed_meanwhile_is_not_held_against_the_release(origin: Origin) -> None:
    """A published port is open with any release: so this one is of somebody else, and closed for both."""
    world = origin.world
    world.settings["gate"]["timeout"] = "2s"
    port = free_port()
    world.check("port", {"tcp": f"127.0.0.1:{port}"})
    before = serving(world)
    release = origin.release(web="web:2")
    with Witness(world, world.url):
        environment = world.once().expect(11).environment
        assert environment["exonerated"] == ["check port"]
        assert serving(world) == before
        waiting(world.once().expect(0))
    assert origin.tip() == release
    with socket.create_server(("127.0.0.1", port)), Witness(world, world.url):
        result = world.once().expect(0)
    assert result.environment["result"] == "converged", result.said
    assert origin.tip() == release


def test_a_form_that_lets_nobody_in_any_more(origin: Origin) -> None:
    """The session is a cookie, and the answer to the form is a redirect."""
    world = origin.world
    world.variables["PROBE_PASSWORD"] = "right"
    form = {"user": "probe", "email": "probe@example.org", "password": "${PROBE_PASSWORD}"}
    steps = [
        {"post": f"{world.url}/login", "form": form},
        {"get": f"{world.url}/home", "match": "welcome"},
    ]
    world.check("form-login", {"flow": {"redirects": 1, "steps": steps}})
    kept(origin, web="web:2")
    environment = rolled_back(origin, "check form-login: step 1 of 2", web="web:nologin")
    assert "500" in ruling(environment, "form-login")["detail"]


def test_a_check_on_one_service_takes_the_other_one_back_as_well(origin: Origin) -> None:
    """The worker's release is good by itself; Git takes both pins back in one commit."""
    world = origin.world
    world.check("web", f"{world.url}/health")
    rolled_back(origin, "check web: 500", web="web:broken", worker="web:2")
    assert world.images_of("web", "worker") == ["1", "1"]
    assert origin.tags("web", "worker") == ["1", "1"]
