"""Events from what a pass did. Keys are made of what happened, so that finding it twice makes one event."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from reconciler.domain.blocking import same_pin
from reconciler.domain.desired import Revision
from reconciler.domain.events import Event, Kind
from reconciler.domain.gate import Judgement
from reconciler.domain.image import short_name
from reconciler.domain.plan import Change, Entry, Plan
from reconciler.domain.report import EnvironmentHealth, Report, Result, Sync
from reconciler.domain.severity import Severity
from reconciler.domain.told import Told, Trouble
from reconciler.errors import Locked, Stale

Moves = tuple[tuple[str, str, str], ...]

LONGEST_REASON, LONGEST_SUBJECT, MOST_MOVES = 1000, 200, 50

_GIT_MOVED = (Change.CHANGE, Change.NEW, Change.REMOVED)
_BY_FAULT = {Result.ROLLED_BACK: Kind.ROLLED_BACK, Result.ROLLBACK_FAILED: Kind.ROLLBACK_FAILED}


def moves_of(plan: Plan) -> Moves:
    """The services that a plan releases, with their images before and after; empty where it only repairs."""
    return tuple(
        (entry.name, entry.before, entry.after)
        for entry in plan.entries
        if entry.actions and entry.change in _GIT_MOVED
    )


def started(environment: str, run: str, at: datetime, revision: Revision, moves: Moves) -> Event:
    """A release has begun.

    Args:
        environment: where.
        run: the pass.
        at: when, in UTC.
        revision: the commit.
        moves: see ``moves_of``; not empty.
    """
    words = f"the release of {moved_words(moves)} in {environment} has begun"
    event = _of_run(Kind.RELEASE_STARTED, environment, run, at, Severity.LOW, words)
    return _of_revision(replace(event, moves=moves[:MOST_MOVES]), revision)


def rejected(
    environment: str,
    run: str,
    at: datetime,
    judgement: Judgement,
    revision: Revision,
    moves: Moves,
    told: Told,
) -> Event:
    """The gate rejected a release; what ran before is being put back.

    Args:
        environment: where.
        run: the pass that released it.
        at: when, in UTC.
        judgement: the gate's.
        revision: the commit.
        moves: what it released.
        told: knows which release that was.
    """
    words = f"the release of {moved_words(moves)} in {environment} was rejected"
    event = _of_run(Kind.REJECTED, environment, run, at, severity_of(judgement), words)
    event = replace(event, reason=_cut(judgement.reason, LONGEST_REASON), moves=moves[:MOST_MOVES])
    return _within(_of_revision(event, revision), told)


def ended(report: Report, at: datetime, told: Told, late: tuple[str, Moves] | None = None) -> Iterator[Event]:
    """What a pass has to tell at its end, in order; nothing where all is as it was told last.

    Args:
        report: the pass.
        at: when it ended, in UTC.
        told: what was told last. Each event has to be weighed against what was told before it.
        late: of a release that was kept and failed since, the run that released it, and what it moved.
    """
    event = _outcome(report, at, told, late)
    if event is not None:
        yield event
    if told.trouble is not None and over(told.trouble, report):
        yield _recovered(report, at, told.trouble)
        told = Told(told.release)
    if told.trouble is None and (found := drift_left(report)):
        yield _drift_found(report, at, found)


def over(trouble: Trouble, report: Report) -> bool:
    """Whether a pass shows that a trouble is over."""
    if report.result in (Result.FAILED, Result.ROLLBACK_FAILED):
        return False
    if trouble.kind is Kind.ROLLBACK_FAILED:
        return report.health is EnvironmentHealth.HEALTHY
    return trouble.kind is not Kind.DRIFT_FOUND or not drift_left(report)


def drift_left(report: Report) -> tuple[Entry, ...]:
    """What differs on the host and is left alone, though nobody holds the environment."""
    if report.plan is None or report.error is not None or report.brakes.in_force:
        return ()
    return tuple(
        entry
        for entry in report.plan.entries
        if entry.change is Change.HELD and not entry.actions and same_pin(entry.before, entry.after)
    )


def severity_of(judgement: Judgement | None) -> Severity:
    """How much a rejection matters: as much as the gravest check that decided it."""
    decision = judgement.decision if judgement is not None else None
    return decision.deciding[0].severity if decision is not None and decision.deciding else Severity.HIGH


def moved_words(moves: Moves) -> str:
    """``backend 1.8.2 → 1.8.3, frontend 2``, and how many more."""
    more = f" and {len(moves) - 3} more" if len(moves) > 3 else ""
    return ", ".join(_moved(*one) for one in moves[:3]) + more


# --- One outcome ---------------------------------------------------------------------------------------


def _outcome(report: Report, at: datetime, told: Told, late: tuple[str, Moves] | None) -> Event | None:
    match report.result:
        case Result.FAILED:
            return _failed(report, at, told)
        case Result.ROLLED_BACK | Result.ROLLBACK_FAILED:
            return _rolled_back(report, at, told, late)
        case Result.CONVERGED if report.plan is not None and moves_of(report.plan):
            return _converged(report, at, told, moves_of(report.plan))
        case _ if told.release is not None and (end := _end_of_killed(told.release, report, at)) is not None:
            return end
        case Result.CONVERGED:
            return _repaired(report, at)
        case _:
            return None


def _converged(report: Report, at: datetime, told: Told, moves: Moves) -> Event:
    words = f"{moved_words(moves)} runs in {report.environment}"
    event = _of_report(Kind.CONVERGED, report, at, Severity.LOW, words)
    return _within(replace(event, moves=moves[:MOST_MOVES]), told)


def _rolled_back(report: Report, at: datetime, told: Told, late: tuple[str, Moves] | None) -> Event:
    run, moves = late or (report.run, moves_of(report.plan) if report.plan is not None else ())
    what = f"the release of {moved_words(moves)}" if moves else "a release"
    judgement = report.outcome.judgement if report.outcome is not None else None
    if report.result is Result.ROLLED_BACK:
        severity, words = severity_of(judgement), f"{what} in {report.environment} was rolled back"
    else:
        severity = Severity.CRITICAL
        words = f"{what} in {report.environment} was rejected, and what ran before could not be restored"
    event = _of_report(_BY_FAULT[report.result], report, at, severity, words)
    incident = f"{report.environment}/{run}" if run else event.incident
    event = replace(event, incident=incident, moves=moves[:MOST_MOVES])
    if judgement is not None:
        event = replace(event, reason=_cut(judgement.reason, LONGEST_REASON))
    return event if late else _within(event, told)


def _failed(report: Report, at: datetime, told: Told) -> Event | None:
    """A pass that could not be made. That somebody else acts just now, or that Git moved on, is none."""
    if report.error is None or isinstance(report.error, (Locked, Stale)):
        return None
    severity = Severity.HIGH if report.run else Severity.MEDIUM
    words = f"{report.environment} could not be brought to what Git says"
    event = _of_report(Kind.FAILED, report, at, severity, words)
    event = replace(event, reason=_cut(report.error.problem, LONGEST_REASON))
    if report.run:
        event = _within(event, told)
    trouble = told.trouble
    return replace(event, incident=trouble.incident) if trouble is not None else event


def _end_of_killed(release: Event, report: Report, at: datetime) -> Event | None:
    """How a release ended whose pass was killed before it could say so; None where it has not, or is gone."""
    environment, moves = release.environment, release.moves
    if release.kind is Kind.REJECTED:
        if report.health is not EnvironmentHealth.HEALTHY or not _back(moves, report):
            return None
        kind, words = (
            Kind.ROLLED_BACK,
            f"the release of {moved_words(moves)} in {environment} was rolled back",
        )
    elif _runs(moves, report):
        kind, words = Kind.CONVERGED, f"{moved_words(moves)} runs in {environment}"
    else:
        return None
    key = f"{environment}/{release.run}/{kind}"
    return replace(release, key=key, kind=kind, at=at, summary=words)


def _repaired(report: Report, at: datetime) -> Event | None:
    repaired = [entry for entry in (report.plan.entries if report.plan else ()) if entry.actions]
    if not repaired:
        return None
    words = f"drift was repaired in {report.environment}: {_listed(repaired)}"
    event = _of_report(Kind.DRIFT_REPAIRED, report, at, Severity.LOW, words)
    return replace(event, reason=_causes(repaired))


def _drift_found(report: Report, at: datetime, found: tuple[Entry, ...]) -> Event:
    words = f"drift in {report.environment} is left alone: {_listed(found)}"
    event = _of_report(Kind.DRIFT_FOUND, report, at, Severity.MEDIUM, words)
    return replace(event, reason=_causes(found))


def _recovered(report: Report, at: datetime, trouble: Trouble) -> Event:
    minutes = max((at - trouble.since).total_seconds(), 0.0) / 60
    words = f"it is over after {minutes:.0f} min: {trouble.summary}"
    event = _of_report(Kind.RECOVERED, report, at, trouble.severity, words)
    key = f"{report.environment}/{Kind.RECOVERED}/{trouble.incident}/{_stamp(trouble.since)}"
    return replace(event, key=key, incident=trouble.incident)


# --- Parts ---------------------------------------------------------------------------------------------


def _of_report(kind: Kind, report: Report, at: datetime, severity: Severity, summary: str) -> Event:
    if report.run:
        event = _of_run(kind, report.environment, report.run, at, severity, summary)
    else:
        key = f"{report.environment}/{kind}/{_stamp(report.started_at)}"
        incident = f"{report.environment}/{_stamp(report.started_at)}"
        event = Event(key, kind, report.environment, at, severity, summary, incident)
    return _of_revision(event, report.revision) if report.revision is not None else event


def _of_run(kind: Kind, environment: str, run: str, at: datetime, severity: Severity, summary: str) -> Event:
    incident = f"{environment}/{run}"
    return Event(f"{incident}/{kind}", kind, environment, at, severity, summary, incident, run)


def _of_revision(event: Event, revision: Revision) -> Event:
    subject = _cut(revision.subject, LONGEST_SUBJECT)
    return replace(
        event, revision=revision.commit, subject=subject, by=_cut(revision.author, LONGEST_SUBJECT)
    )


def _within(event: Event, told: Told) -> Event:
    """The event as one of the release that was told to have begun; who goes on with it has another run."""
    begun = told.release
    if begun is None or (event.moves and not {m[0] for m in event.moves} & {m[0] for m in begun.moves}):
        return event
    return replace(event, incident=begun.incident)


def _runs(moves: Moves, report: Report) -> bool:
    """Whether what a release brought is what runs, and nothing is left to do."""
    if report.plan is None or report.sync is not Sync.SYNCED or not moves:
        return False
    wanted = {entry.name: entry.after for entry in report.plan.entries}
    return all(same_pin(after, wanted[name]) if name in wanted else not after for name, _, after in moves)


def _back(moves: Moves, report: Report) -> bool:
    """Whether what ran before a release runs again, and nothing is left to do about it."""
    there = {entry.name: entry for entry in (report.plan.entries if report.plan is not None else ())}
    return bool(moves) and all(
        not before or (name in there and not there[name].actions and same_pin(there[name].before, before))
        for name, before, _ in moves
    )


def _moved(name: str, before: str, after: str) -> str:
    if not after:
        return f"{name} (removed)"
    return f"{name} {short_name(before)} → {short_name(after)}" if before else f"{name} {short_name(after)}"


def _listed(entries: list[Entry] | tuple[Entry, ...]) -> str:
    more = f" and {len(entries) - 5} more" if len(entries) > 5 else ""
    return ", ".join(entry.name for entry in entries[:5]) + more


def _causes(entries: list[Entry] | tuple[Entry, ...]) -> str:
    return _cut("; ".join(f"{entry.name}: {entry.cause}" for entry in entries), LONGEST_REASON)


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def _stamp(at: datetime) -> str:
    return f"{at:%Y%m%dT%H%M%S.%fZ}"
