"""Events from what people do by hand, and from what somebody beside the daemon sees of it.

A pause and its end, a restore of data, a try of a channel, a daemon that is silent.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from reconciler.domain.brakes import Pause, paused
from reconciler.domain.events import Event, Kind
from reconciler.domain.restoring import Ending, Restored
from reconciler.domain.severity import Severity


def paused_event(environment: str, pause: Pause) -> Event:
    """Somebody paused an environment."""
    words = f"{environment} is {paused(pause, pause.since)}"
    return _of_pause(Kind.PAUSED, environment, pause, pause.since, words)


def resumed_event(environment: str, pause: Pause, at: datetime, by: str) -> Event:
    """Somebody ended a pause."""
    event = _of_pause(Kind.RESUMED, environment, pause, at, f"{environment} is resumed")
    return replace(event, by=by)


def restored_event(restored: Restored, at: datetime, by: str) -> Event:
    """The data of an environment went back to a backup, or half of the way."""
    name = restored.environment
    words = {
        Ending.RESTORED: f"the data of {name} were restored to the backup of {restored.backup}",
        Ending.UNTOUCHED: f"the data of {name} could not be restored, and are what they were",
        Ending.HALF: f"the restore of the data of {name} stopped half way; running it again goes on",
    }[restored.ending]
    severity = Severity.CRITICAL if restored.ending is Ending.HALF else Severity.HIGH
    key, incident = f"{name}/{Kind.RESTORED}/{_stamp(at)}", f"{name}/restore/{restored.backup}"
    reason = restored.error.problem if restored.error is not None else ""
    return Event(key, Kind.RESTORED, name, at, severity, words, incident, by=by, reason=reason)


def silent_event(environment: str, at: datetime) -> Event:
    """The daemon that looks after an environment gives no sign of life.

    It is told once: what was told already, and is not over, is known by its words (``domain.told``).
    """
    words = (
        f"the daemon that looks after {environment} gives no sign of life: nothing is released or repaired"
    )
    key = f"{environment}/{Kind.DAEMON_SILENT}/{_stamp(at)}"
    return Event(key, Kind.DAEMON_SILENT, environment, at, Severity.CRITICAL, words, incident=key)


def trial_event(environment: str, at: datetime, by: str) -> Event:
    """A message that says that it is none: to see whether a channel works."""
    words = f"this is a test of the channels of {environment}: nothing has happened"
    key = f"{environment}/{Kind.TEST}/{_stamp(at)}"
    return Event(key, Kind.TEST, environment, at, Severity.LOW, words, incident=key, by=by)


def _of_pause(kind: Kind, environment: str, pause: Pause, at: datetime, words: str) -> Event:
    incident = f"{environment}/pause/{_stamp(pause.since)}"
    event = Event(f"{incident}/{kind}", kind, environment, at, Severity.LOW, words, incident)
    return replace(event, by=pause.by, reason=pause.reason)


def _stamp(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y%m%dT%H%M%S.%fZ}"
