"""Backups of databases: their names, what their markers say, and which of them stay."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from reconciler.domain.documents import Backup

MARKER = "reconcile-backup"
"""The local document inside a backup that says what it is. No replication takes it along."""

VERSION = 1
_STAMP = "%Y%m%d-%H%M%S"
_NAME = re.compile(r"(?P<source>.+)_backup_(?P<stamp>\d{8}-\d{6})", re.DOTALL)


class Purpose(StrEnum):
    """Why a backup was made."""

    RELEASE = "release"  # before a release
    ASKED = "asked"  # by a person
    RESTORE = "restore"  # of what was there before a restore


class Unreadable(ValueError):
    """A marker that this version cannot read."""


def stamp_of(at: datetime) -> str:
    """The end of the name of a backup that was begun at ``at``."""
    return at.astimezone(UTC).strftime(_STAMP)


def backup_name(source: str, stamp: str) -> str:
    """What the backup of a database is called, as in the runbook."""
    return f"{source}_backup_{stamp}"


def source_and_stamp(name: str) -> tuple[str, str] | None:
    """The database that a backup is of, and its stamp; None where it is not called like a backup."""
    found = _NAME.fullmatch(name)
    return (found["source"], found["stamp"]) if found else None


def free_stamp(at: datetime, databases: Sequence[str], there: Collection[str]) -> str:
    """A stamp under which there is no backup yet: of ``at``, or of one of the seconds after it."""
    taken = {backup_name(source, "") for source in databases}
    stamps = {name[-15:] for name in there if name[:-15] in taken}
    while stamp_of(at) in stamps:
        at += timedelta(seconds=1)
    return stamp_of(at)


def marker_text(backup: Backup) -> str:
    """What a marker says, as canonical JSON."""
    said = {
        "version": VERSION,
        "source": backup.source,
        "taken_at": backup.taken_at.astimezone(UTC).isoformat(),
        "sequence": backup.sequence,
        "documents": backup.documents,
        "deleted": backup.deleted,
        "digest": backup.digest,
        "point_in_time": backup.point_in_time,
        "releases": list(backup.releases),
        "runs": list(backup.runs),
        "purpose": backup.purpose,
        "together": list(backup.together),
    }
    return json.dumps(said, sort_keys=True)


def read_marker(name: str, text: str) -> Backup | None:
    """The backup that a marker tells of; None where there is no marker.

    Args:
        name: of the database that it was found in.
        text: the marker, empty for none.

    Raises:
        Unreadable: it is damaged, or of a newer version.
    """
    if not text:
        return None
    try:
        said = json.loads(text)
        if said["version"] != VERSION:
            raise Unreadable(f"its marker has version {said['version']}")
        return Backup(
            name=name,
            source=str(said["source"]),
            taken_at=datetime.fromisoformat(said["taken_at"]).astimezone(UTC),
            sequence=str(said["sequence"]),
            documents=int(said["documents"]),
            deleted=int(said["deleted"]),
            digest=str(said["digest"]),
            point_in_time=bool(said["point_in_time"]),
            releases=tuple(str(release) for release in said["releases"]),
            runs=tuple(str(run) for run in said["runs"]),
            purpose=str(said["purpose"]),
            together=tuple(str(one) for one in said["together"]),
        )
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        if isinstance(error, Unreadable):
            raise
        raise Unreadable("its marker cannot be read") from error


def newest(backups: Iterable[Backup], source: str) -> Backup | None:
    """The newest backup of a database; None where it has none."""
    return max((b for b in backups if b.source == source), key=lambda b: b.name, default=None)


def expired(
    backups: Sequence[Backup],
    partial: Collection[str],
    *,
    keep: int,
    protected: Collection[str] = (),
    in_use: Collection[str] = (),
) -> tuple[str, ...]:
    """The names of what is not needed any more, of one database.

    The newest ``keep`` stay, and of each release that can be gone back to the newest that was not made for a
    restore: that is what it left. What has no marker is left over of an attempt that was interrupted; the
    one after the newest verified may still be under way.

    Args:
        backups: the verified ones.
        partial: the names of those without a marker.
        keep: how many stay in any case, at least one.
        protected: the revisions of releases that can be gone back to.
        in_use: the names of those that a restore works with.
    """
    by_age = sorted(backups, key=lambda backup: backup.name, reverse=True)
    stay = {backup.name for backup in by_age[: max(keep, 1)]} | set(in_use)
    for release in protected:
        left = (b.name for b in by_age if release in b.releases and b.purpose != Purpose.RESTORE)
        stay.add(next(left, ""))
    older = [name for name in partial if by_age and name < by_age[0].name and name not in in_use]
    return tuple(sorted([*(b.name for b in by_age if b.name not in stay), *older]))
