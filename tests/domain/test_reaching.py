"""Running, and not reachable: who is asked where, and when that is enough for a restart."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.domain.check import Check, Exec, Flow, Http, Question, Request, Tcp
from reconciler.domain.desired import Port
from reconciler.domain.diff import diff
from reconciler.domain.observed import State
from reconciler.domain.plan import Change
from reconciler.domain.reaching import Reach, asked_through, restart_unreached
from tests.domain.values import box, desired, observed, svc

WEB = replace(svc("web"), ports=(Port("127.0.0.1", 3001),))
API = replace(svc("api"), ports=(Port("", 8443), Port("", 53, "udp")))


@pytest.mark.parametrize(
    ("question", "service"),
    [
        (Http(Request("http://localhost:3001/health")), "web"),
        (Http(Request("http://127.0.0.1:3001")), "web"),
        (Http(Request("https://localhost:8443/")), "api"),
        (Flow((Request("http://localhost:3001/login"), Request("http://elsewhere/"))), "web"),
        (Tcp("localhost", 8443), "api"),
        (Tcp("localhost", 53), ""),
        (Http(Request("http://localhost:3002/")), ""),
        (Http(Request("http://localhost/")), ""),
        (Http(Request("http://shop.example.org:3001/")), ""),
        (Http(Request("http://localhost:${PORT}/")), ""),
        (Exec("web", ("true",)), ""),
    ],
)
def test_whose_port_a_check_asks_at(question: Question, service: str) -> None:
    assert asked_through(Check("one", question), (API, WEB)) == service


def test_who_is_out_of_reach_for_long_enough_is_due() -> None:
    reach = Reach().saw({"web"}, ["api", "web"], 10.0)
    assert reach.due({"web": 5.0}, 14.9) == ()
    assert reach.saw({"web"}, ["api", "web"], 15.0).due({"web": 5.0}, 15.0) == ("web",)


def test_one_answer_in_between_begins_anew() -> None:
    reach = Reach().saw({"web"}, ["web"], 10.0).saw(set(), ["web"], 14.0).saw({"web"}, ["web"], 16.0)
    assert reach.due({"web": 5.0}, 20.0) == ()


def test_who_was_restarted_for_it_is_not_again() -> None:
    reach = Reach().saw({"web"}, ["web"], 10.0).mending(["web"]).saw({"web"}, ["web"], 11.0)
    assert reach.due({"web": 0.0}, 1000.0) == ()


def test_whose_patience_is_not_known_waits() -> None:
    assert Reach().saw({"web"}, ["web"], 10.0).due({}, 1000.0) == ()


def test_the_plan_restarts_what_runs_and_nothing_else() -> None:
    there = observed(box("web-1"), box("api-1", state=State.EXITED))
    plan = diff(desired(API, WEB), there)
    told = restart_unreached(plan, there, (API, WEB), {"web": "nobody reaches it", "api": "nor that"})
    assert str(told).splitlines()[-1] == "restart web (web-1): nobody reaches it"
    assert {entry.name: entry.change for entry in told.entries}["web"] is Change.DRIFT
    assert [line for line in str(told).splitlines() if " api " in line] == [
        line for line in str(plan).splitlines() if " api " in line
    ]
