"""Backups, as text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from reconciler.app.backup import BackedUp, Listed
from reconciler.domain.backups import Purpose
from reconciler.domain.documents import Backup
from reconciler.domain.foreign import columns, foreign
from reconciler.interface.render.phrases import count
from reconciler.interface.render.style import Style, Tone
from reconciler.interface.render.undo_text import clock_time

_WHY: dict[str, str] = {
    Purpose.RELEASE: "before a release",
    Purpose.ASKED: "asked for",
    Purpose.RESTORE: "before a restore",
}
SAME_SERVER = "They are on the server of the data, and no help against the loss of its disk."


def backed_up_text(environment: str, made: BackedUp, style: Style) -> str:
    """What a backup came to, database by database."""
    rows = [
        (foreign(b.source, 60), foreign(b.name, 90), _documents(b), _how(b, made.copied))
        for b in made.backups
    ]
    lines = [f"{foreign(environment, 40)}: {count(len(made.copied), 'database')} copied and verified"]
    lines += _table(rows)
    lines += [f"  older, and not needed any more: {foreign(name, 90)}" for name in made.expired]
    lines += [style.paint(f"  note: {foreign(note)}", Tone.WATCH) for note in made.notes]
    return "\n".join([*lines, SAME_SERVER])


def listed_text(environment: str, listed: Listed, style: Style) -> str:
    """All backups, the newest first."""
    name = foreign(environment, 40)
    if not (listed.backups or listed.partial or listed.unreadable):
        return f"{name} has no backups."
    rows = [
        (foreign(b.name, 90), clock_time(b.taken_at), _documents(b), _why(b), _moment(b))
        for b in listed.backups
    ]
    lines = [f"{name}: {count(len(rows), 'verified backup')}", *_table(rows)]
    lines += [style.paint(line, Tone.WATCH) for line in _not_whole(listed)]
    return "\n".join(lines)


def _not_whole(listed: Listed) -> Iterator[str]:
    for name in listed.partial:
        yield f"  {foreign(name, 90)}  not verified: under way, or interrupted; the next backup removes it"
    for name, why in listed.unreadable:
        yield f"  {foreign(name, 90)}  not understood: {foreign(why, 80)}"


def _documents(backup: Backup) -> str:
    return f"{count(backup.documents, 'document')}, {backup.deleted} deleted"


def _how(backup: Backup, copied: Iterable[str]) -> str:
    return _moment(backup) if backup.name in copied else "nothing written since"


def _moment(backup: Backup) -> str:
    return "" if backup.point_in_time else "not of one moment: it was written to meanwhile"


def _why(backup: Backup) -> str:
    why = (
        _WHY.get(Purpose(backup.purpose), "") if backup.purpose in list(Purpose) else foreign(backup.purpose)
    )
    releases = ", ".join(foreign(release[:7]) for release in backup.releases[-3:])
    return f"{why}, data of {releases}" if releases else why


def _table(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(columns(cell) for cell in column) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell + " " * (width - columns(cell)) for cell, width in zip(row, widths, strict=True))
        yield f"  {'  '.join(cells)}".rstrip()
