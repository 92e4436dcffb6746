"""Backups and restores in JSON documents."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.app.backup import BackedUp, Listed
from reconciler.app.choosing import Chosen
from reconciler.domain.documents import Backup
from reconciler.domain.restoring import Difference, Restored
from reconciler.interface.render.json_values import (
    Object,
    error_object,
    judgement_object,
    rounded,
    step_object,
    utc,
)


def backed_up_object(made: BackedUp) -> Object:
    """What a backup came to."""
    return {
        "backups": [backup_object(backup) for backup in made.backups],
        "copied": list(made.copied),
        "expired": list(made.expired),
        "partial": [],
        "notes": list(made.notes),
    }


def listed_object(listed: Listed) -> Object:
    """All backups, the newest first."""
    unreadable = [f"{name} is not understood: {why}" for name, why in listed.unreadable]
    return {
        "backups": [backup_object(backup) for backup in listed.backups],
        "copied": [],
        "expired": [],
        "partial": list(listed.partial),
        "notes": unreadable,
    }


def backup_object(backup: Backup) -> Object:
    return {
        "name": backup.name,
        "database": backup.source,
        "taken_at": utc(backup.taken_at),
        "documents": backup.documents,
        "deleted": backup.deleted,
        "digest": backup.digest,
        "sequence": backup.sequence,
        "point_in_time": backup.point_in_time,
        "releases": list(backup.releases),
        "purpose": backup.purpose,
        "together": list(backup.together),
    }


def restore_plan_object(chosen: Chosen, differences: Iterable[Difference]) -> Object:
    """What a restore would do."""
    return {
        "restore": {
            "ending": None,
            "backup": chosen.stamp,
            "databases": [difference_object(one) for one in differences],
            "present": [],
            "exports": [],
            "going": [],
            "judgement": None,
            "steps": [],
            "notes": [],
        },
        "error": None,
    }


def restored_object(restored: Restored) -> Object:
    """What came of a restore."""
    return {
        "restore": {
            "ending": str(restored.ending),
            "backup": restored.backup,
            "databases": [difference_object(one) for one in restored.differences],
            "present": list(restored.present),
            "exports": list(restored.exports),
            "going": list(restored.going),
            "judgement": judgement_object(restored.judgement),
            "steps": [step_object(step) for step in restored.steps],
            "notes": list(restored.notes),
        },
        "duration_seconds": rounded(restored.seconds),
        "error": error_object(restored.error),
    }


def difference_object(one: Difference) -> Object:
    return {
        "name": one.database,
        "backup": one.backup,
        "change": one.changes,
        "come_back": one.returns,
        "go": one.goes,
        "lost": one.changes + one.goes,
        "lost_ids": list(one.lost),
    }
