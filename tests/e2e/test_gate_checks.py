"""What a failing check does to a release: as much as its severity says, and as soon as it is sure."""

from __future__ import annotations

import pytest

from tests.e2e.gated import kept, rolled_back, ruling, tally
from tests.e2e.origin import Origin


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


@pytest.mark.parametrize(
    ("severity", "response"), [("medium", "alert"), pytest.param("low", "report", marks=pytest.mark.long)]
)
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
