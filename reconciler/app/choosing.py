"""Which backups a restore works with, and whether they may be restored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.app.backup import Backups, Listed
from reconciler.app.bring_back import BringBack
from reconciler.domain.backups import Purpose, source_and_stamp
from reconciler.domain.documents import Backup
from reconciler.domain.leaves import digest_of
from reconciler.domain.restoring import Difference, Phase, Restoring, furthest, newest_stamp
from reconciler.errors import Refused
from reconciler.ports import Documents

LIST = "What there is: reconcile backup ENV --list"


@dataclass(frozen=True, slots=True)
class Chosen:
    """The backups to restore, by database, and the restore that is under way already, if one is."""

    backups: Mapping[str, Backup]
    standing: Restoring | None = None

    @property
    def names(self) -> dict[str, str]:
        """The names of the backups, by database."""
        return {database: backup.name for database, backup in self.backups.items()}

    @property
    def stamp(self) -> str:
        """Of the newest of them."""
        return newest_stamp(self.names.values())

    @property
    def untouched(self) -> bool:
        """Whether the data are still what they were before any restore."""
        return self.standing is None or self.standing.phase is not Phase.RESTORING


def choose(backups: Backups, wanted: str = "") -> Chosen:
    """What to restore.

    Args:
        backups: those of the environment.
        wanted: a stamp, or the name of one backup; empty for the newest that was not made for a restore, or
            for that which is being restored already.

    Raises:
        Refused: there is none, it is none, it is of another application, it is not what it was when it was
            verified; or another restore is half done.
        DataUnreachable, PermissionRefused, DataFailed.
    """
    listed = backups.listed()
    standing = furthest(backups.restoring().values())
    if standing is not None and not wanted:
        names = tuple(standing.backups.values())
    else:
        names = _named(backups, listed, wanted)
    chosen = {backup.source: backup for name in names for backup in [_verified(listed, name)]}
    _require_same(standing, {database: backup.name for database, backup in chosen.items()})
    for backup in chosen.values():
        if digest_of(backups.documents.leaves(backup.name)) != backup.digest:
            raise Refused(
                f"the backup {backup.name} is not what it was when it was verified: somebody wrote to it",
                hint=f"Restore another one. {LIST}",
            )
    return Chosen(chosen, standing)


def differences(documents: Documents, chosen: Chosen) -> tuple[Difference, ...]:
    """What restoring these backups does to each database; only looks.

    Raises:
        DataUnreachable, PermissionRefused, DataFailed.
    """
    return tuple(
        BringBack(documents, backup.name, database).difference()
        for database, backup in chosen.backups.items()
    )


def _named(backups: Backups, listed: Listed, wanted: str) -> tuple[str, ...]:
    """The names of the backups that belong together with the one that is wanted, of all databases.

    Of several such sets the one that was made with it: later ones use what had not changed once more.
    """
    sets = [_set(backups, backup) for backup in reversed(listed.backups) if _eligible(backup, wanted)]
    there = {backup.name for backup in listed.backups}
    whole = [names for names in sets if there.issuperset(names)]
    if whole:
        return whole[0] if wanted else whole[-1]
    if not wanted:
        raise Refused("there is no verified backup to restore", hint=LIST)
    if sets and not any(wanted in (name, _stamp(name)) for name in listed.partial):
        raise Refused(
            f"{wanted} is not whole: what was backed up together with it is not there",
            hint=f"Restore another one. {LIST}",
        )
    raise _none(backups, listed, wanted)


def _set(backups: Backups, backup: Backup) -> tuple[str, ...]:
    """What was backed up together, of the databases that are configured today."""
    names = backup.together or (backup.name,)
    return tuple(name for name in names if (source_and_stamp(name) or ("",))[0] in backups.couch.databases)


def _eligible(backup: Backup, wanted: str) -> bool:
    if not wanted:
        return backup.purpose != Purpose.RESTORE
    return any(wanted in (name, _stamp(name)) for name in (backup.name, *backup.together))


def _none(backups: Backups, listed: Listed, wanted: str) -> Refused:
    """Why what is wanted is no backup that could be restored."""
    if any(wanted in (name, _stamp(name)) for name in listed.partial):
        return Refused(
            f"{wanted} is no whole backup: it was not verified, or it is still being made",
            hint=f"Restore another one. {LIST}",
        )
    for name, why in listed.unreadable:
        if wanted in (name, _stamp(name)):
            return Refused(f"{name} is not understood: {why}", hint=LIST)
    named = source_and_stamp(wanted)
    if named is not None and named[0] not in backups.couch.databases:
        return Refused(
            f"{wanted} is a backup of {named[0]}, which is no database of this environment: "
            "it is of another application",
            hint=f"Its databases: {', '.join(backups.couch.databases)}. {LIST}",
        )
    return Refused(f"there is no backup {wanted} at {backups.documents.name}", hint=LIST)


def _verified(listed: Listed, name: str) -> Backup:
    """The verified backup of this name, if it is of the database that it is called after."""
    backup = next((backup for backup in listed.backups if backup.name == name), None)
    if backup is None:
        raise Refused(f"the backup {name} is not there any more", hint=LIST)
    named = source_and_stamp(name)
    if named is None or named[0] != backup.source:
        raise Refused(
            f"{name} says that it is a backup of {backup.source}: it is of another application", hint=LIST
        )
    return backup


def _require_same(standing: Restoring | None, names: Mapping[str, str]) -> None:
    """While a restore is half done, only the same goes on, or the way back to what was there before."""
    if standing is None or standing.phase is not Phase.RESTORING:
        return
    if names in (dict(standing.backups), dict(standing.present)):
        return
    raise Refused(
        f"a restore from {standing.stamp} is half done",
        hint="Finish it by running it again without --backup, or go back to what was there before with "
        f"--backup {newest_stamp(standing.present.values())}",
    )


def _stamp(name: str) -> str:
    found = source_and_stamp(name)
    return found[1] if found else ""
