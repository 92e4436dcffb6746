"""What a pass did, as values: the source of text, JSON and exit codes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from reconciler.domain.blocking import Kept
from reconciler.domain.brakes import Brakes
from reconciler.domain.comparison import Measures
from reconciler.domain.desired import Revision
from reconciler.domain.gate import Judgement
from reconciler.domain.plan import Plan
from reconciler.domain.undo import Undo
from reconciler.errors import ReconcileError


class Result(StrEnum):
    """How a pass over one environment ended."""

    NO_OP = "no-op"
    CONVERGED = "converged"
    ROLLED_BACK = "rolled-back"
    ROLLBACK_FAILED = "rollback-failed"
    FAILED = "failed"


class Sync(StrEnum):
    """Whether what runs is what Git wants."""

    SYNCED = "synced"
    OUT_OF_SYNC = "out-of-sync"
    PAUSED = "paused"
    UNKNOWN = "unknown"


class EnvironmentHealth(StrEnum):
    """Whether what runs works."""

    HEALTHY = "healthy"
    PROGRESSING = "progressing"
    DEGRADED = "degraded"
    MISSING = "missing"
    UNKNOWN = "unknown"


class Verb(StrEnum):
    """What a step does: what changes on a host is part of one. Three only look: ready, gate, verify."""

    PULL = "pull"
    CREATE = "create"
    SWITCH = "switch"
    READY = "ready"
    START = "start"
    STOP = "stop"
    RESTART = "restart"
    BACKUP = "backup"
    RESTORE = "restore"
    REMOVE = "remove"
    GATE = "gate"
    VERIFY = "verify"
    REVERT = "revert"
    HOOK = "hook"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was done, or begun: ``verb`` and ``subject``, with how long it took in seconds.

    ``verb`` is a ``Verb``; read from a journal that a newer version wrote, it may be a word of that one. A
    step that is not ``finished`` was begun, and is under way or was killed.
    """

    verb: str
    subject: str
    seconds: float
    detail: str = ""
    good: bool = True
    finished: bool = True

    @classmethod
    def begun(cls, verb: str, subject: str, detail: str = "") -> Step:
        """A step that is about to be taken."""
        return cls(verb, subject, 0.0, detail, good=False, finished=False)


@dataclass(frozen=True, slots=True)
class Staying:
    """The services of a rejected release that go on all the same, and why."""

    kept: Kept
    services: tuple[str, ...]


def of_data(step: Step) -> bool:
    """Whether a step backs up or brings back a database. Containers are restored too: they name no backup."""
    return step.verb == Verb.BACKUP or (step.verb == Verb.RESTORE and "_backup_" in step.detail)


def data_went_back(steps: Iterable[Step]) -> bool:
    """Whether a database was brought back to a backup."""
    return any(step.verb == Verb.RESTORE and of_data(step) and step.good for step in steps)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a rollout ended.

    ``judgement`` is the gate's on the release; ``restored`` the one on the predecessors after an
    abort. ``excerpts`` are the last log lines of rejected containers, by name, and ``descriptions`` what
    the engine said of them. ``exonerated`` are the checks that fail with the predecessors too.
    ``baseline`` is what was measured before the switch. ``gap_seconds`` is, per replaced service, how long
    none of its containers ran. ``notes`` are failures that did not change the result. ``staying`` is what was
    not taken back of a rejected release, for the sake of data.
    """

    result: Result
    judgement: Judgement
    restored: Judgement | None = None
    gap_seconds: dict[str, float] = field(default_factory=dict)
    excerpts: dict[str, str] = field(default_factory=dict)
    descriptions: dict[str, str] = field(default_factory=dict)
    exonerated: tuple[str, ...] = ()
    baseline: Mapping[str, Measures] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    staying: Staying | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """One pass over one environment.

    ``revision`` and ``plan`` are None when the pass ended before they were known, ``outcome`` where
    nothing was to be done. ``error`` is the failure that ended the pass, if one did. ``run`` is the pass's
    name in the journal, empty where it did nothing. ``undo`` is what became of the release in Git. ``brakes``
    are what people held the environment with.
    """

    environment: str
    result: Result
    sync: Sync
    health: EnvironmentHealth
    started_at: datetime
    seconds: float
    revision: Revision | None = None
    plan: Plan | None = None
    outcome: Outcome | None = None
    steps: tuple[Step, ...] = ()
    error: ReconcileError | None = None
    run: str = ""
    undo: Undo | None = None
    notes: tuple[str, ...] = ()
    brakes: Brakes = field(default_factory=Brakes)
