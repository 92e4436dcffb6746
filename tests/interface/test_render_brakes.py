"""What people hold an environment with, wherever an environment is shown."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from reconciler.domain.brakes import Brakes, Freeze, Pause, Window
from reconciler.domain.plan import Change, Entry, Plan
from reconciler.domain.report import Report, Result, Sync
from reconciler.interface.cli import exit_codes
from reconciler.interface.cli.commands.once import code
from reconciler.interface.render.brakes_text import brakes_lines
from reconciler.interface.render.json_document import plan_document, report_document, status_document
from reconciler.interface.render.plan_text import plan_text
from reconciler.interface.render.report_markdown import plan_blocks, report_blocks
from reconciler.interface.render.report_text import report_text
from reconciler.interface.render.status_text import Status, status_text
from reconciler.interface.render.style import Style
from tests.interface import values as v

SCHEMA = json.loads((Path(__file__).parents[2] / "schemas" / "output.schema.json").read_text())
PLAIN = Style()
UNTIL = v.AT + timedelta(hours=4)
PAUSE = Pause("migrating the disk", "ada", v.AT, UNTIL)
FREEZE = Freeze(Window("0 16 * * FRI", 230_400.0, "Europe/Berlin", "weekend"), UNTIL)
PAUSED = (
    'production is paused by ada since 2026-09-30 14:04 UTC, until 2026-09-30 18:04 UTC: "migrating the disk"'
)
FROZEN = 'production is frozen until 2026-09-30 18:04 UTC: "weekend"'
APPROVE = "production is protected, and this release is not approved: reconcile approve production"
HELD = Brakes(pause=PAUSE, freeze=FREEZE, protected=True, approved=False, asked=True)
LINES = [PAUSED, FROZEN, APPROVE]


def entry() -> Entry:
    """A release that is held."""
    before, after = v.image("backend", "1.8.1", "1"), v.image("backend", "1.8.2", "2")
    cause = 'paused by ada until 18:04 UTC: "migrating the disk"'
    return v.entry("backend", Change.HELD, before=before, after=after, cause=cause)


def plan() -> Plan:
    return v.plan(entry(), v.entry("search"))


def status(brakes: Brakes = HELD) -> Status:
    return Status("production", Sync.PAUSED, revision=v.revision(), plan=plan(), brakes=brakes)


def report(brakes: Brakes = HELD, sync: Sync = Sync.PAUSED) -> Report:
    return replace(v.report(Result.NO_OP), plan=plan(), brakes=brakes, sync=sync)


def test_each_brake_is_a_sentence_with_who_until_when_and_why() -> None:
    assert brakes_lines("production", HELD, held=True) == LINES


def test_without_brakes_nothing_is_said() -> None:
    assert brakes_lines("production", Brakes(), held=True) == []
    assert brakes_lines("production", Brakes(protected=True, approved=True), held=False) == []


def test_an_approval_is_missed_only_where_a_release_waits_for_it() -> None:
    missing = Brakes(protected=True, approved=False)
    assert brakes_lines("production", missing, held=False) == []
    assert brakes_lines("production", missing, held=True) == [APPROVE]


def test_a_pause_needs_neither_end_nor_reason() -> None:
    bare = Brakes(pause=Pause("", "", v.AT))
    assert brakes_lines("production", bare, held=True) == ["production is paused since 2026-09-30 14:04 UTC"]


def test_what_others_wrote_stays_harmless() -> None:
    hostile = Brakes(pause=Pause(v.HOSTILE, v.HOSTILE, v.AT))
    (line,) = brakes_lines("production", hostile, held=True)
    assert line.isprintable()
    assert "##[" not in line


def test_status_shows_them_in_the_table_and_below() -> None:
    text = status_text([status(), Status("staging")], PLAIN)
    row = next(line for line in text.splitlines() if line.startswith("production "))
    assert "paused until 2026-09-30 18:04 UTC, 1 held, 1 unchanged" in row
    assert text.splitlines()[-3:] == LINES


def test_a_plan_shows_them() -> None:
    def shown(plan: Plan) -> str:
        return plan_text(v.environment(), v.revision(), plan, v.observed(), PLAIN, remarks=LINES)

    assert shown(plan()).splitlines()[-3:] == LINES
    assert "\n".join(LINES) + "\nPlan:" in shown(v.plan(entry(), v.changed("search")))


def test_a_report_shows_them_before_its_last_sentence() -> None:
    text = report_text(report(), PLAIN)
    assert text.index(PAUSED) < text.index(APPROVE) < text.index("No changes.")


@pytest.mark.parametrize("blocks", [lambda: plan_blocks(status()), lambda: report_blocks(report())])
def test_markdown_shows_them(blocks: Any) -> None:
    text = "\n\n".join(blocks())
    assert "production is paused by ada" in text
    assert "production is frozen until" in text
    assert "reconcile approve production" in text


@pytest.mark.parametrize(
    "document",
    [
        lambda: plan_document([(status(), 0)]),
        lambda: status_document([(status(), 0)]),
        lambda: report_document([(report(), 0)]),
    ],
    ids=["plan", "status", "report"],
)
def test_json_has_them_for_each_environment(document: Any) -> None:
    read = json.loads(document())
    Draft202012Validator(SCHEMA).validate(read)
    (environment,) = read["environments"]
    assert environment["sync"] == "paused"
    assert environment["paused"] == {
        "reason": "migrating the disk",
        "by": "ada",
        "since": "2026-09-30T14:04:31Z",
        "until": "2026-09-30T18:04:31Z",
    }
    assert environment["frozen"] == {"reason": "weekend", "until": "2026-09-30T18:04:31Z"}
    assert (environment["protected"], environment["approved"]) == (True, False)
    assert environment["services"][0]["change"] == "held"
    assert environment["services"][0]["to"]["tag"] == "1.8.2"


def test_strict_counts_what_is_held() -> None:
    assert code(report(), strict=False) == exit_codes.OK
    assert code(report(), strict=True) == exit_codes.ON_PURPOSE


def test_strict_counts_what_is_held_and_was_repaired_meanwhile() -> None:
    repaired = replace(report(), plan=v.plan(v.started("backend")), result=Result.CONVERGED)
    assert code(repaired, strict=True) == exit_codes.ON_PURPOSE
    frozen = replace(repaired, brakes=Brakes(freeze=FREEZE), sync=Sync.OUT_OF_SYNC)
    assert code(frozen, strict=True) == exit_codes.ON_PURPOSE
    assert code(replace(frozen, sync=Sync.SYNCED), strict=True) == exit_codes.OK
