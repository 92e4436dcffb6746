"""How releases go: the four figures by which teams compare themselves (https://dora.dev/guides/dora-metrics/)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from reconciler.domain.history import HistoryRow
from reconciler.domain.report import Result

_WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Delivery:
    """The releases of one environment in a span of time.

    Args:
        since: the beginning of the span.
        until: its end.
        releases: how many commits released something; rollbacks are none.
        failed: how many of them were rolled back, by whomever.
        restored_seconds: how long each rollback took: the pass, where the journal knows it; else from the
            commit that was undone to the one that undid it.
        lead_seconds: of each release that the journal knows: from its commit until its gate had passed it.
    """

    since: datetime
    until: datetime
    releases: int
    failed: int
    restored_seconds: tuple[float, ...] = ()
    lead_seconds: tuple[float, ...] = ()

    @property
    def weekly(self) -> float:
        """How many releases there are in a week."""
        return self.releases / max((self.until - self.since) / _WEEK, 1 / 7)

    @property
    def failure_rate(self) -> float | None:
        """The share of releases that were rolled back, 0 to 1; None where there were none."""
        return self.failed / self.releases if self.releases else None

    @property
    def time_to_restore(self) -> float | None:
        """The median, in seconds; None where nothing was rolled back."""
        return median(self.restored_seconds) if self.restored_seconds else None

    @property
    def lead_time(self) -> float | None:
        """The median, in seconds; None where the journal knows of none."""
        return median(self.lead_seconds) if self.lead_seconds else None


def delivery(rows: Sequence[HistoryRow], since: datetime, until: datetime) -> Delivery:
    """What the releases of one environment came to.

    Args:
        rows: its whole history, newest first: what was undone may be older than the span.
        since: the beginning of the span; where the history begins later, that counts.
        until: its end.
    """
    inside = [row for row in rows if since <= row.at <= until]
    releases = [row for row in inside if not row.rollback_of and row.changes]
    rollbacks = [row for row in inside if row.rollback_of]
    undone = {one.revision for one in (_undone(back, rows) for back in rollbacks) if one is not None}
    oldest = min((row.at for row in rows), default=since)
    return Delivery(
        since=max(since, min(oldest, until)),
        until=until,
        releases=len(releases),
        failed=sum(row.revision in undone for row in releases),
        restored_seconds=tuple(_known(seconds_to_restore(row, rows) for row in rollbacks)),
        lead_seconds=tuple(_known(_lead(row) for row in releases)),
    )


def seconds_to_restore(row: HistoryRow, rows: Sequence[HistoryRow]) -> float | None:
    """How long a rollback took; None where that is not known. See ``Delivery.restored_seconds``.

    Args:
        row: the rollback.
        rows: where the commit may be that it undid.
    """
    if row.seconds is not None:
        return row.seconds
    undone = _undone(row, rows)
    return max((row.at - undone.at).total_seconds(), 0.0) if undone is not None else None


def _undone(row: HistoryRow, rows: Sequence[HistoryRow]) -> HistoryRow | None:
    """The row that a rollback names, by a commit that may be abbreviated."""
    own = (one for one in rows if one.environment == row.environment and one.committed)
    return next((one for one in own if row.rollback_of and one.revision.startswith(row.rollback_of)), None)


def _lead(row: HistoryRow) -> float | None:
    if row.ended_at is None or row.result != Result.CONVERGED:
        return None
    return max((row.ended_at - row.at).total_seconds(), 0.0)


def _known(values: Iterable[float | None]) -> Iterable[float]:
    return (value for value in values if value is not None)
