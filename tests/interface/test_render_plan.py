"""A plan as people see it. The text is stable: these are whole screens."""

from __future__ import annotations

import re

import pytest

from reconciler.domain.desired import Order
from reconciler.domain.observed import State
from reconciler.domain.plan import Change, Replace
from reconciler.interface.render.phrases import duration, listed, short_image, transition
from reconciler.interface.render.plan_text import entry_lines, plan_text
from reconciler.interface.render.style import Style
from tests.interface import values as v

PLAIN = Style()

EVERYTHING = """\
desired  main@8f3c2d1 "backend 1.8.2" by dev   state/production/compose.pins.yaml
running  project kompass-production   3 services, 4 containers, 3 running
gate     containers and 2 checks (backend, frontend) good within 120s, then good for 60s
order    backend and mailer, then worker

  x api      blocked    2.0.1 → 2.0.2 · 2.0.2 was rolled back here
  ~ backend  change     1.8.1 → 1.8.2
             replace 2 containers
  ? cache    unmanaged  7.2 · it has no pin
  = db       held       1.8.2 · created by Compose 2.20.0, whose hashes 2.40.0 cannot compare
  ? legacy   orphan     1.8.2 · not in the Compose files; left alone (prune: false)
  + mailer   new        1.8.2
             create 1 container · it is not there yet
  - old      removed    1.8.2
             remove 1 container · not in the Compose files (prune: true)
  ! worker   drift      1.8.2
             start 1 container · exited with 137

Unpinned, as the Compose files say: redis.
Plan: 1 to change, 1 drifted, 1 new, 1 to remove, 1 held, 1 blocked, 1 orphan, 1 unmanaged, 2 unchanged.
Next: reconcile --once -e production"""


def _everything(style: Style = PLAIN) -> str:
    plan = v.plan(
        v.changed("backend", replicas=2),
        v.started("worker"),
        v.created("mailer"),
        v.removed("old"),
        v.orphan("legacy"),
        v.entry("db", Change.HELD, cause="created by Compose 2.20.0, whose hashes 2.40.0 cannot compare"),
        v.entry(
            "api",
            Change.BLOCKED,
            cause="2.0.2 was rolled back here",
            before=v.image("api", "2.0.1", "3"),
            after=v.image("api", "2.0.2", "4"),
        ),
        v.entry(
            "cache",
            Change.UNMANAGED,
            cause="it has no pin",
            before="valkey:7.2",
            after="valkey:7.2",
            pinned=False,
        ),
        v.entry("redis", before="redis:7", after="redis:7", pinned=False),
        v.entry("search"),
        waves=(("backend", "mailer"), ("worker",)),
    )
    observed = v.observed(
        v.instance("backend"),
        v.instance("backend", number=2),
        v.instance("worker", state=State.EXITED),
        v.instance("legacy"),
    )
    environment = v.environment("backend", "frontend")
    return plan_text(environment, v.revision(), plan, observed, style, "state/production/compose.pins.yaml")


def test_every_kind_of_change() -> None:
    assert _everything() == EVERYTHING


def test_colour_adds_nothing_but_colour() -> None:
    coloured = _everything(Style(color=True))
    assert coloured != EVERYTHING
    assert re.sub(r"\x1b\[\d+m", "", coloured) == EVERYTHING


def test_one_change_without_checks_or_soak() -> None:
    text = plan_text(
        v.environment(soak=0),
        v.revision("", branch="", author="", dirty=True),
        v.plan(v.changed()),
        v.observed(v.instance("backend")),
        PLAIN,
    )
    assert (
        text
        == """\
desired  8f3c2d1+, with uncommitted files
running  project kompass-production   1 service, 1 container, 1 running
gate     containers good within 120s

  ~ backend  change     1.8.1 → 1.8.2
             replace 1 container

Plan: 1 to change, 0 unchanged.
Next: reconcile --once -e production"""
    )


def test_nothing_to_do() -> None:
    plan = v.plan(*(v.entry(f"service-{number}") for number in range(8)))
    text = plan_text(v.environment(), v.revision(), plan, v.observed(), PLAIN)
    assert text == "No changes. production matches main@8f3c2d1: 8 services."


def test_nothing_to_do_still_names_what_is_left_alone() -> None:
    plan = v.plan(v.entry("a"), v.entry("redis", pinned=False), v.orphan("legacy"))
    text = plan_text(v.environment(), v.revision(), plan, v.observed(), PLAIN)
    assert (
        text
        == """\
No changes. production matches main@8f3c2d1: 2 services, 1 unpinned.

  ? legacy  orphan     1.8.2 · not in the Compose files; left alone (prune: false)"""
    )


def test_what_is_held_does_not_match() -> None:
    plan = v.plan(v.entry("a"), v.entry("db", Change.HELD, cause="created by Compose 2.20.0"))
    text = plan_text(v.environment(), v.revision(), plan, v.observed(), PLAIN)
    assert (
        text
        == """\
No changes. production matches main@8f3c2d1 in 1 of 2 services.

  = db  held       1.8.2 · created by Compose 2.20.0"""
    )


def test_how_containers_are_replaced() -> None:
    first, second = v.instance("web"), v.instance("web", number=2)
    stopped = v.instance("web", state=State.EXITED)
    start_first = v.service("web", order=Order.START_FIRST)
    actions = (
        Replace(v.service("web", replicas=3), (first, second), (), "its definition changed"),
        Replace(start_first, (first,), (), "its definition changed"),
        Replace(v.service("web"), (stopped,), (second,), "switched and never judged"),
    )
    lines = [entry_lines([v.entry("web", Change.CHANGE, action)], PLAIN)[1].strip() for action in actions]
    assert lines == [
        "replace 2 containers, 3 wanted · its definition changed",
        "replace 1 container, start-first · its definition changed",
        "judge 1 container that an interrupted pass switched · switched and never judged",
    ]


@pytest.mark.parametrize(
    ("before", "after", "text"),
    [
        (v.image("web", "1.4.1", "1"), v.image("web", "1.4.2", "2"), "1.4.1 → 1.4.2"),
        (v.image("web", "1.4", "1"), v.image("web", "1.4", "2"), "1.4 (111111111111) → 1.4 (222222222222)"),
        (v.image("web", "1.4"), v.image("web", "1.4", "2"), "1.4 (no digest) → 1.4 (222222222222)"),
        (v.image("web", "1.4", "1"), v.image("web", "1.4", "1"), "1.4"),
        (v.image("web", "1"), v.image("next", "1", "2"), "ghcr.io/kompass/web:1 → ghcr.io/kompass/next:1"),
        ("", v.image("web", "1.4", "1"), "1.4"),
        (v.image("web", "1.4", "1"), "", "1.4"),
        ("sha256:" + "9f86d081884c" * 5 + "9f86", v.image("web", "1.4"), "9f86d081884c → 1.4"),
        ("Not an image", "web:1", "Not an image → 1"),
        ("", "", ""),
    ],
)
def test_images_are_as_short_as_they_can_be_told_apart(before: str, after: str, text: str) -> None:
    assert transition(before, after) == text


def test_an_image_without_a_tag() -> None:
    assert short_image("ghcr.io/kompass/web@sha256:" + "ab" * 32) == "abababababab"


def test_small_words() -> None:
    spans = [0.004, 0.42, 0.999, 8.13, 9.97, 59.4, 59.6, 64, 3599.6, 7500, 273600]
    assert [duration(span) for span in spans] == [
        *("0.00s", "0.42s", "1.0s", "8.1s", "10s", "59s", "1m00s", "1m04s", "1h00m", "2h05m", "3d04h")
    ]
    assert [listed(["a", "b", "c"][:number]) for number in range(4)] == ["", "a", "a and b", "a, b and c"]
