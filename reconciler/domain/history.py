"""What was released when: the commits of a pins file, as values, with what a host wrote down about them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from reconciler.domain.blocking import digest
from reconciler.domain.journal import Run
from reconciler.domain.report import Result

OURSELVES = "reconcile"
"""Who rolls back where no person does."""
_UNDONE = (Result.ROLLED_BACK, Result.ROLLBACK_FAILED)

Changes = tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """One commit that changed the pins of one environment, or a rollback that Git was not told of.

    ``revision`` is the full commit id, ``at`` its date with a time zone. ``changes`` are
    ``(service, before, after)`` sorted by service, as image references, empty where there was or is no
    pin. ``rollback_of`` is the commit that was undone, possibly abbreviated: by the trailer
    ``Reconcile-Rollback-Of``, or by content (see ``domain.reverts``); ``reason`` is the trailer
    ``Reconcile-Reason``. Both are empty on a commit that is no rollback.

    ``run``, ``seconds``, ``result`` and ``ended_at`` are of the pass that released it, or that rolled
    back, as far as the journal of this host knows. ``automatic`` are rollbacks that no person asked for.
    """

    environment: str
    revision: str
    at: datetime
    author: str
    subject: str
    changes: Changes = ()
    rollback_of: str = ""
    reason: str = ""
    run: str = ""
    seconds: float | None = None
    result: str = ""
    automatic: bool = False
    ended_at: datetime | None = None

    @property
    def committed(self) -> bool:
        """Whether it is a commit. A rollback on the host alone has the revision of what it undid."""
        return self.revision != self.rollback_of

    @property
    def rolled_back_by(self) -> str:
        """Who rolled back, where it is a rollback."""
        return OURSELVES if self.automatic else self.author


def with_runs(rows: Sequence[HistoryRow], runs: Iterable[Run]) -> tuple[HistoryRow, ...]:
    """The rows with what the journal knows, and with the rollbacks that only the journal knows.

    A commit gets the newest pass that released it. A rollback of the host alone stands above the release that
    it undid: commit dates are not to be trusted.

    Args:
        rows: of one environment, newest first.
        runs: the passes over it, newest first.
    """
    index = _Index.of(rows)
    told = {row.run for row in rows if row.run}
    newest: dict[int, Run] = {}
    own: dict[int, list[HistoryRow]] = {}
    known: dict[str, Run] = {}
    for run in runs:
        known.setdefault(run.id, run)
        place = index.find(run)
        if place is not None:
            newest.setdefault(place, run)
        if run.result in _UNDONE and run.id not in told:
            release = rows[place].revision if place is not None else run.revision
            above = place if place is not None else _by_date(rows, run)
            own.setdefault(above, []).append(_rollback(run, release))
    joined: list[HistoryRow] = []
    for place, row in enumerate(rows):
        joined += [*own.get(place, ()), _told(row, known.get(row.run) if row.run else newest.get(place))]
    return (*joined, *own.get(len(rows), ()))


@dataclass(frozen=True, slots=True)
class _Index:
    """Which row a pass released; ``moved`` are the pins that each row moved, by place."""

    rows: Sequence[HistoryRow]
    places: dict[str, int]
    moved: tuple[frozenset[tuple[str, str]], ...]

    @classmethod
    def of(cls, rows: Sequence[HistoryRow]) -> _Index:
        places = {row.revision: place for place, row in enumerate(rows)}
        return cls(rows, places, tuple(_moved(row.changes) for row in rows))

    def find(self, run: Run) -> int | None:
        """The place of its row: the pass's revision, or where that moved no pin the newest with its pins."""
        moved = _moved(run.changes)
        if run.revision in self.places:
            place = self.places[run.revision]
            return place if moved & self.moved[place] else None
        return next(
            (
                place
                for place, row in enumerate(self.rows)
                if row.at <= run.started_at and moved & self.moved[place]
            ),
            None,
        )


def _moved(changes: Changes) -> frozenset[tuple[str, str]]:
    """Services and the digests that they went to; a container that was only repaired went nowhere."""
    return frozenset(
        (service, digest(after))
        for service, before, after in changes
        if after and digest(before) != digest(after)
    )


def _by_date(rows: Sequence[HistoryRow], run: Run) -> int:
    """Above which row a pass belongs whose release is not among them."""
    older = (place for place, row in enumerate(rows) if row.at <= run.started_at)
    return next(older, len(rows))


def _told(row: HistoryRow, run: Run | None) -> HistoryRow:
    if run is None:
        return row
    return replace(row, run=run.id, seconds=run.seconds, result=str(run.result or ""), ended_at=_end(run))


def _end(run: Run) -> datetime | None:
    return run.started_at + timedelta(seconds=run.seconds) if run.seconds is not None else None


def _rollback(run: Run, release: str) -> HistoryRow:
    return HistoryRow(
        environment=run.environment,
        revision=release,
        at=run.started_at + timedelta(seconds=run.seconds or 0.0),
        author=OURSELVES,
        subject=f'Roll back "{run.subject}"' if run.subject else "Roll back",
        changes=tuple((name, after, before) for name, before, after in run.changes if before != after),
        rollback_of=release,
        reason=run.reason,
        run=run.id,
        seconds=run.seconds,
        result=str(run.result or ""),
        automatic=True,
    )
