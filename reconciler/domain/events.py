"""What people are told of: one model for every channel, made from what a pass did."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from reconciler.domain.severity import Severity


class Kind(StrEnum):
    """What happened."""

    RELEASE_STARTED = "release-started"
    CONVERGED = "converged"  # a release runs, and its gate has passed it
    REJECTED = "rejected"  # the gate rejected a release, and what ran before is being put back
    ROLLED_BACK = "rolled-back"  # what ran before runs again, verified
    ROLLBACK_FAILED = "rollback-failed"  # it does not: somebody has to look, now
    FAILED = "failed"  # a pass could not do what it should, and nothing half-done is left
    DRIFT_REPAIRED = "drift-repaired"
    DRIFT_FOUND = "drift-found"  # and left alone, on purpose
    PAUSED = "paused"
    RESUMED = "resumed"
    RESTORED = "restored"  # data went back to a backup
    RECOVERED = "recovered"  # the end of what a failure began
    DAEMON_SILENT = "daemon-silent"
    TEST = "test"  # nothing: a person wants to see whether a channel works


TROUBLE = frozenset({Kind.ROLLBACK_FAILED, Kind.FAILED, Kind.DRIFT_FOUND, Kind.DAEMON_SILENT})
"""What goes on until something is said to have recovered."""

CALLS = frozenset(
    {Kind.REJECTED, Kind.ROLLED_BACK, Kind.ROLLBACK_FAILED, Kind.FAILED, Kind.DAEMON_SILENT, Kind.TEST}
)
"""After what somebody may have to be called."""


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened in one environment.

    Args:
        key: the same event has the same key, however often it is found.
        kind: what happened.
        environment: where.
        at: when, in UTC.
        severity: how much it matters.
        summary: one sentence without a full stop, in our words; what others wrote in it is not yet harmless.
        incident: what belongs together: a rejection and its rollback, a failure and its recovery. Channels
            with threads or tickets keep one for each. Empty for what stands alone.
        run: the pass, in the journal; empty where there is none.
        revision: the commit; empty where none is known.
        subject: its first line.
        by: who wrote it.
        moves: service, image before and after, as they are pinned.
        reason: why, in a sentence; empty where nothing is to be said.
        details: more, as Markdown that is harmless already: the report of the incident. It is empty in the
            outbox, and written when the event is delivered: by then the journal knows the whole story.
    """

    key: str
    kind: Kind
    environment: str
    at: datetime
    severity: Severity
    summary: str
    incident: str = ""
    run: str = ""
    revision: str = ""
    subject: str = ""
    by: str = ""
    moves: tuple[tuple[str, str, str], ...] = ()
    reason: str = ""
    details: str = ""


class Delivery(StrEnum):
    """How far one message has come."""

    WAITING = "waiting"
    SENDING = "sending"  # it was about to be sent, and may have arrived: we were killed then
    DELIVERED = "delivered"
    GIVEN_UP = "given-up"  # the channel refuses it, and will again


@dataclass(frozen=True, slots=True)
class Message:
    """One event on its way to one channel.

    Args:
        number: its place in the outbox of the environment; messages of a channel go in this order.
        channel: the name in reconcile.yaml.
        event: what it tells.
        state: how far it has come.
        attempts: how often it was tried.
        again_at: not before; None for at once.
        receipt: what the channel gave back, which later messages of the same incident need: the id of an
            issue, of a deployment, of a ticket. JSON; empty where there is none.
        trouble: why the last attempt failed, without any secret.
        merged: how many earlier ones it stands for, which were left out because too many waited.
    """

    number: int
    channel: str
    event: Event
    state: Delivery = Delivery.WAITING
    attempts: int = 0
    again_at: datetime | None = None
    receipt: str = ""
    trouble: str = ""
    merged: int = 0


FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 5.0, 7200.0


def pauses() -> Iterator[float]:
    """How long to wait after each failed attempt, in seconds: 5 s, 30 s, 3 min, 18 min, then every 2 h."""
    seconds = FIRST_PAUSE_SECONDS
    while True:
        yield seconds
        seconds = min(seconds * 6, LONGEST_PAUSE_SECONDS)
