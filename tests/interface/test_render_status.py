"""Where environments stand, as people see it."""

from __future__ import annotations

from dataclasses import replace

from reconciler.domain.journal import Observation
from reconciler.domain.observed import State
from reconciler.domain.plan import Change
from reconciler.domain.report import EnvironmentHealth, Sync
from reconciler.domain.turns import Holder
from reconciler.domain.undo import UndoState
from reconciler.errors import EngineUnreachable
from reconciler.interface.render.status_text import ServiceStatus, Status, status_of, status_text
from reconciler.interface.render.style import Style
from tests.interface import values as v

PLAIN = Style()


def _production() -> Status:
    desired = v.desired(v.service("backend", replicas=2), v.service("redis", "redis:7"), v.service("search"))
    observed = v.observed(
        v.instance("backend"),
        v.instance("backend", number=2),
        v.instance("legacy"),
        v.instance("redis", "redis:7"),
        v.instance("search", state=State.EXITED),
    )
    plan = v.plan(
        v.changed("backend", replicas=2),
        v.orphan("legacy"),
        v.entry("redis", before="redis:7", after="redis:7", pinned=False),
        v.started("search"),
    )
    return status_of(desired, observed, plan)


def test_one_environment_with_its_services() -> None:
    assert (
        status_text([_production()], PLAIN)
        == """\
ENVIRONMENT  SYNC         HEALTH    SERVICES  REVISION      DETAILS
production   out-of-sync  degraded  2/3       main@8f3c2d1  1 to change, 1 drifted, 1 orphan, 1 unchanged

SERVICE  CHANGE  HEALTH    RUNNING  IMAGE          CAUSE
backend  change  healthy   2/2      1.8.1 → 1.8.2
legacy   orphan  unknown   1        1.8.2          not in the Compose files; left alone (prune: false)
redis    none    healthy   1/1      7 (unpinned)
search   drift   degraded  0/1      1.8.2          exited with 137"""
    )


def test_several_environments() -> None:
    demo = Status(
        "demo",
        Sync.PAUSED,
        EnvironmentHealth.HEALTHY,
        v.revision(),
        v.plan(v.entry("a")),
        (ServiceStatus("a", EnvironmentHealth.HEALTHY, 1, 1),),
        remark="paused until 18:00",
    )
    staging = Status("staging", error=EngineUnreachable("Docker does not answer"))
    assert (
        status_text([demo, _production(), staging], PLAIN)
        == """\
ENVIRONMENT  SYNC         HEALTH    SERVICES  REVISION      DETAILS
demo         paused       healthy   1/1       main@8f3c2d1  paused until 18:00
production   out-of-sync  degraded  2/3       main@8f3c2d1  1 to change, 1 drifted, 1 orphan, 1 unchanged
staging      unknown      unknown   -         -             Docker does not answer"""
    )


def test_what_a_table_has_no_room_for() -> None:
    cause = "1.8.2 was rejected here in run 01K6 (check search: 503); stays on 1.8.1"
    plan = v.plan(v.entry("backend", Change.BLOCKED, cause=cause), v.entry("redis"))
    observation = Observation(v.RUN, v.COMMIT, v.AT, (("check search", v.AT),))
    undo = v.undo(UndoState.PENDING, "the remote does not answer")
    status = Status("production", Sync.OUT_OF_SYNC, plan=plan, undo=undo, observation=observation)
    text = status_text([status], PLAIN)
    assert "\nbackend  blocked  unknown  -        1.8.2\n" in text
    assert text.endswith(
        "\n\nproduction: backend is blocked: "
        "1.8.2 was rejected here in run 01K6 (check search: 503); stays on 1.8.1\n"
        "production: ahead of Git: backend 1.8.2 → 1.8.1, the remote does not answer, "
        "not before 2026-09-30 14:06 UTC\n"
        "production: 8f3c2d1 (run 01K6XR3F9Q) is under observation until 2026-09-30 14:04 UTC: "
        "check search fails, due 2026-09-30 14:04 UTC"
    )
    assert "ahead of Git" not in status_text([replace(status, undo=v.undo())], PLAIN)


def test_who_acts_just_now_has_a_line() -> None:
    status = Status("production", holder=Holder("process 4711 on web-1", v.AT, v.AT))
    assert status_text([status], PLAIN).endswith(
        "production: process 4711 on web-1 acts on it since 2026-09-30 14:04 UTC, "
        "renewed until 2026-09-30 14:04 UTC"
    )


def test_colours_do_not_move_columns() -> None:
    lines = status_text([_production()], Style(color=True)).split("\n")
    assert lines[1].startswith("production   \x1b[33mout-of-sync\x1b[0m  \x1b[31mdegraded\x1b[0m  2/3")
