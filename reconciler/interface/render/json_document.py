"""What scripts read: one JSON document for each command. ``schemas/output.schema.json`` describes it.

Additive changes only. Text of others is data here, not escaped for a terminal; but the document is
pure ASCII and holds nothing that a CI runner takes for a command.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence

from reconciler.domain.delivery import Delivery
from reconciler.domain.history import HistoryRow
from reconciler.domain.incident import Incident
from reconciler.domain.journal import Observation, Story
from reconciler.domain.report import EnvironmentHealth, Report, Result, Sync
from reconciler.domain.restoring import Ending, Restored
from reconciler.domain.search import Rebuilt
from reconciler.domain.turns import Holder
from reconciler.errors import ReconcileError
from reconciler.interface.render.brakes_text import brakes_object
from reconciler.interface.render.delivery_text import delivery_object
from reconciler.interface.render.incident_text import incident_object
from reconciler.interface.render.json_story import story_object
from reconciler.interface.render.json_values import (
    Object,
    error_object,
    image_object,
    judgement_object,
    revision_object,
    rounded,
    services_of,
    step_object,
    undo_object,
    utc,
)
from reconciler.interface.render.report_text import notes_of
from reconciler.interface.render.status_text import ServiceStatus, Status

VERSION = 1


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
        more = {
            "remark": status.remark or None,
            "undo": undo_object(status.undo),
            "observation": _observation(status.observation),
            "holder": _holder(status.holder),
            "undelivered": list(status.undelivered),
        }
        environments.append(environment | more)
    return _document("status", environments)


def report_document(reports: Iterable[tuple[Report, int]]) -> str:
    """The answer of ``--once``: reports with their exit codes."""
    return _document("report", [_report(report, code) for report, code in reports])


def history_document(histories: Iterable[tuple[str, Sequence[HistoryRow]]]) -> str:
    """The answer of ``history``: environments with their commits, in the order given."""
    return _document("history", [_history(name, rows) for name, rows in histories])


def stats_document(figures: Mapping[str, Delivery]) -> str:
    """The answer of ``history --stats``."""
    return _document(
        "history", [{**_history(name, ()), "stats": delivery_object(one)} for name, one in figures.items()]
    )


def story_document(story: Story) -> str:
    """The answer of ``history show``: one pass, with its evidence."""
    return _document("history", [{**_past(story), "releases": [], "story": story_object(story)}])


def incident_document(report: Incident) -> str:
    """The answer of ``incident``: one rejected release."""
    return _document("incident", [{**_past(report.story), "incident": incident_object(report)}])


def _past(story: Story) -> Object:
    """An environment as a pass of the past left it; what it is now is not known."""
    run = story.run
    revision = {"commit": run.revision, "branch": None, "short": run.revision[:7]} if run.revision else None
    result = run.result if run.result is not None else Result.FAILED
    unknown = Sync.UNKNOWN, EnvironmentHealth.UNKNOWN
    return {**_environment(run.environment, revision, result, *unknown, 0), "services": []}


def backup_document(environment: str, found: Object, *, acted: bool) -> str:
    """The answer of ``backup``: nothing was looked at but the databases.

    Args:
        environment: its name.
        found: what came of it, or what there is; see ``json_data``.
        acted: whether any was to be made.
    """
    result = Result.CONVERGED if acted and found["copied"] else Result.NO_OP
    known = _environment(environment, None, result, Sync.UNKNOWN, EnvironmentHealth.UNKNOWN, 0)
    return _document("backup", [{**known, "services": [], "error": None, **found}])


def restore_document(environment: str, found: Object, restored: Restored | None, exit_code: int) -> str:
    """The answer of ``restore``; ``restored`` is None for a plan."""
    result = Result.NO_OP
    if restored is not None and restored.done:
        result = Result.CONVERGED if restored.ending is Ending.RESTORED else Result.FAILED
    known = _environment(environment, None, result, Sync.UNKNOWN, EnvironmentHealth.UNKNOWN, exit_code)
    return _document("restore", [{**known, "services": [], **found}])


def reindex_document(
    environment: str, rebuilt: Sequence[Rebuilt], error: ReconcileError | None, exit_code: int
) -> str:
    """The answer of ``reindex``: nothing was looked at but the search server."""
    result = Result.FAILED if error is not None else Result.CONVERGED
    found = {
        **_environment(environment, None, result, Sync.UNKNOWN, EnvironmentHealth.UNKNOWN, exit_code),
        "services": [],
        "error": error_object(error),
        "indexes": [
            {
                "name": one.index,
                "documents": one.documents,
                "documents_before": one.before,
                "duration_seconds": rounded(one.seconds),
                "displaced": one.displaced or None,
                "removed": list(one.removed),
                "note": one.note or None,
            }
            for one in rebuilt
        ],
    }
    return _document("reindex", [found])


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
    revision = revision_object(status.revision)
    return {
        **_environment(status.environment, revision, result, status.sync, status.health, exit_code),
        "services": services_of(status.plan),
        "error": error_object(status.error),
        **brakes_object(status.brakes),
    }


def _service_status(service: ServiceStatus | None) -> Object:
    if service is None:
        return {"health": str(EnvironmentHealth.UNKNOWN), "running": 0, "wanted": None}
    return {"health": str(service.health), "running": service.running, "wanted": service.wanted}


def _report(report: Report, exit_code: int) -> Object:
    outcome = report.outcome
    services = services_of(report.plan)
    for service in services:
        gap = outcome.gap_seconds.get(service["name"]) if outcome else None
        service["gap_seconds"] = None if gap is None else rounded(gap)
    revision = revision_object(report.revision)
    return {
        **_environment(report.environment, revision, report.result, report.sync, report.health, exit_code),
        "started_at": utc(report.started_at),
        "duration_seconds": rounded(report.seconds),
        "services": services,
        "judgement": judgement_object(outcome.judgement if outcome else None),
        "restored": judgement_object(outcome.restored if outcome else None),
        "error": error_object(report.error),
        "excerpts": dict(sorted(outcome.excerpts.items())) if outcome else {},
        "notes": list(notes_of(report)),
        "steps": [step_object(step) for step in report.steps],
        "run": report.run or None,
        "exonerated": list(outcome.exonerated) if outcome else [],
        "undo": undo_object(report.undo),
        **brakes_object(report.brakes),
    }


def _holder(holder: Holder | None) -> Object | None:
    if holder is None:
        return None
    return {"who": holder.who, "since": utc(holder.since), "until": utc(holder.until)}


def _observation(observation: Observation | None) -> Object | None:
    if observation is None:
        return None
    return {
        "run": observation.run,
        "revision": observation.revision,
        "until": utc(observation.until),
        "failing": [{"check": name, "due_at": utc(due)} for name, due in observation.failing],
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
        "at": utc(row.at),
        "author": row.author,
        "subject": row.subject,
        "changes": [
            {"name": service, "from": image_object(before), "to": image_object(after)}
            for service, before, after in sorted(row.changes)
        ],
        "rollback_of": row.rollback_of or None,
        "reason": row.reason or None,
        "run": row.run or None,
        "result": row.result or None,
        "duration_seconds": rounded(row.seconds) if row.seconds is not None else None,
        "rolled_back_by": row.rolled_back_by if row.rollback_of else None,
        "committed": row.committed,
    }
