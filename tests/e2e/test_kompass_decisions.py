"""docs/decisions.md says of every line of the runbook what the worked example does about it: is it true?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from reconciler.interface.cli.main import COMMANDS
from tests.e2e.kompass import ROOT, SETTINGS

DECISIONS = (ROOT / "docs" / "decisions.md").read_text()
ENVIRONMENTS: dict[str, dict[str, Any]] = yaml.safe_load(SETTINGS.read_text())["environments"]
USUAL = {"latency": "high", "errors": "high", "memory": "high", "cpu": "high", "logs": "medium"}


def tables(heading: str) -> Iterator[tuple[str, ...]]:
    """The rows of all tables with a column of this name, without their heads."""
    for head, body in re.findall(r"(?m)^(\|.*\|)\n\|[-|]+\|\n((?:\|.*\|\n)+)", DECISIONS):
        if heading in _cells(head):
            yield from (_cells(row) for row in body.splitlines())


def _cells(row: str) -> tuple[str, ...]:
    return tuple(cell.strip() for cell in row.strip("|").split("|"))


def named() -> Iterator[tuple[str, str]]:
    """Every check that is named, with the severity beside it."""
    for _, checks, severity, _ in tables("Check"):
        yield from ((check, severity) for check in re.findall(r"`([^`]+)`", checks))


def severities(name: str, check: dict[str, Any]) -> set[str]:
    """How severe the failures of a check may be."""
    graded = check.get(name, {}).get("worse_than")
    if graded:  # what is worse than its lowest limit, but not than the next one, lies in between
        return {*graded, "medium"}
    kind = next(key for key in check if key != "severity")
    return {check.get("severity") or USUAL.get(kind, "critical")}


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_every_check_that_is_named_is_in_the_example_and_as_severe(environment: str) -> None:
    checks = ENVIRONMENTS[environment]["gate"]["checks"]
    found = list(named())
    assert len(found) > 10, "the tables were not read"
    for name, severity in found:
        assert name in checks, f"docs/decisions.md names a check {name!r} that {environment} does not have"
        assert severity in severities(name, checks[name]), name


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_every_check_of_the_example_is_for_a_line_of_the_runbook(environment: str) -> None:
    assert {name for name, _ in named()} == set(ENVIRONMENTS[environment]["gate"]["checks"])


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_matrix_is_the_one_of_the_example(environment: str) -> None:
    told: dict[str, Any] = {}
    for line, rule, _ in tables("`severity:`"):
        told |= yaml.safe_load(rule.strip("`"))
        assert line.lower().startswith(next(iter(yaml.safe_load(rule.strip("`")))))
    assert told == ENVIRONMENTS[environment]["severity"]


def test_the_requests_of_the_runbook_are_those_of_production() -> None:
    checks = ENVIRONMENTS["production"]["gate"]["checks"]
    asked = {
        row[1].strip("`"): url for row in tables("Check") for url in re.findall(r"`curl -f (\S+)`", row[0])
    }
    assert asked == {name: checks[name]["http"]["url"] for name in asked}
    assert len(asked) == 4


def test_the_commands_are_there() -> None:
    named = set(re.findall(r"`reconcile (\w+)", DECISIONS))
    assert len(named) > 4
    assert named <= set(COMMANDS)


def test_both_environments_ask_the_same_about_another_port() -> None:
    staging, production = (
        yaml.safe_dump(ENVIRONMENTS[e]["gate"]["checks"]) for e in ("staging", "production")
    )
    assert re.sub(r"localhost:1(\d{4})", r"localhost:\1", staging) == production
