"""The values of the JSON documents: the same thing looks the same wherever it appears."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from reconciler.domain.desired import Revision
from reconciler.domain.gate import Judgement, Sample
from reconciler.domain.image import ImageRef
from reconciler.domain.plan import Action, Create, Entry, Plan, Remove, Replace, Restart, Start
from reconciler.domain.report import Step
from reconciler.domain.severity import Decision, Reaction, Ruling
from reconciler.domain.undo import Undo
from reconciler.errors import Invalid, ReconcileError
from reconciler.interface.render.plan_text import containers

Object = dict[str, Any]


def revision_object(revision: Revision | None) -> Object | None:
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


def services_of(plan: Plan | None) -> list[Object]:
    entries = plan.entries if plan else ()
    return [service_object(entry) for entry in sorted(entries, key=lambda entry: entry.name)]


def service_object(entry: Entry) -> Object:
    return {
        "name": entry.name,
        "change": str(entry.change),
        "cause": entry.cause,
        "from": image_object(entry.before),
        "to": image_object(entry.after),
        "pinned": entry.pinned,
        "actions": [action_object(action) for action in entry.actions],
    }


def image_object(text: str) -> Object | None:
    """An image in its parts; one that is no reference stays whole."""
    if not text:
        return None
    try:
        image = ImageRef.parse(text) if not text.startswith("sha256:") else ImageRef(text)
    except ValueError:
        image = ImageRef(text)
    return {"image": image.repository, "tag": image.tag or None, "digest": image.digest or None}


def action_object(action: Action) -> Object:
    match action:
        case Create():
            verb = "create"
        case Start():
            verb = "start"
        case Restart():
            verb = "restart"
        case Replace():
            verb = "replace"
        case Remove():
            verb = "remove"
    names = list(containers(action))
    count = action.count if isinstance(action, Create) else len(names)
    return {"verb": verb, "count": count, "containers": names, "cause": action.cause}


def judgement_object(judgement: Judgement | None) -> Object | None:
    if judgement is None:
        return None
    return {
        "verdict": str(judgement.verdict),
        "reason": judgement.reason,
        "samples": [sample_object(sample) for sample in judgement.deciding],
        "duration_seconds": rounded(judgement.seconds),
        "decision": decision_object(judgement.decision),
        "tallies": [
            tally_object(t.subject, t.samples, t.good, t.slowest_seconds, t.last) for t in judgement.tallies
        ],
    }


def sample_object(sample: Sample) -> Object:
    return {
        "subject": sample.subject,
        "evidence": str(sample.evidence),
        "at_seconds": rounded(sample.at_seconds),
        "detail": sample.detail,
    }


def tally_object(subject: str, samples: int, good: int, slowest_seconds: float, last: Sample) -> Object:
    return {
        "subject": subject,
        "samples": samples,
        "good": good,
        "slowest_seconds": rounded(slowest_seconds),
        "last": sample_object(last),
    }


def decision_object(decision: Decision | None) -> Object | None:
    if decision is None:
        return None
    return {
        "rule": decision.rule,
        "phase": str(decision.phase),
        "reaction": reaction_object(decision.reaction),
        "rulings": [ruling_object(ruling) for ruling in decision.rulings],
    }


def ruling_object(ruling: Ruling) -> Object:
    return {
        "check": ruling.check,
        "severity": str(ruling.severity),
        "verdict": str(ruling.verdict),
        "detail": ruling.detail,
        "reaction": reaction_object(ruling.reaction),
    }


def reaction_object(reaction: Reaction) -> Object:
    return {"response": str(reaction.response), "after_seconds": rounded(reaction.after_seconds)}


def undo_object(undo: Undo | None) -> Object | None:
    if undo is None:
        return None
    return {
        "state": str(undo.state),
        "run": undo.run or None,
        "release": undo.release or None,
        "commit": undo.commit or None,
        "detail": undo.detail,
        "reason": undo.reason,
        "moves": [
            {"name": name, "from": image_object(bad), "to": image_object(good)}
            for name, bad, good in undo.moves
        ],
        "blocked": list(undo.blocked),
        "attempts": undo.attempts,
        "again_at": utc(undo.again_at) if undo.again_at else None,
    }


def error_object(error: ReconcileError | None) -> Object | None:
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


def step_object(step: Step) -> Object:
    return {
        "verb": step.verb,
        "subject": step.subject,
        "detail": step.detail,
        "good": step.good,
        "finished": step.finished,
        "duration_seconds": rounded(step.seconds),
    }


def utc(at: datetime) -> str:
    """RFC 3339 in UTC, to the second."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def rounded(seconds: float) -> float:
    return round(seconds, 3)
