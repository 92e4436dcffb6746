"""A restore that is under way, as the live databases say themselves, and what came of one."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from reconciler.domain.backups import source_and_stamp
from reconciler.domain.brakes import Pause
from reconciler.domain.documents import Leaf
from reconciler.domain.forward import contents
from reconciler.domain.gate import Judgement
from reconciler.domain.report import Step
from reconciler.errors import ReconcileError

NOTE = "reconcile-restore"
"""The local document in a live database that says that a restore is under way."""

VERSION = 1


class Phase(StrEnum):
    """How far a restore has got, the first first."""

    STOPPING = "stopping"  # the data are as they were; writers may be stopped
    RESTORING = "restoring"  # the data may be half of this and half of that
    RESTORED = "restored"  # the data are the backup's; writers may run again


@dataclass(frozen=True, slots=True)
class Writer:
    """A container that was stopped: the restart policy that it had, whether it ran, and of which service."""

    container: str
    name: str
    policy: str
    ran: bool
    service: str = ""


@dataclass(frozen=True, slots=True)
class Restoring:
    """A restore under way.

    Args:
        phase: how far it has got.
        backups: the names of the backups that are being restored, by database.
        present: the names of the backups of what was there before, by database; empty until there are any.
        writers: what was stopped for it.
        pause: the pause that held before, if one did.
        exports: the files that hold what was written since.
        going: services that are not started again: their release goes back with the next pass.
    """

    phase: Phase
    backups: Mapping[str, str]
    present: Mapping[str, str] = field(default_factory=dict)
    writers: tuple[Writer, ...] = ()
    pause: Pause | None = None
    exports: tuple[str, ...] = ()
    going: tuple[str, ...] = ()

    @property
    def stamp(self) -> str:
        """Of the newest of the backups that are being restored."""
        return newest_stamp(self.backups.values())


def newest_stamp(names: Iterable[str]) -> str:
    """The newest stamp of some backups; empty where there are none."""
    return max((found[1] for name in names if (found := source_and_stamp(name))), default="")


def note_text(restoring: Restoring) -> str:
    """What the local document says, as canonical JSON."""
    pause = restoring.pause
    said = {
        "version": VERSION,
        "phase": restoring.phase,
        "backups": dict(restoring.backups),
        "present": dict(restoring.present),
        "writers": [[w.container, w.name, w.policy, w.ran, w.service] for w in restoring.writers],
        "pause": None if pause is None else [pause.reason, pause.by, _text(pause.since), _text(pause.until)],
        "exports": list(restoring.exports),
        "going": list(restoring.going),
    }
    return json.dumps(said, sort_keys=True)


def read_note(text: str) -> Restoring | None:
    """The restore that a local document tells of; None where there is none.

    Raises:
        ValueError: it is damaged, or of a newer version.
    """
    if not text:
        return None
    try:
        said = json.loads(text)
        if said["version"] != VERSION:
            raise ValueError(f"version {said['version']}")
        pause = said["pause"]
        return Restoring(
            phase=Phase(said["phase"]),
            backups={str(k): str(v) for k, v in said["backups"].items()},
            present={str(k): str(v) for k, v in said["present"].items()},
            writers=tuple(_writer(*one) for one in said["writers"]),
            pause=None if pause is None else _pause(*pause),
            exports=tuple(str(one) for one in said["exports"]),
            going=tuple(str(one) for one in said["going"]),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("it cannot be read") from error


def furthest(notes: Iterable[Restoring]) -> Restoring | None:
    """Of what several databases say of one restore, what says most: it is written to one after the other."""
    order = list(Phase)
    return max(notes, key=lambda note: order.index(note.phase), default=None)


class Fate(StrEnum):
    """What a restore does to one document."""

    CHANGES = "changes"  # it is in both, and says something else
    RETURNS = "returns"  # it was deleted since
    GOES = "goes"  # it was added since


def fate(backup: Sequence[Leaf], live: Sequence[Leaf]) -> Fate | None:
    """What a restore does to a document; None where it says the same in both.

    Args:
        backup: its leaves there, the winner first.
        live: its leaves in the live database, the winner first.
    """
    if contents(backup) == contents(live):
        return None
    if all(leaf.deleted for leaf in live):
        return Fate.RETURNS
    return Fate.GOES if all(leaf.deleted for leaf in backup) else Fate.CHANGES


@dataclass(frozen=True, slots=True)
class Difference:
    """What the restore of one database does: how many documents meet which fate, and some of their ids.

    What was written since, and would be lost, is in those that change and those that go.
    """

    database: str
    backup: str
    changes: int = 0
    returns: int = 0
    goes: int = 0
    lost: tuple[str, ...] = ()

    @property
    def total(self) -> int:
        """How many documents are touched."""
        return self.changes + self.returns + self.goes


class Ending(StrEnum):
    """What the data are after a restore."""

    RESTORED = "restored"  # exactly the backup
    UNTOUCHED = "untouched"  # exactly what they were
    HALF = "half"  # neither; running it again goes on


@dataclass(frozen=True, slots=True)
class Restored:
    """What came of a restore.

    Args:
        environment: of which environment.
        ending: what the data are now.
        backup: the stamp of what was restored.
        differences: what it does to each database.
        present: the names of the backups of what was there before.
        exports: the files that hold what was written since.
        judgement: that of the checks, once the writers ran again.
        error: why it did not get to its end.
        steps: what was done.
        seconds: how long it took.
        notes: failures that did not change the result.
        done: whether anything had to be done.
        going: services that were not started again: their release goes back with the next pass.
    """

    environment: str
    ending: Ending
    backup: str
    differences: tuple[Difference, ...] = ()
    present: tuple[str, ...] = ()
    exports: tuple[str, ...] = ()
    judgement: Judgement | None = None
    error: ReconcileError | None = None
    steps: tuple[Step, ...] = ()
    seconds: float = 0.0
    notes: tuple[str, ...] = ()
    done: bool = True
    going: tuple[str, ...] = ()


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat()


def _writer(container: str, name: str, policy: str, ran: bool, service: str) -> Writer:
    return Writer(str(container), str(name), str(policy), bool(ran), str(service))


def _pause(reason: str, by: str, since: str, until: str | None) -> Pause:
    ends = None if until is None else datetime.fromisoformat(until)
    return Pause(reason, by, datetime.fromisoformat(since), ends)
