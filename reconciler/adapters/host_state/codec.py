"""The journal's values as JSON and back: every type and field by name, nothing else.

What an older version did not write reads as the field's default, and what a newer one wrote beside is
ignored. Text that cannot be read at all means that the file is damaged.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from reconciler.adapters.host_state.damage import Damaged
from reconciler.domain.blocking import Block, Good, Kept
from reconciler.domain.data import Contract
from reconciler.domain.journal import Observation, Run
from reconciler.domain.report import Result, Step
from reconciler.domain.undo import Undo, UndoState

T = TypeVar("T")
Object = dict[str, Any]
Written = Mapping[str, Any]


def encoded(value: Object) -> str:
    """JSON in pure ASCII: text from outside may hold what is no UTF-8."""
    return json.dumps(value, separators=(",", ":"))


def decoded(read: Callable[[Written], T], text: str) -> T:
    """What ``read`` makes of an object in JSON.

    Raises:
        Damaged: it is none, or lacks what it must have.
    """
    try:
        return read(json.loads(text))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Damaged(f"an entry cannot be read: {error}") from error


def time_text(at: datetime) -> str:
    """A time in UTC; texts sort as their times do."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def time_from(text: str) -> datetime:
    """The time that ``time_text`` wrote."""
    return datetime.fromisoformat(text)


def run_object(run: Run) -> Object:
    return {
        "id": run.id,
        "environment": run.environment,
        "started_at": time_text(run.started_at),
        "revision": run.revision,
        "subject": run.subject,
        "by": run.by,
        "changes": run.changes,
        "result": run.result,
        "seconds": run.seconds,
        "reason": run.reason,
    }


def run_from(written: Written) -> Run:
    result = written.get("result")
    return Run(
        id=written["id"],
        environment=written["environment"],
        started_at=time_from(written["started_at"]),
        revision=written.get("revision", ""),
        subject=written.get("subject", ""),
        by=written.get("by", ""),
        changes=_triples(written.get("changes", ())),
        result=Result(result) if result is not None else None,
        seconds=written.get("seconds"),
        reason=written.get("reason", ""),
    )


def step_object(step: Step) -> Object:
    return {
        "verb": step.verb,
        "subject": step.subject,
        "seconds": step.seconds,
        "detail": step.detail,
        "good": step.good,
        "finished": step.finished,
    }


def step_from(written: Written) -> Step:
    return Step(
        verb=written["verb"],
        subject=written["subject"],
        seconds=written["seconds"],
        detail=written.get("detail", ""),
        good=written.get("good", True),
        finished=written.get("finished", True),
    )


def block_object(block: Block) -> Object:
    return {
        **good_object(
            Good(block.service, block.image, block.config_hash, block.compose_version, "", block.at)
        ),
        "run": block.run,
        "reason": block.reason,
        "waits_for": block.waits_for,
        "kept": _kept_object(block.kept) if block.kept is not None else None,
    }


def _kept_object(kept: Kept) -> Object:
    return {"contract": str(kept.contract), "backup": kept.backup, "restoring": kept.restoring}


def block_from(written: Written) -> Block:
    good = good_from(written)
    return Block(
        service=good.service,
        image=good.image,
        config_hash=good.config_hash,
        compose_version=good.compose_version,
        run=good.run,
        reason=written.get("reason", ""),
        at=good.at,
        waits_for=tuple(written.get("waits_for", ())),
        kept=_kept_from(written["kept"]) if written.get("kept") else None,
    )


def _kept_from(written: Written) -> Kept:
    return Kept(Contract(written["contract"]), written.get("backup", ""), written.get("restoring", False))


def good_object(good: Good) -> Object:
    return {
        "service": good.service,
        "image": good.image,
        "config_hash": good.config_hash,
        "compose_version": good.compose_version,
        "run": good.run,
        "at": time_text(good.at),
    }


def good_from(written: Written) -> Good:
    return Good(
        service=written["service"],
        image=written["image"],
        config_hash=written.get("config_hash", ""),
        compose_version=written.get("compose_version", ""),
        run=written.get("run", ""),
        at=time_from(written["at"]),
    )


def undo_object(undo: Undo) -> Object:
    return {
        "run": undo.run,
        "release": undo.release,
        "moves": undo.moves,
        "blocked": undo.blocked,
        "reason": undo.reason,
        "state": undo.state,
        "commit": undo.commit,
        "detail": undo.detail,
        "attempts": undo.attempts,
        "again_at": time_text(undo.again_at) if undo.again_at is not None else None,
    }


def undo_from(written: Written) -> Undo:
    again = written.get("again_at")
    return Undo(
        run=written["run"],
        release=written["release"],
        moves=_triples(written.get("moves", ())),
        blocked=tuple(written.get("blocked", ())),
        reason=written.get("reason", ""),
        state=UndoState(written.get("state", UndoState.PENDING)),
        commit=written.get("commit", ""),
        detail=written.get("detail", ""),
        attempts=written.get("attempts", 0),
        again_at=time_from(again) if again is not None else None,
    )


def observation_object(observation: Observation) -> Object:
    return {
        "run": observation.run,
        "revision": observation.revision,
        "until": time_text(observation.until),
        "failing": [(name, time_text(due)) for name, due in observation.failing],
    }


def observation_from(written: Written) -> Observation:
    return Observation(
        run=written["run"],
        revision=written["revision"],
        until=time_from(written["until"]),
        failing=tuple((name, time_from(due)) for name, due in written.get("failing", ())),
    )


def _triples(written: Sequence[Sequence[str]]) -> tuple[tuple[str, str, str], ...]:
    return tuple((one, two, three) for one, two, three in written)
