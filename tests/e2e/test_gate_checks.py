"""What the checks of a gate see of a release that runs, and is not good."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from tests.e2e.gated import kept, rolled_back, ruling, tally
from tests.e2e.origin import Origin

VERSION_2: dict[str, Any] = {"status": [200, "202-204"], "expect_json": {"version": "2", "items[2]": 3}}


def test_500s_are_enough_long_before_the_time_is_up(origin: Origin) -> None:
    world = origin.world
    world.settings["gate"]["timeout"] = "90s"
    world.check("web", f"{world.url}/health")
    environment = rolled_back(origin, "check web: 500", web="web:broken")
    (sample,) = environment["judgement"]["samples"]
    assert tally(environment, "web")["samples"] <= 10
    assert sample["at_seconds"] < 30, "a third of the time-out would be late, too"
    assert environment["judgement"]["decision"]["rule"] == "critical check web failed: roll back at once"


def test_a_flow_that_cannot_sign_in_any_more(origin: Origin) -> None:
    world = origin.world
    world.variables["PROBE_PASSWORD"] = "right"
    login = {
        "post": f"{world.url}/api/v1/auth/login",
        "json": {"email": "probe@example.org", "password": "${PROBE_PASSWORD}"},
        "capture": {"token": "access_token"},
    }
    customers = {
        "get": f"{world.url}/api/v1/customers",
        "headers": {"Authorization": "Bearer ${token}"},
        "expect_json": {"[0].name": "Ada"},
    }
    world.check("sign-in", {"flow": [login, customers]})
    kept(origin, web="web:2")
    environment = rolled_back(origin, "check sign-in: step 1 of 2", web="web:nologin")
    assert "500" in ruling(environment, "sign-in")["detail"]


def test_lines_in_the_log_that_were_not_there_before(origin: Origin) -> None:
    world = origin.world
    world.settings["gate"]["soak"] = "2s"
    world.check("logs", {"logs": {"services": ["web"], "match": "(?i)error"}}, severity="critical")
    rolled_back(origin, "ERROR the database does not answer", web="web:logerr")


def test_a_leak_that_fills_the_memory_soon(origin: Origin) -> None:
    """Three seconds are needed to see it; the release may take 48 MiB, and would be dead in ten."""
    world = origin.world
    world.settings["gate"]["soak"] = "6s"
    world.check("memory", {"memory": {"services": ["web"], "growth": "1000%"}})
    environment = rolled_back(origin, "check memory: web-1 grows by", web="web:leak")
    assert ruling(environment, "memory")["severity"] == "high"


def test_too_many_answers_are_errors(origin: Origin) -> None:
    world = origin.world
    world.check("web", f"{world.url}/health", severity="low")
    world.check("errors", {"errors": {"of": "web", "rate": "5%", "samples": 20}})
    rolled_back(origin, "check errors: ", web="web:broken")


def test_a_command_inside_the_container_that_fails(origin: Origin) -> None:
    world = origin.world
    world.settings["gate"]["timeout"] = "1s"
    asking = ["wget", "-q", "-O", "/dev/null", "http://127.0.0.1:8080/health"]
    world.check("inside", {"exec": {"service": "web", "command": asking}})
    kept(origin, web="web:2")
    rolled_back(origin, "check inside: wget exited with 1", web="web:broken")


def test_an_answer_whose_json_is_not_as_expected(origin: Origin) -> None:
    world = origin.world
    world.check("version", {"http": {"url": f"{world.url}/version", **VERSION_2}})
    kept(origin, web="web:2")
    environment = rolled_back(origin, "check version: ", web="web:3")
    assert '"2"' in ruling(environment, "version")["detail"]


def test_a_port_at_which_nothing_listens(origin: Origin) -> None:
    """The engine's proxy accepts for a container that does not: so what is asked here listens by itself."""
    world = origin.world
    with socket.create_server(("127.0.0.1", 0)) as listener:
        world.check("port", {"tcp": f"127.0.0.1:{listener.getsockname()[1]}"})
        environment = kept(origin, web="web:2")
    assert tally(environment, "port")["good"] > 0
    world.settings["gate"]["timeout"] = "1s"
    world.settings["severity"] = {"critical": "alert"}
    again = kept(origin, web="web:4")
    assert ruling(again, "port")["verdict"] == "fail"


@pytest.mark.parametrize(("severity", "response"), [("medium", "alert"), ("low", "report")])
def test_what_is_not_bad_enough_is_kept_and_told(origin: Origin, severity: str, response: str) -> None:
    world = origin.world
    world.check("web", f"{world.url}/health", severity=severity)
    environment = kept(origin, web="web:faulty")
    found = ruling(environment, "web")
    assert (found["severity"], found["verdict"]) == (severity, "fail")
    assert found["reaction"]["response"] == response
    assert "500" in found["detail"]
    said = world.reconcile("explain", "production").expect(0).stdout
    assert f"{severity} check web failed: {response}" in said


def test_what_is_bad_goes_back_at_once_where_nobody_waits_for_its_delay(origin: Origin) -> None:
    world = origin.world
    world.check("web", f"{world.url}/health", severity="high")
    environment = rolled_back(origin, "check web: 500", web="web:broken")
    found = ruling(environment, "web")
    assert (found["severity"], found["reaction"]["after_seconds"]) == ("high", 0)
    assert environment["judgement"]["decision"]["rule"] == "high check web failed: roll back at once"
