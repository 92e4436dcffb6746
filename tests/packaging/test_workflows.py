"""The example workflows use the action as it is, with as few rights as will do; updaters find the pins."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.packaging.runner import ACTION, EXPRESSION, ROOT

FOLDER = ROOT / "examples/workflows"
WORKFLOWS = ("plan", "release", "promote", "rollback")
WRITES = {"contents", "pull-requests"}
each = pytest.mark.parametrize("name", WORKFLOWS)


def workflow(name: str) -> dict[str, Any]:
    # YAML 1.1 reads the key `on` as true; GitHub does not.
    document: dict[str, Any] = yaml.load((FOLDER / f"{name}.yml").read_text(), yaml.BaseLoader)
    return document


def steps(name: str) -> list[dict[str, Any]]:
    return [step for job in workflow(name)["jobs"].values() for step in job["steps"]]


def test_there_is_no_workflow_that_nobody_looks_at() -> None:
    assert {file.stem for file in FOLDER.glob("*.yml")} == {*WORKFLOWS, "dependabot"}


@each
def test_it_has_no_right_that_a_job_does_not_ask_for(name: str) -> None:
    document = workflow(name)
    assert document["permissions"] == {}
    for job in document["jobs"].values():
        rights = job["permissions"]
        assert rights["contents"] in ("read", "write")
        assert {right for right, how in rights.items() if how == "write"} <= WRITES


@each
def test_it_takes_turns(name: str) -> None:
    document = workflow(name)
    groups = [job.get("concurrency", document.get("concurrency")) for job in document["jobs"].values()]
    assert all(groups)
    if name != "plan":
        assert {group["cancel-in-progress"] for group in groups} == {"false"}, "a pass is not cut off"


@each
def test_its_steps_use_what_the_action_has(name: str) -> None:
    for step in steps(name):
        assert "run" not in step, "text in a workflow is not tested"
        used, _, version = step["uses"].partition("@")
        if used == "OWNER/reconcile":
            assert version == "TAG"
            assert step["with"].keys() <= ACTION["inputs"].keys()
        else:
            assert re.fullmatch(r"[0-9a-f]{40}", version), f"{used} is not pinned by a commit"


@each
def test_no_secret_is_an_input(name: str) -> None:
    for step in steps(name):
        for expression in (found for value in step["with"].values() for found in EXPRESSION.findall(value)):
            assert not expression.startswith("secrets."), expression


def test_only_check_runs_for_a_fork() -> None:
    jobs = workflow("plan")["jobs"]
    assert [step["with"]["command"] for step in jobs["check"]["steps"][1:]] == ["check"]
    assert jobs["plan"]["if"] == "github.event.pull_request.head.repo.full_name == github.repository"
    assert {name for name, job in jobs.items() if "self-hosted" in job["runs-on"]} == {"plan"}


def test_the_updaters_move_staging_and_find_its_pins() -> None:
    """Their patterns, as their own sources have them."""
    pins = sorted(file.relative_to(ROOT).as_posix() for file in (ROOT / "state").glob("*/*.yaml"))
    assert pins == ["state/production/compose.pins.yaml", "state/staging/compose.pins.yaml"]
    for file in map(Path, pins):
        assert re.search(r"(^|/)(?:docker-)?compose[^/]*\.ya?ml$", file.as_posix()), "Renovate"
        assert re.fullmatch(r"(?i)(docker-)?compose(\.[\w-]+)?\.ya?ml", file.name), "Dependabot"
    renovate = json.loads((FOLDER / "renovate.json").read_text())
    assert renovate["includePaths"] == ["state/staging/**"]
    dependabot = yaml.safe_load((FOLDER / "dependabot.yml").read_text())
    (compose,) = [one for one in dependabot["updates"] if one["package-ecosystem"] == "docker-compose"]
    assert compose["directory"] == "/state/staging"
