"""Two writers: counted, named, and frozen until it was quiet."""

from __future__ import annotations

from datetime import timedelta

import pytest

from reconciler.domain.observed import State
from reconciler.domain.oscillation import (
    Corrections,
    corrections_of,
    freeze_services,
    moved_services,
    other_writer,
    why_frozen,
)
from reconciler.domain.plan import Change
from reconciler.domain.triggers import Occurrence
from tests.bed.fake_clock import START
from tests.domain.values import PROJECT, box, config_hash, planned, svc


def corrected(*times: float, of: str = "web") -> Corrections:
    """Corrections of one service at these seconds."""
    found = Corrections()
    for at in times:
        found = found.corrected([of], at)
    return found


# --- counting -----------------------------------------------------------------------------------------


def test_five_corrections_within_ten_minutes_freeze_a_service() -> None:
    assert corrected(0, 100, 200, 300).frozen(301) == ()
    assert corrected(0, 100, 200, 300, 599).frozen(599) == ("web",)


def test_corrections_that_are_far_apart_do_not() -> None:
    assert corrected(0, 100, 200, 300, 600).frozen(600) == ()
    assert corrected(*(200.0 * n for n in range(50))).frozen(200.0 * 49) == ()


def test_each_service_is_counted_by_itself() -> None:
    both = Corrections()
    for at in range(4):
        both = both.corrected(["api", "web"], float(at))
    assert both.corrected(["web"], 5.0).frozen(5.0) == ("web",)


def test_it_thaws_when_it_was_quiet_for_as_long() -> None:
    frozen = corrected(0, 100, 200, 300, 400)
    assert frozen.frozen(999) == ("web",)
    assert frozen.frozen(1000) == ()


def test_what_happens_to_other_services_does_not_thaw_it() -> None:
    frozen = corrected(0, 100, 200, 300, 400).corrected(["api"], 950)
    assert frozen.frozen(999) == ("web",)
    assert frozen.frozen(1000) == ()


def test_after_it_thawed_it_takes_as_many_corrections_again() -> None:
    again = corrected(0, 100, 200, 300, 400, 1000, 1001, 1002, 1003)
    assert again.frozen(1003) == ()
    assert again.corrected(["web"], 1004).frozen(1004) == ("web",)


def test_git_or_a_person_begins_anew() -> None:
    frozen = corrected(0, 1, 2, 3, 4)
    assert frozen.forgotten(["api"]).frozen(5) == ("web",)
    assert frozen.forgotten(["web"]).frozen(5) == ()
    assert frozen.forgotten().frozen(5) == ()


def test_what_is_long_ago_takes_no_room() -> None:
    found = corrected(*(float(n) for n in range(1000)))
    assert len(found.times["web"]) == found.most
    assert dict(found.corrected(["api"], 10_000).times) == {"api": (10_000,)}


# --- what counts --------------------------------------------------------------------------------------


def test_repairs_are_corrections_and_releases_are_not() -> None:
    services = [svc("api", "2"), svc("mail"), svc("new"), svc("web"), svc("work")]
    boxes = [
        box("api-1"),
        box("mail-1", definition="by hand"),
        box("web-1", state=State.EXITED),
        box("work-1"),
    ]
    last = {name: config_hash(name, "1") for name in ("api", "mail", "web", "work")}
    plan = planned(services, boxes, kept=last)
    assert corrections_of(plan) == ("mail", "web")
    assert moved_services(plan) == ("api", "new")


def test_leftovers_are_no_corrections() -> None:
    plan = planned([svc("web")], [box("web-1"), box("web-1.successor", "2", State.CREATED)])
    assert corrections_of(plan) == ()


# --- freezing -----------------------------------------------------------------------------------------

WHY = {"web": "corrected by reconcile 5 times within 10 min"}


def test_a_frozen_service_is_not_corrected() -> None:
    kept = {"api": config_hash("api", "1"), "web": config_hash("web", "1")}
    boxes = [box("api-1", state=State.EXITED), box("web-1", state=State.EXITED)]
    plan = freeze_services(planned([svc("api"), svc("web")], boxes, kept=kept), WHY)
    assert str(plan) == "start api (api-1): exited with 0"
    (web,) = [entry for entry in plan.entries if entry.name == "web"]
    assert (web.change, web.cause) == (Change.HELD, f"exited with 0; {WHY['web']}")


def test_what_git_moves_goes_on() -> None:
    plan = planned([svc("web", "2")], [box("web-1")], kept={"web": config_hash("web", "1")})
    assert freeze_services(plan, WHY) == plan


def test_what_joins_a_frozen_service_stays_with_it() -> None:
    services = [svc("web"), svc("app", network_of="web")]
    boxes = [box("web-1", state=State.EXITED), box("app-1", network_of="id-web-1")]
    assert str(freeze_services(planned(services, boxes), WHY)) == "No changes."


def test_why_a_service_is_frozen_names_both_writers() -> None:
    assert why_frozen(5, 600.0, "somebody stops it through the engine") == (
        "corrected by reconcile 5 times within 10 min; somebody stops it through the engine"
    )
    assert why_frozen(5, 600.0, "") == WHY["web"]


# --- the other writer ---------------------------------------------------------------------------------


def event(
    action: str, container: str = "c1", code: int | None = None, folder: str = "", files: str = ""
) -> Occurrence:
    return Occurrence(START + timedelta(seconds=1), PROJECT, "web", container, action, code, folder, files)


@pytest.mark.parametrize(
    ("events", "words"),
    [
        ([], ""),
        ([event("start")], ""),
        ([event("kill"), event("die", code=143), event("stop")], "somebody stops it through the engine"),
        ([event("stop"), event("die", code=0)], "somebody stops it through the engine"),
        ([event("die", code=3)], "it ends by itself with exit code 3"),
        ([event("die")], "it ends by itself"),
        (
            [event("kill"), event("die", code=143), event("die", "c2", 1)],
            "it ends by itself with exit code 1",
        ),
        ([event("kill", "c2"), event("die", "c1", 1)], "it ends by itself with exit code 1"),
        ([event("oom"), event("die", code=137)], "it runs out of memory"),
        ([event("kill"), event("die", code=137), event("destroy")], "somebody removes it through the engine"),
    ],
)
def test_the_events_tell_who_ends_it(events: list[Occurrence], words: str) -> None:
    assert other_writer(events) == words


OURS = event("create", folder="/opt/shop", files="/opt/shop/compose.yaml,/opt/shop/state/pins.yaml")
ELSEWHERE = event("create", "c2", folder="/home/bob/shop", files="/home/bob/shop/compose.yaml")
WITHOUT_PINS = event("create", "c2", folder="/opt/shop", files="/opt/shop/compose.yaml")
PLACE = ("/opt/shop", "/opt/shop/state/pins.yaml")


@pytest.mark.parametrize("events", [[OURS, ELSEWHERE, event("die", code=0)], [ELSEWHERE, OURS], [ELSEWHERE]])
def test_compose_called_elsewhere_is_another_writer(events: list[Occurrence]) -> None:
    words = "somebody calls Compose in /home/bob/shop with /home/bob/shop/compose.yaml"
    assert other_writer(events, *PLACE) == words


def test_compose_called_without_the_pins_is_another_writer() -> None:
    words = "somebody calls Compose in /opt/shop with /opt/shop/compose.yaml"
    assert other_writer([OURS, WITHOUT_PINS, OURS], *PLACE) == words
    assert other_writer([OURS, OURS], *PLACE) == ""


def test_where_nobody_says_which_compose_is_ours_both_are_named() -> None:
    assert other_writer([OURS, ELSEWHERE]) == "Compose is called in /opt/shop and in /home/bob/shop"
    assert other_writer([OURS, OURS]) == ""
