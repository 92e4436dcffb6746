"""What scripts read: the contract of ``-o json``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from reconciler.domain.gate import Judgement
from reconciler.domain.history import HistoryRow
from reconciler.domain.plan import Change
from reconciler.domain.report import EnvironmentHealth, Outcome, Result, Step, Sync
from reconciler.domain.severity import Verdict
from reconciler.errors import EngineUnreachable, Finding, InvalidState
from reconciler.interface.render.json_document import (
    history_document,
    plan_document,
    report_document,
    status_document,
)
from reconciler.interface.render.status_text import Status, status_of
from tests.interface import values as v

SCHEMA = json.loads((Path(__file__).parents[2] / "schemas" / "output.schema.json").read_text())
EVERY_ENVIRONMENT = {"name", "revision", "result", "sync", "health", "exit_code", "services"}


def strict(schema: Any) -> Any:
    """The schema for us, who must describe every key that we print; readers take the open one."""
    if isinstance(schema, list):
        return [strict(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: strict(value) for key, value in schema.items()}
    if closed.get("type") == "object" and "properties" in closed:
        closed["additionalProperties"] = False
    return closed


def read(text: str) -> Any:
    """The document, after a look at whether it is one."""
    document = json.loads(text)
    Draft202012Validator(strict(SCHEMA)).validate(document)
    names = [[service["name"] for service in e["services"]] for e in document["environments"]]
    assert names == [sorted(each) for each in names]
    assert all(set(environment) >= EVERY_ENVIRONMENT for environment in document["environments"])
    return document


def _status() -> Status:
    desired = v.desired(v.service("backend"), v.service("redis", "redis:7"))
    observed = v.observed(v.instance("backend"), v.instance("redis", "redis:7"), v.instance("legacy"))
    redis = v.entry("redis", before="redis:7", after="redis:7", pinned=False)
    return status_of(desired, observed, v.plan(v.changed(), redis, v.orphan("legacy")))


BACKEND = {
    "name": "backend",
    "change": "change",
    "cause": "1.8.1 → 1.8.2",
    "from": {"image": "ghcr.io/kompass/backend", "tag": "1.8.1", "digest": "sha256:" + "1" * 64},
    "to": {"image": "ghcr.io/kompass/backend", "tag": "1.8.2", "digest": "sha256:" + "2" * 64},
    "pinned": True,
    "actions": [
        {
            "verb": "replace",
            "count": 1,
            "containers": ["kompass-production-backend-1"],
            "cause": "1.8.1 → 1.8.2",
        }
    ],
}
REVISION = {
    "commit": v.COMMIT,
    "branch": "main",
    "short": "main@8f3c2d1",
    "subject": "backend 1.8.2",
    "author": "dev",
    "dirty": False,
}


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)


def test_a_plan() -> None:
    document = read(plan_document([(_status(), 2)]))
    assert document == {
        "kind": "plan",
        "version": 1,
        "environments": [
            {
                "name": "production",
                "revision": REVISION,
                "result": "no-op",
                "sync": "out-of-sync",
                "health": "healthy",
                "exit_code": 2,
                "services": [
                    BACKEND,
                    {
                        "name": "legacy",
                        "change": "orphan",
                        "cause": "not in the Compose files; left alone (prune: false)",
                        "from": {
                            "image": "ghcr.io/kompass/legacy",
                            "tag": "1.8.2",
                            "digest": "sha256:" + "2" * 64,
                        },
                        "to": None,
                        "pinned": False,
                        "actions": [],
                    },
                    {
                        "name": "redis",
                        "change": "none",
                        "cause": "",
                        "from": {"image": "redis", "tag": "7", "digest": None},
                        "to": {"image": "redis", "tag": "7", "digest": None},
                        "pinned": False,
                        "actions": [],
                    },
                ],
                "error": None,
            }
        ],
    }


def test_a_look_that_failed() -> None:
    findings = (Finding("b.yaml", 0, 0, "differs"), Finding("a.yaml", 6, 3, "no", "yes", "  wroker:"))
    invalid = Status("staging", error=InvalidState("bad", findings=findings, hint="Commit"))
    environments = read(plan_document([(_status(), 0), (invalid, 65)]))["environments"]
    assert environments[1] == {
        "name": "staging",
        "revision": None,
        "result": "failed",
        "sync": "unknown",
        "health": "unknown",
        "exit_code": 65,
        "services": [],
        "error": {
            "problem": "bad",
            "hint": "Commit",
            "findings": [
                {
                    "path": "a.yaml",
                    "line": 6,
                    "column": 3,
                    "message": "no",
                    "hint": "yes",
                    "excerpt": "  wroker:",
                },
                {
                    "path": "b.yaml",
                    "line": None,
                    "column": None,
                    "message": "differs",
                    "hint": None,
                    "excerpt": None,
                },
            ],
        },
    }


def test_a_status() -> None:
    [environment] = read(status_document([(_status(), 0)]))["environments"]
    assert [(s["name"], s["health"], s["running"], s["wanted"]) for s in environment["services"]] == [
        ("backend", "healthy", 1, 1),
        ("legacy", "unknown", 1, None),
        ("redis", "healthy", 1, 1),
    ]


def test_a_report() -> None:
    sample = v.sample("kompass-production-backend-1", "exited with 1", 37.20049)
    outcome = Outcome(
        Result.ROLLED_BACK,
        v.fail(sample),
        v.passed(),
        {"backend": 0.4211},
        {"kompass-production-backend-1": "ERROR\n"},
        ("a note",),
    )
    report = v.report(
        Result.ROLLED_BACK,
        v.plan(v.changed()),
        outcome,
        seconds=64.12345,
        sync=Sync.OUT_OF_SYNC,
        steps=(Step("pull", "backend", 8.1, "1.8.2"), Step("switch", "backend-1", 0.42, good=False)),
    )
    assert read(report_document([(report, 10)])) == {
        "kind": "report",
        "version": 1,
        "environments": [
            {
                "name": "production",
                "revision": REVISION,
                "result": "rolled-back",
                "sync": "out-of-sync",
                "health": "healthy",
                "exit_code": 10,
                "started_at": "2026-09-30T14:04:31Z",
                "duration_seconds": 64.123,
                "services": [BACKEND | {"gap_seconds": 0.421}],
                "judgement": {
                    "verdict": "fail",
                    "reason": "kompass-production-backend-1: exited with 1",
                    "samples": [
                        {
                            "subject": "kompass-production-backend-1",
                            "evidence": "bad",
                            "at_seconds": 37.2,
                            "detail": "exited with 1",
                        }
                    ],
                    "duration_seconds": 37.2,
                },
                "restored": {
                    "verdict": "pass",
                    "reason": "everything stayed good",
                    "samples": [],
                    "duration_seconds": 2.0,
                },
                "error": None,
                "excerpts": {"kompass-production-backend-1": "ERROR\n"},
                "notes": ["a note"],
                "steps": [
                    {
                        "verb": "pull",
                        "subject": "backend",
                        "detail": "1.8.2",
                        "good": True,
                        "duration_seconds": 8.1,
                    },
                    {
                        "verb": "switch",
                        "subject": "backend-1",
                        "detail": "",
                        "good": False,
                        "duration_seconds": 0.42,
                    },
                ],
            }
        ],
    }


@pytest.mark.parametrize("result", Result)
def test_every_result_has_the_same_keys(result: Result) -> None:
    outcome = None if result in (Result.NO_OP, Result.FAILED) else Outcome(result, v.passed())
    error = EngineUnreachable("Docker does not answer") if result is Result.FAILED else None
    full = v.report(result, v.plan(v.changed(), v.created("a"), v.removed("b")), outcome, error=error)
    bare = v.report(
        result, sync=Sync.UNKNOWN, health=EnvironmentHealth.UNKNOWN, error=error
    )  # ended before anything was known
    one, two = read(report_document([(full, 0), (bare, 69)]))["environments"]
    assert set(one) == set(two)
    assert two["revision"] is None
    assert two["services"] == []


def test_where_nothing_runs_or_should() -> None:
    plan = v.plan(v.created("a"), v.removed("b"))
    [environment] = read(report_document([(v.report(Result.CONVERGED, plan), 0)]))["environments"]
    new, gone = environment["services"]
    assert new["from"] is None
    assert new["actions"][0] == {
        "verb": "create",
        "count": 1,
        "containers": [],
        "cause": "it is not there yet",
    }
    assert gone["to"] is None
    assert gone["gap_seconds"] is None


@pytest.mark.parametrize("text", ["sha256:" + "9" * 64, "Not an image", v.HOSTILE])
def test_an_image_that_is_no_reference_stays_whole(text: str) -> None:
    plan = v.plan(v.entry("a", Change.ORPHAN, before=text, after=""))
    [environment] = read(report_document([(v.report(Result.NO_OP, plan), 0)]))["environments"]
    assert environment["services"][0]["from"] == {"image": text, "tag": None, "digest": None}


def test_a_history() -> None:
    row = HistoryRow("production", v.COMMIT, v.AT, "dev", "Revert", (("web", "", "web:1"),), "5b0c7f1", "why")
    [production, empty] = read(history_document([("production", [row]), ("staging", [])]))["environments"]
    revision = {"commit": v.COMMIT, "branch": None, "short": "8f3c2d1"}
    assert production == {
        "name": "production",
        "revision": revision,
        "result": "no-op",
        "sync": "unknown",
        "health": "unknown",
        "exit_code": 0,
        "services": [],
        "releases": [
            {
                "revision": revision,
                "at": "2026-09-30T14:04:31Z",
                "author": "dev",
                "subject": "Revert",
                "changes": [
                    {"name": "web", "from": None, "to": {"image": "web", "tag": "1", "digest": None}}
                ],
                "rollback_of": "5b0c7f1",
                "reason": "why",
            }
        ],
    }
    assert empty["revision"] is None
    assert empty["releases"] == []


def test_hostile_text_is_data_and_nothing_else() -> None:
    bad = v.HOSTILE
    sample = v.sample(bad, bad)
    outcome = Outcome(
        Result.ROLLED_BACK, v.fail(sample), Judgement(Verdict.FAIL, bad), {}, {bad: bad}, (bad,)
    )
    text = report_document([(v.report(Result.ROLLED_BACK, v.plan(v.changed()), outcome), 10)])
    assert text.isascii()
    assert all(c == "\n" or c.isprintable() for c in text)
    assert "##[" not in text
    assert "##vso[" not in text
    assert json.loads(text)["environments"][0]["notes"] == [bad]
