"""What scripts read: one JSON document for each command. ``schemas/output.schema.json`` describes it.

Additive changes only. Text of others is data here, not escaped for a terminal; but the document is
pure ASCII and holds nothing that a CI runner takes for a command.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from reconciler.domain.desired import Revision
from reconciler.domain.gate import Judgement
from reconciler.domain.history import HistoryRow
from reconciler.domain.image import ImageRef
from reconciler.domain.plan import Action, Create, Entry, Plan, Remove, Replace, Restart, Start
from reconciler.domain.report import EnvironmentHealth, Report, Result, Step, Sync
from reconciler.errors import Invalid, ReconcileError
from reconciler.interface.render.status_text import ServiceStatus, Status

VERSION = 1

Object = dict[str, Any]


def plan_document(statuses: Iterable[tuple[Status, int]]) -> str:
    """The answer of ``plan``: environments with their exit codes."""
    return _document("plan", [_looked_at(status, code) for status, code in statuses])


def status_document(statuses: Iterable[tuple[Status, int]]) -> str:
    """The answer of ``status``: the same, with health and containers of each service."""
    environments = []
    for status, code in statuses:
        environment = _looked_at(status, code)
        by_name = {service.name: service for service in status.services}
        for service in environment["services"]:
            service.update(_service_status(by_name.get(service["name"])))
        environments.append(environment | {"remark": status.remark or None})
    return _document("status", environments)


def report_document(reports: Iterable[tuple[Report, int]]) -> str:
    """The answer of ``--once``: reports with their exit codes."""
    return _document("report", [_report(report, code) for report, code in reports])


def history_document(histories: Iterable[tuple[str, Sequence[HistoryRow]]]) -> str:
    """The answer of ``history``: environments with their commits, in the order given."""
    return _document("history", [_history(name, rows) for name, rows in histories])


def _document(kind: str, environments: list[Object]) -> str:
    text = json.dumps({"kind": kind, "version": VERSION, "environments": environments}, indent=2)
    return re.sub(r"(##\w*)\[", r"\1\\u005b", text)  # see `foreign`; only strings hold a "#"


def _environment(
    name: str, revision: Object | None, result: Result, sync: Sync, health: EnvironmentHealth, exit_code: int
) -> Object:
    """What every environment of every document has, except its services."""
    return {
        "name": name,
        "revision": revision,
        "result": str(result),
        "sync": str(sync),
        "health": str(health),
        "exit_code": exit_code,
    }


def _looked_at(status: Status, exit_code: int) -> Object:
    """An environment that was only looked at: nothing was done to it, or looking failed."""
    result = Result.FAILED if status.error else Result.NO_OP
    revision = _revision(status.revision)
    return {
        **_environment(status.environment, revision, result, status.sync, status.health, exit_code),
        "services": _services(status.plan),
        "error": _error(status.error),
    }


def _service_status(service: ServiceStatus | None) -> Object:
    if service is None:
        return {"health": str(EnvironmentHealth.UNKNOWN), "running": 0, "wanted": None}
    return {"health": str(service.health), "running": service.running, "wanted": service.wanted}


def _report(report: Report, exit_code: int) -> Object:
    outcome = report.outcome
    services = _services(report.plan)
    for service in services:
        gap = outcome.gap_seconds.get(service["name"]) if outcome else None
        service["gap_seconds"] = None if gap is None else _seconds(gap)
    revision = _revision(report.revision)
    return {
        **_environment(report.environment, revision, report.result, report.sync, report.health, exit_code),
        "started_at": _time(report.started_at),
        "duration_seconds": _seconds(report.seconds),
        "services": services,
        "judgement": _judgement(outcome.judgement if outcome else None),
        "restored": _judgement(outcome.restored if outcome else None),
        "error": _error(report.error),
        "excerpts": dict(sorted(outcome.excerpts.items())) if outcome else {},
        "notes": list(outcome.notes) if outcome else [],
        "steps": [_step(step) for step in report.steps],
    }


def _history(name: str, rows: Sequence[HistoryRow]) -> Object:
    """Git alone was asked: nothing is known of the host."""
    newest = max(rows, key=lambda row: row.at, default=None)
    revision = {"commit": newest.revision, "branch": None, "short": newest.revision[:7]} if newest else None
    return {
        **_environment(name, revision, Result.NO_OP, Sync.UNKNOWN, EnvironmentHealth.UNKNOWN, 0),
        "services": [],
        "releases": [_release(row) for row in rows],
    }


def _release(row: HistoryRow) -> Object:
    return {
        "revision": {"commit": row.revision, "branch": None, "short": row.revision[:7]},
        "at": _time(row.at),
        "author": row.author,
        "subject": row.subject,
        "changes": [
            {"name": service, "from": _image(before), "to": _image(after)}
            for service, before, after in sorted(row.changes)
        ],
        "rollback_of": row.rollback_of or None,
        "reason": row.reason or None,
    }


def _revision(revision: Revision | None) -> Object | None:
    if revision is None:
        return None
    return {
        "commit": revision.commit,
        "branch": revision.branch or None,
        "short": revision.short(),
        "subject": revision.subject,
        "author": revision.author,
        "dirty": revision.dirty,
    }


def _services(plan: Plan | None) -> list[Object]:
    entries = plan.entries if plan else ()
    return [_service(entry) for entry in sorted(entries, key=lambda entry: entry.name)]


def _service(entry: Entry) -> Object:
    return {
        "name": entry.name,
        "change": str(entry.change),
        "cause": entry.cause,
        "from": _image(entry.before),
        "to": _image(entry.after),
        "pinned": entry.pinned,
        "actions": [_action(action) for action in entry.actions],
    }


def _image(text: str) -> Object | None:
    """An image in its parts; one that is no reference stays whole."""
    if not text:
        return None
    try:
        image = ImageRef.parse(text) if not text.startswith("sha256:") else ImageRef(text)
    except ValueError:
        image = ImageRef(text)
    return {"image": image.repository, "tag": image.tag or None, "digest": image.digest or None}


def _action(action: Action) -> Object:
    match action:
        case Create(count=number):
            verb, names = "create", []
        case Start(instances=instances):
            verb, names = "start", [i.name for i in instances]
        case Restart(instances=instances):
            verb, names = "restart", [i.name for i in instances]
        case Replace(predecessors=predecessors):
            verb, names = "replace", [i.name for i in predecessors]
        case Remove(instances=instances):
            verb, names = "remove", [i.name for i in instances]
    count = number if isinstance(action, Create) else len(names)
    return {"verb": verb, "count": count, "containers": names, "cause": action.cause}


def _judgement(judgement: Judgement | None) -> Object | None:
    if judgement is None:
        return None
    samples = [
        {
            "subject": sample.subject,
            "evidence": str(sample.evidence),
            "at_seconds": _seconds(sample.at_seconds),
            "detail": sample.detail,
        }
        for sample in judgement.deciding
    ]
    return {
        "verdict": str(judgement.verdict),
        "reason": judgement.reason,
        "samples": samples,
        "duration_seconds": _seconds(judgement.seconds),
    }


def _error(error: ReconcileError | None) -> Object | None:
    if error is None:
        return None
    findings = sorted(error.findings) if isinstance(error, Invalid) else []
    return {
        "problem": error.problem,
        "hint": error.hint or None,
        "findings": [
            {
                "path": finding.path,
                "line": finding.line or None,
                "column": finding.column or None,
                "message": finding.message,
                "hint": finding.hint or None,
                "excerpt": finding.excerpt or None,
            }
            for finding in findings
        ],
    }


def _step(step: Step) -> Object:
    return {
        "verb": step.verb,
        "subject": step.subject,
        "detail": step.detail,
        "good": step.good,
        "duration_seconds": _seconds(step.seconds),
    }


def _time(at: datetime) -> str:
    """RFC 3339 in UTC, to the second."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _seconds(seconds: float) -> float:
    return round(seconds, 3)
