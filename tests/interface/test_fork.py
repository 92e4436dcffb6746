"""In a job for a pull request from a fork, only what harms nobody is done."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from reconciler.errors import Refused
from reconciler.interface.cli.fork import require_own
from reconciler.interface.cli.main import COMMANDS, run_command

OWN, FORK = {"full_name": "kompass/deploy"}, {"full_name": "mallory/deploy"}
PULLED: dict[str, Any] = {"repository": OWN, "pull_request": {"head": {"repo": FORK}}}
OURS: dict[str, Any] = {"repository": OWN, "pull_request": {"head": {"repo": OWN}}}
PULL = {"GITHUB_EVENT_NAME": "pull_request"}
HARMLESS = ("plan", "check", "history", "explain", "incident")


def environ(folder: Path, event: str, payload: object) -> dict[str, str]:
    """What a runner tells a step about the event."""
    file = folder / "event.json"
    file.write_text(payload if isinstance(payload, str) else json.dumps(payload))
    return {"GITHUB_ACTIONS": "true", "GITHUB_EVENT_NAME": event, "GITHUB_EVENT_PATH": str(file)}


@pytest.mark.parametrize(
    ("event", "payload"),
    [
        ("pull_request", PULLED),
        ("pull_request_target", PULLED),
        ("pull_request_review", PULLED),
        ("pull_request", {"repository": OWN, "pull_request": {"head": {"repo": None}}}),
        ("pull_request", {"pull_request": {"head": {"repo": OWN}}}),
        ("pull_request", {"repository": OWN}),
        ("pull_request", []),
        ("pull_request", "{ no JSON"),
        ("workflow_run", {"repository": OWN, "workflow_run": {"head_repository": FORK}}),
    ],
)
def test_what_acts_is_refused_where_the_branch_is_not_ours_or_it_cannot_be_told(
    tmp_path: Path, event: str, payload: object
) -> None:
    told = environ(tmp_path, event, payload)
    for command in ("--once", "rollback", "promote", "verify", "watch", "a command of the future"):
        with pytest.raises(Refused, match="does not act on a pull request from"):
            require_own(told, command)
    for command in HARMLESS:
        require_own(told, command)


def test_the_fork_is_named(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="a pull request from mallory/deploy"):
        require_own(environ(tmp_path, "pull_request", PULLED), "--once")


def test_an_event_that_cannot_be_read_counts_as_a_forks_only_where_it_may_be_one(tmp_path: Path) -> None:
    missing = {"GITHUB_ACTIONS": "true", "GITHUB_EVENT_PATH": str(tmp_path / "none")}
    require_own({**missing, "GITHUB_EVENT_NAME": "push"}, "--once")
    for told in ({**missing, "GITHUB_EVENT_NAME": "pull_request"}, {"GITHUB_ACTIONS": "true"} | PULL):
        with pytest.raises(Refused, match="a repository that is not known"):
            require_own(told, "--once")


@pytest.mark.parametrize(
    ("event", "payload"),
    [
        ("push", {"repository": OWN}),
        ("workflow_dispatch", {"repository": OWN, "inputs": {}}),
        ("pull_request", OURS),
        ("workflow_run", {"repository": OWN, "workflow_run": {"head_repository": OWN}}),
    ],
)
def test_everything_acts_where_the_branch_is_ours(tmp_path: Path, event: str, payload: object) -> None:
    require_own(environ(tmp_path, event, payload), "--once")


def test_outside_of_a_workflow_nobody_looks(tmp_path: Path) -> None:
    require_own({**environ(tmp_path, "pull_request", PULLED), "GITHUB_ACTIONS": ""}, "--once")


def test_the_program_refuses_before_it_reads_anything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in environ(tmp_path, "pull_request", PULLED).items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    for command in ("--once", *COMMANDS):
        run_command([command, *(["ENV", "X"] if command in ("rollback", "promote", "pause") else [])])
        refused = "does not act on a pull request from mallory/deploy" in capsys.readouterr().err
        assert refused == (command not in HARMLESS), command
