"""What is written down about passes: who did what, why, how long, and what the containers said last."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from reconciler.domain.gate import Sample
from reconciler.domain.report import Result, Step
from reconciler.domain.severity import Ruling
from reconciler.domain.undo import Undo


@dataclass(frozen=True, slots=True)
class Run:
    """One pass that did something, or tried to.

    ``by`` is who wrote the revision, ``changes`` are service, image before and image after. ``result`` and
    ``seconds`` are None while it is under way (or was killed). ``reason`` is why it ended as it did.
    """

    id: str
    environment: str
    started_at: datetime
    revision: str = ""
    subject: str = ""
    by: str = ""
    changes: tuple[tuple[str, str, str], ...] = ()
    result: Result | None = None
    seconds: float | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class SampleSummary:
    """What the samples of one subject came to, in the ``gate`` or when the predecessors were verified."""

    stage: str
    subject: str
    samples: int
    good: int
    slowest_seconds: float
    last: Sample


class ExhibitKind(StrEnum):
    """What a piece of evidence is."""

    LOG = "log"
    DESCRIPTION = "description"


@dataclass(frozen=True, slots=True)
class Exhibit:
    """Evidence of a rejected container, kept before it went: its last log lines, or its description."""

    container: str
    kind: ExhibitKind
    text: str


@dataclass(frozen=True, slots=True)
class Story:
    """All that is known of one pass.

    ``verdict`` and ``rule`` are the gate's and the matrix's words, empty where there was no gate;
    ``restored`` is the verdict on the predecessors after an abort, with its reason.
    """

    run: Run
    steps: tuple[Step, ...] = ()
    verdict: str = ""
    rule: str = ""
    rulings: tuple[Ruling, ...] = ()
    summaries: tuple[SampleSummary, ...] = ()
    restored: str = ""
    restored_reason: str = ""
    exhibits: tuple[Exhibit, ...] = ()
    gap_seconds: dict[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    undo: Undo | None = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class Observation:
    """A release that was kept and is looked at for a while longer.

    ``failing`` are checks that fail by now, with when a delayed reaction is due.
    """

    run: str
    revision: str
    until: datetime
    failing: tuple[tuple[str, datetime], ...] = ()
