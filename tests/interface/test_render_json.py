"""What scripts read: the contract of ``-o json``."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from reconciler.domain.gate import Evidence, Judgement
from reconciler.domain.history import HistoryRow
from reconciler.domain.journal import Observation, Run, Story
from reconciler.domain.plan import Change
from reconciler.domain.report import EnvironmentHealth, Outcome, Result, Step, Sync
from reconciler.domain.severity import Verdict
from reconciler.domain.turns import Holder
from reconciler.domain.undo import UndoState
from reconciler.errors import EngineUnreachable, Finding, InvalidState
from reconciler.interface.render.json_document import (
    history_document,
    plan_document,
    report_document,
    status_document,
    story_document,
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
FREE = {"paused": None, "frozen": None, "protected": False, "approved": None}
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
                **FREE,
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
        **FREE,
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
        notes=("a note",),
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
                    "decision": None,
                    "tallies": [],
                },
                "restored": {
                    "verdict": "pass",
                    "reason": "everything stayed good",
                    "samples": [],
                    "duration_seconds": 2.0,
                    "decision": None,
                    "tallies": [],
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
                        "finished": True,
                        "duration_seconds": 8.1,
                    },
                    {
                        "verb": "switch",
                        "subject": "backend-1",
                        "detail": "",
                        "good": False,
                        "finished": True,
                        "duration_seconds": 0.42,
                    },
                ],
                "run": None,
                "exonerated": [],
                "undo": None,
                **FREE,
            }
        ],
    }


def test_why_a_release_was_undone_and_what_became_of_it() -> None:
    unready = v.sample("check search", "connection refused", 2.0, Evidence.UNREADY)
    judgement = replace(
        v.fail(unready), decision=v.decision(v.ruling(attended=True)), tallies=(v.tally("check search"),)
    )
    outcome = Outcome(Result.ROLLED_BACK, judgement, v.passed(), exonerated=("check search",))
    undo = v.undo(UndoState.PENDING, "no route")
    report = v.report(Result.ROLLED_BACK, v.plan(v.changed()), outcome, run=v.RUN, undo=undo, notes=("lost",))
    [environment] = read(report_document([(report, 10)]))["environments"]
    assert environment["run"] == v.RUN
    assert environment["exonerated"] == ["check search"]
    assert environment["notes"] == ["lost"]
    assert environment["judgement"]["samples"][0]["evidence"] == "unready"
    assert environment["judgement"]["decision"] == {
        "rule": "medium check search failed: alert, again after 60 min",
        "phase": "gate",
        "reaction": {"response": "alert", "after_seconds": 3600.0},
        "rulings": [
            {
                "check": "check search",
                "severity": "medium",
                "verdict": "fail",
                "detail": "GET http://localhost:7700/health → 503",
                "reaction": {"response": "alert", "after_seconds": 3600.0},
            }
        ],
    }
    assert environment["judgement"]["tallies"][0]["good"] == 3
    assert environment["undo"] == {
        "state": "pending",
        "run": v.RUN,
        "release": v.COMMIT,
        "commit": None,
        "detail": "no route",
        "reason": "check search: 503",
        "moves": [{"name": "backend", "from": BACKEND["to"], "to": BACKEND["from"]}],
        "blocked": [f"backend {v.image('backend', '1.8.2', '2')} hash"],
        "attempts": 1,
        "again_at": "2026-09-30T14:06:31Z",
    }


def test_a_story() -> None:
    [environment] = read(story_document(v.story()))["environments"]
    assert environment["result"] == "rolled-back"
    story = environment["story"]
    assert story["run"] == v.RUN
    assert story["duration_seconds"] == 64.2
    assert [tally["stage"] for tally in story["tallies"]] == ["gate", "verify"]
    assert story["restored"] == {"verdict": "pass", "reason": "everything stayed good"}
    assert [exhibit["kind"] for exhibit in story["exhibits"]] == ["log", "description"]
    assert story["undo"]["state"] == "done"


def test_the_story_of_a_pass_that_was_killed() -> None:
    run = Run(v.RUN, "production", v.AT)
    [environment] = read(story_document(Story(run)))["environments"]
    assert environment["result"] == "failed"
    assert environment["story"]["result"] is None
    assert environment["story"]["duration_seconds"] is None


def test_a_status_knows_the_journal() -> None:
    observation = Observation(v.RUN, v.COMMIT, v.AT, (("check search", v.AT),))
    status = replace(_status(), undo=v.undo(UndoState.PROPOSED), observation=observation)
    [environment] = read(status_document([(status, 0)]))["environments"]
    assert environment["undo"]["state"] == "proposed"
    assert environment["observation"] == {
        "run": v.RUN,
        "revision": v.COMMIT,
        "until": "2026-09-30T14:04:31Z",
        "failing": [{"check": "check search", "due_at": "2026-09-30T14:04:31Z"}],
    }
    assert environment["holder"] is None


def test_a_status_knows_who_acts() -> None:
    status = replace(_status(), holder=Holder("process 4711 on web-1", v.AT, v.AT))
    [environment] = read(status_document([(status, 0)]))["environments"]
    moment = "2026-09-30T14:04:31Z"
    assert environment["holder"] == {"who": "process 4711 on web-1", "since": moment, "until": moment}


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
                "run": None,
                "result": None,
                "duration_seconds": None,
                "rolled_back_by": "dev",
                "committed": True,
            }
        ],
    }
    assert empty["revision"] is None
    assert empty["releases"] == []


def test_hostile_text_is_data_and_nothing_else() -> None:
    bad = v.HOSTILE
    sample = v.sample(bad, bad)
    outcome = Outcome(
        Result.ROLLED_BACK, v.fail(sample), Judgement(Verdict.FAIL, bad), {}, {bad: bad}, notes=(bad,)
    )
    text = report_document([(v.report(Result.ROLLED_BACK, v.plan(v.changed()), outcome), 10)])
    assert text.isascii()
    assert all(c == "\n" or c.isprintable() for c in text)
    assert "##[" not in text
    assert "##vso[" not in text
    assert json.loads(text)["environments"][0]["notes"] == [bad]
