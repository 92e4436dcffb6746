"""How a pass began and ended, in the words and the fields of a log line."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from reconciler.domain.foreign import foreign
from reconciler.domain.plan import Change, Entry
from reconciler.domain.report import EnvironmentHealth, Report, Result
from reconciler.domain.triggers import Wake
from reconciler.errors import Invalid, Locked, ReconcileError, Stale
from reconciler.interface.render.brakes_text import brakes_object, report_brakes
from reconciler.interface.render.json_values import (
    Object,
    error_object,
    image_object,
    revision_object,
    rounded,
    undo_object,
)
from reconciler.interface.render.phrases import duration, transition
from reconciler.interface.render.report_text import notes_of
from reconciler.interface.render.undo_text import ahead_of_git
from reconciler.interface.service.log_line import Level

MOST = 5
"""How many changes or findings a line names: it is one line, however much there is to say."""
MOST_WAKES = 2
"""The same of wakes. What a pass does wakes the next one, so long bursts are mostly our own doing."""


def why(wakes: Sequence[Wake]) -> str:
    """``commit main, engine die web-1``; a burst in a few words."""
    said = dict.fromkeys(f"{wake.cause} {foreign(wake.detail, 80)}".rstrip() for wake in wakes)
    return _several(list(said), MOST_WAKES)


def why_fields(wakes: Sequence[Wake]) -> Object:
    """The same as data."""
    return {
        "causes": list(dict.fromkeys(str(wake.cause) for wake in wakes)),
        "details": list(dict.fromkeys(wake.detail for wake in wakes if wake.detail))[:MOST],
        "wakes": len(wakes),
    }


def level_of(report: Report) -> Level:
    """How much the end of a pass matters."""
    if report.error is not None:
        return level_of_error(report.error)
    if report.result in (Result.FAILED, Result.ROLLBACK_FAILED):
        return Level.ERROR
    unwell = report.health in (EnvironmentHealth.DEGRADED, EnvironmentHealth.MISSING)
    return Level.WARNING if unwell or report.result is Result.ROLLED_BACK else Level.INFO


def level_of_error(error: ReconcileError) -> Level:
    """What the next pass puts right by itself is no error."""
    return Level.WARNING if isinstance(error, (Locked, Stale)) else Level.ERROR


def ending(report: Report, next_seconds: float) -> str:
    """``web 1.4.1 → 1.4.2 in 51s, main@8f3c2d1, synced, healthy, run 01J9ZK3V7Q, next look in 60s``."""
    acted = _acted(report)
    changes = _several([_change(entry) for entry in acted])
    ahead = ahead_of_git(report.undo)
    said = [
        f"{changes} in {duration(report.seconds)}".lstrip(),
        _reason(report),
        *(_held(report) or report_brakes(report)),
        foreign(report.revision.short()) if report.revision else "",
        f"{report.sync}, {report.health}",
        f"run {foreign(report.run)}" if report.run else "",
        ahead,
        *(f"note: {foreign(note, 200)}" for note in notes_of(report)[:MOST]),
        _next(next_seconds),
    ]
    return ", ".join(words for words in said if words)


def ending_fields(report: Report, next_seconds: float) -> Object:
    """The same as data."""
    return {
        "result": str(report.result),
        "sync": str(report.sync),
        "health": str(report.health),
        "revision": revision_object(report.revision),
        "run": report.run or None,
        "duration_seconds": rounded(report.seconds),
        "next_seconds": rounded(max(next_seconds, 0.0)),
        "changes": [_moved(entry) for entry in _acted(report)],
        "held": [{**_moved(entry), "cause": entry.cause} for entry in _left(report)],
        **brakes_object(report.brakes),
        "reason": report.outcome.judgement.reason if report.outcome else None,
        "error": failure_object(report.error),
        "undo": undo_object(report.undo),
        "notes": list(notes_of(report)),
    }


def failure(error: ReconcileError, next_seconds: float) -> str:
    """``the engine does not answer. Is it running?, again in 4s``."""
    return ", ".join(words for words in (_error(error), _next(next_seconds)) if words)


def failure_object(error: ReconcileError | None) -> dict[str, Any] | None:
    """An error as in every other JSON of ours, with its kind: ``engine_unreachable``."""
    told = error_object(error)
    return None if told is None else {"kind": _snake(type(error).__name__), **told}


def _reason(report: Report) -> str:
    """Why a pass did not do what Git wants."""
    if report.error is not None:
        return _error(report.error)
    rejected = report.outcome is not None and report.result is not Result.CONVERGED
    return foreign(report.outcome.judgement.reason, 300) if rejected and report.outcome else ""


def _error(error: ReconcileError) -> str:
    findings = sorted(error.findings) if isinstance(error, Invalid) else []
    hint = f". {foreign(error.hint, 200)}" if error.hint else ""
    found = f": {_several([foreign(str(finding), 200) for finding in findings])}" if findings else ""
    return f"{foreign(error.problem, 300)}{found}{hint}"


def _held(report: Report) -> list[str]:
    """What is not done on purpose, and why."""
    return [f"{foreign(e.name, 40)} {e.change}: {foreign(e.cause, 200)}" for e in _left(report)[:MOST]]


def _left(report: Report) -> list[Entry]:
    held = (Change.HELD, Change.BLOCKED)
    return [entry for entry in report.plan.entries if entry.change in held] if report.plan else []


def _moved(entry: Entry) -> Object:
    return {
        "name": entry.name,
        "change": str(entry.change),
        "from": image_object(entry.before),
        "to": image_object(entry.after),
    }


def _acted(report: Report) -> list[Entry]:
    return [entry for entry in report.plan.entries if entry.actions] if report.plan else []


def _change(entry: Entry) -> str:
    """``web 1.4.1 → 1.4.2``, or what else is the matter with it."""
    moved = entry.before != entry.after
    return f"{foreign(entry.name, 40)} {transition(entry.before, entry.after) if moved else entry.change}"


def _next(seconds: float) -> str:
    return f"next look in {duration(seconds)}" if seconds > 0 else ""


def _several(words: Sequence[str], most: int = MOST) -> str:
    more = [f"{len(words) - most} more"] if len(words) > most else []
    return ", ".join([*words[:most], *more])


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
