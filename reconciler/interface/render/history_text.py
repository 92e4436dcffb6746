"""The releases of environments: a table for people, and the runbook's for rollbacks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from reconciler.domain.delivery import seconds_to_restore
from reconciler.domain.foreign import foreign, markdown_cell
from reconciler.domain.history import HistoryRow
from reconciler.domain.report import Result
from reconciler.interface.render.phrases import duration, transition
from reconciler.interface.render.style import Style, table

_HEADING: tuple[str, ...] = ("REVISION", "DATE (UTC)", "ENVIRONMENT", "AUTHOR", "SUBJECT", "CHANGES")
_OTHER_COLUMNS = 68
_RUNBOOK = ("Date", "Environment", "Reason", "Rolled Back By", "Duration", "Resolution")


def history_text(rows: Sequence[HistoryRow], style: Style) -> str:
    """Commits and what each pinned, in the order given; one line for each service."""
    if not rows:
        return "No releases."
    lines = [_HEADING, *(line for row in rows for line in _lines(row, style.width))]
    if len({row.environment for row in rows}) == 1:
        lines = [line[:2] + line[3:] for line in lines]
    return "\n".join(table(lines, style))


def rollbacks(rows: Sequence[HistoryRow]) -> list[HistoryRow]:
    """The rows that undo an earlier one."""
    return [row for row in rows if row.rollback_of]


def runbook_table(rows: Sequence[HistoryRow]) -> str:
    """The rollbacks among ``rows`` as the Markdown table of the runbook.

    The duration is that of the pass, where the journal knows it; else that from the commit that was undone
    to the one that undid it, as far as ``rows`` hold both. The resolution is what was pinned again, and the
    first later release of the same services.
    """
    head = [f"| {' | '.join(_RUNBOOK)} |", f"|{'|'.join('-' * (len(name) + 2) for name in _RUNBOOK)}|"]
    body = [_runbook_row(row, rows) for row in rollbacks(rows)] or ["| - | - | - | - | - | - |"]
    return "\n".join([*head, *body])


def moment(at: datetime) -> str:
    """A time for people, in UTC, to the minute."""
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M")


def change_text(change: tuple[str, str, str]) -> str:
    """``web 1.4.1 → 1.4.2``, ``web new 1.4.2`` or ``web 1.4.1 unpinned``."""
    service, before, after = change
    images = transition(before, after)
    if not before:
        images = f"new {images}"
    elif not after:
        images = f"{images} unpinned"
    return f"{foreign(service, 40)} {images}"


def _lines(row: HistoryRow, width: int) -> list[tuple[str, ...]]:
    """The lines of one commit; those after the first hold only changes."""
    changes = [change_text(change) for change in row.changes] or ["-"]
    if row.rollback_of:
        changes[0] += f"  (rollback of {_undone(row)})"
    first = (
        foreign(row.revision[:7]) if row.committed else "-",
        moment(row.at),
        foreign(row.environment, 20),
        foreign(row.author, 20),
        foreign(row.subject, max(width - _OTHER_COLUMNS, 20)),
    )
    return [(*first, changes[0]), *(("", "", "", "", "", change) for change in changes[1:])]


def _undone(row: HistoryRow) -> str:
    """What a rollback undid, and which pass did that by itself."""
    run = f", run {foreign(row.run, 20)}" if row.automatic else ""
    took = f", {duration(row.seconds)}" if row.automatic and row.seconds is not None else ""
    return f"{foreign(row.rollback_of[:7])}{run}{took}"


def _runbook_row(row: HistoryRow, rows: Sequence[HistoryRow]) -> str:
    reason = row.reason or row.subject
    cells = [
        f"{moment(row.at)} UTC",
        row.environment,
        reason,
        row.rolled_back_by,
        _took(row, rows),
        _resolution(row, rows),
    ]
    return f"| {' | '.join(markdown_cell(cell) for cell in cells)} |"


def _took(row: HistoryRow, rows: Sequence[HistoryRow]) -> str:
    seconds = seconds_to_restore(row, rows)
    return "-" if seconds is None else duration(seconds)


def _resolution(row: HistoryRow, rows: Sequence[HistoryRow]) -> str:
    done = ", ".join(change_text(change) for change in row.changes) or "-"
    if row.automatic and row.result == Result.ROLLBACK_FAILED:
        done = f"could not be restored: {done}"
    services = {change[0] for change in row.changes}
    newer = rows[: list(rows).index(row)]  # the order of history: two commits may be of one second
    later = [
        r
        for r in newer
        if r.environment == row.environment and not r.rollback_of
        if services & {change[0] for change in r.changes}
    ]
    if not later:
        return done
    following = later[-1]
    pinned = ", ".join(change_text(change) for change in following.changes if change[0] in services)
    return f"{done}; later {pinned} ({following.revision[:7]})"
