"""One line of the daemon's log: what happened, as data, in the two forms in which it is written."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import IntEnum, StrEnum
from typing import Any, TextIO

from reconciler.domain.foreign import foreign

WORD_COLUMNS = 11


class Level(IntEnum):
    """How much a line matters. The values are syslog's, where less is more."""

    ERROR = 3
    WARNING = 4
    INFO = 6
    DEBUG = 7


class Event(StrEnum):
    """What a line is about: a closed set, ``event`` in JSON."""

    DAEMON_STARTED = "daemon_started"
    DAEMON_STOPPING = "daemon_stopping"
    SIGNAL_CAUGHT = "signal_caught"
    PASS_BEGUN = "pass_begun"
    PASS_ENDED = "pass_ended"
    PASS_FAILED = "pass_failed"  # there was none
    STEP_BEGUN = "step_begun"
    STEP_ENDED = "step_ended"
    GATE_SAW = "gate_saw"
    RELEASE_OBSERVED = "release_observed"
    NOTE = "note"


class Form(StrEnum):
    """How lines are written."""

    TEXT = "text"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Line:
    """One line.

    ``environment`` is empty where it is about the daemon. ``word`` and ``words`` are the text, with what
    others wrote made harmless already; ``fields`` are the same as data, with their own names in JSON.
    """

    level: Level
    event: Event
    environment: str
    word: str
    words: str
    fields: Mapping[str, Any] = field(default_factory=dict)

    def written(self, form: Form, at: datetime, *, journal: bool) -> str:
        """The line in ``form``, without its end.

        Args:
            form: which one.
            at: when it happened.
            journal: whether systemd's journal reads it. It gives each line a time, and takes the level from
                the number in front.
        """
        prefix = f"<{self.level.value}>" if journal else ""
        return prefix + (self._json(at) if form is Form.JSON else self._text(at, timed=not journal))

    def _text(self, at: datetime, *, timed: bool) -> str:
        """``14:05:08 production  converged    web 1.4.1 → 1.4.2 in 51s``."""
        time = f"{at.astimezone(UTC):%H:%M:%S} " if timed else ""
        of = foreign(self.environment, 40) if self.environment else "reconcile"
        return f"{time}{of}  {self.word:<{WORD_COLUMNS}}  {self.words}".rstrip()

    def _json(self, at: datetime) -> str:
        """One object in pure ASCII, so that no text in it can end the line or move a cursor."""
        head = {
            "at": at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": self.level.name.lower(),
            "event": str(self.event),
            "environment": self.environment or None,
        }
        return json.dumps(head | dict(self.fields), separators=(",", ":"))


def journal_reads(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Whether ``stream`` goes to systemd's journal: the manager names device and inode of what it opened.

    A stream that was redirected since is another one.
    """
    try:
        there = os.fstat(stream.fileno())
    except (OSError, ValueError):  # closed, or no file at all
        return False
    return environ.get("JOURNAL_STREAM") == f"{there.st_dev}:{there.st_ino}"
