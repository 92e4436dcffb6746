"""What people hold an environment with, in words and as an object."""

from __future__ import annotations

from typing import Any

from reconciler.domain.brakes import Brakes, Freeze, Pause
from reconciler.domain.foreign import foreign
from reconciler.domain.plan import Change, Plan
from reconciler.domain.report import Report
from reconciler.interface.render.json_values import utc
from reconciler.interface.render.undo_text import clock_time


def brakes_lines(environment: str, brakes: Brakes, *, held: bool) -> list[str]:
    """A sentence for each brake: who, until when, why.

    Args:
        environment: its name.
        brakes: what is in force.
        held: whether something is held; an approval is not missed before.
    """
    name = foreign(environment, 40)
    lines = []
    if brakes.pause is not None:
        lines.append(f"{name} is {paused_words(brakes.pause)}")
    if brakes.freeze is not None:
        lines.append(f"{name} is {_freeze(brakes.freeze)}")
    if held and brakes.approved is False:
        lines.append(f"{name} is protected, and this release is not approved: reconcile approve {name}")
    return lines


def report_brakes(report: Report) -> list[str]:
    """The same for what a pass found."""
    held = report.plan is not None and something_held(report.plan)
    return brakes_lines(report.environment, report.brakes, held=held)


def something_held(plan: Plan) -> bool:
    """Whether a service stays as it is although Git or drift asks for something else."""
    return any(entry.change is Change.HELD for entry in plan.entries)


def paused_words(pause: Pause) -> str:
    """``paused by ada since 2026-11-26 21:00 UTC, until …: "migrating the disk"``."""
    until = f", until {clock_time(pause.until)}" if pause.until is not None else ""
    by = f" by {foreign(pause.by, 60)}" if pause.by else ""
    return f"paused{by} since {clock_time(pause.since)}{until}{_because(pause.reason)}"


def in_a_cell(brakes: Brakes) -> str:
    """The strongest brake in a few words: ``paused until 2026-11-27 18:00 UTC``."""
    if brakes.pause is not None:
        until = brakes.pause.until
        return f"paused until {clock_time(until)}" if until is not None else "paused"
    return f"frozen until {clock_time(brakes.freeze.until)}" if brakes.freeze is not None else ""


def brakes_object(brakes: Brakes) -> dict[str, Any]:
    """The keys that each environment of a document has."""
    pause, freeze = brakes.pause, brakes.freeze
    return {
        "paused": None
        if pause is None
        else {
            "reason": pause.reason,
            "by": pause.by,
            "since": utc(pause.since),
            "until": utc(pause.until) if pause.until is not None else None,
        },
        "frozen": None if freeze is None else {"reason": freeze.window.reason, "until": utc(freeze.until)},
        "protected": brakes.protected,
        "approved": brakes.approved,
    }


def _freeze(freeze: Freeze) -> str:
    return f"frozen until {clock_time(freeze.until)}{_because(freeze.window.reason)}"


def _because(reason: str) -> str:
    return f': "{foreign(reason, 200)}"' if reason else ""
