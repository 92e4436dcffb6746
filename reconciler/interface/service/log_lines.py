"""The daemon's log: one line for each thing that happens, for people or for a collector of logs.

It is the ``Log`` of the daemon and the ``Rows`` of its passes at once. A stream that does not take a line
loses it, and the pass goes on.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping, Sequence
from typing import TextIO

from reconciler import __version__
from reconciler.domain.environment import Gate
from reconciler.domain.foreign import foreign
from reconciler.domain.report import Report, Result, Step
from reconciler.domain.triggers import Cause, Wake
from reconciler.errors import ReconcileError
from reconciler.interface.render.board import WATCHED
from reconciler.interface.render.brakes_text import in_a_cell
from reconciler.interface.render.json_values import rounded, step_object
from reconciler.interface.render.phrases import duration
from reconciler.interface.service import log_words
from reconciler.interface.service.log_line import Event, Form, Level, Line, journal_reads
from reconciler.ports import Clock

TIMED = frozenset({Cause.INTERVAL, Cause.RETRY})
"""Causes in which nobody outside had a part."""
Standing = tuple[str, str, str, str, str]
"""How a pass ended, sync, health, the commit, and what holds it."""


class LogLines:
    """Lines on a stream.

    Args:
        stream: where they go.
        form: text, or JSON.
        level: lines that matter less are left out.
        clock: gives each line its time, in UTC.
        environ: the process's environment, which says whether systemd's journal reads.
    """

    def __init__(
        self, stream: TextIO, form: Form, level: Level, clock: Clock, environ: Mapping[str, str]
    ) -> None:
        self._stream, self._form, self._level, self._clock = stream, form, level, clock
        self._journal = journal_reads(stream, environ)
        self._lock = threading.Lock()
        self._begun: dict[str, Level] = {}
        self._standings: dict[str, Standing] = {}
        self._gates: dict[str, int] = {}

    # --- The daemon -------------------------------------------------------------------------------

    def daemon_started(self, environments: Sequence[str], repository: str = "") -> None:
        """The daemon is up; with a ``repository`` of its own, its environments are known later."""
        names = foreign(repository, 200) or ", ".join(foreign(name, 40) for name in environments)
        fields = {"version": __version__, "pid": os.getpid(), "environments": list(environments)}
        self._daemon(Event.DAEMON_STARTED, "started", f"reconcile {__version__} watches {names}", fields)

    def daemon_stopping(self) -> None:
        """The daemon is about to end, after what is in hand."""
        self._daemon(Event.DAEMON_STOPPING, "stopping", "what is in hand is finished, or undone", {})

    def signal_caught(self, name: str, meaning: str) -> None:
        """A signal came, such as ``SIGHUP``; ``meaning`` is what happens now."""
        self._daemon(Event.SIGNAL_CAUGHT, "signal", f"{name}: {meaning}", {"signal": name})

    def warned(self, words: str) -> None:
        """Something is wrong that ends no pass, such as a journal that was damaged."""
        self._write(Line(Level.WARNING, Event.NOTE, "", "warning", foreign(words, 400), {"words": words}))

    def _daemon(self, event: Event, word: str, words: str, fields: Mapping[str, object]) -> None:
        self._write(Line(Level.INFO, event, "", word, words, fields))

    # --- ``ports.log.Log`` ------------------------------------------------------------------------

    def begins(self, environment: str, wakes: Sequence[Wake]) -> None:
        """See ``ports.log.Log``."""
        level = Level.DEBUG if all(wake.cause in TIMED for wake in wakes) else Level.INFO
        self._begun[environment] = level
        words, fields = log_words.why(wakes), log_words.why_fields(wakes)
        self._write(Line(level, Event.PASS_BEGUN, environment, "begins", words, fields))

    def ended(self, report: Report, next_seconds: float) -> None:
        """See ``ports.log.Log``.

        Where only time called a pass, and it found what the last one found, that is no news.
        """
        name, commit = report.environment, report.revision.commit if report.revision else ""
        standing = (
            str(report.result),
            str(report.sync),
            str(report.health),
            commit,
            in_a_cell(report.brakes),
        )
        known = self._standings.get(name) == standing
        self._standings[name] = standing
        level, begun = log_words.level_of(report), self._begun.pop(name, Level.INFO)
        if report.result is Result.NO_OP and known:
            level = begun
        words = log_words.ending(report, next_seconds)
        fields = log_words.ending_fields(report, next_seconds)
        self._write(Line(level, Event.PASS_ENDED, name, str(report.result), words, fields))

    def failed(self, environment: str, error: ReconcileError, next_seconds: float) -> None:
        """See ``ports.log.Log``."""
        words = log_words.failure(error, next_seconds)
        fields = {
            "error": log_words.failure_object(error),
            "next_seconds": rounded(max(next_seconds, 0.0)),
        }
        level = log_words.level_of_error(error)
        self._write(Line(level, Event.PASS_FAILED, environment, "no pass", words, fields))

    def note(self, environment: str, words: str) -> None:
        """See ``ports.log.Log``."""
        self._write(Line(Level.INFO, Event.NOTE, environment, "note", foreign(words, 400), {"words": words}))

    # --- ``render.live.Rows`` ---------------------------------------------------------------------

    def expect(self, environment: str, gate: Gate) -> None:
        """See ``Rows``. A line is about what was, not about what may be."""

    def started(self, environment: str, verb: str, subject: str, detail: str = "") -> None:
        """See ``Rows``."""
        if verb in WATCHED:
            self._gates[environment] = self._gates.get(environment, 0) + 1
        words = self._shown(environment, subject, detail, "begins")
        fields = {"verb": verb, "subject": subject, "detail": detail}
        self._write(Line(Level.DEBUG, Event.STEP_BEGUN, environment, foreign(verb, 20), words, fields))

    def finished(self, environment: str, step: Step) -> None:
        """See ``Rows``."""
        if step.verb in WATCHED:
            self._gates[environment] = self._gates.get(environment, 0) - 1
        took = duration(step.seconds)
        end = took if step.good else f"failed after {took}"
        words = self._shown(environment, step.subject, step.detail.partition("\n")[0], end)
        level = Level.INFO if step.good else Level.WARNING
        verb, fields = foreign(step.verb, 20), step_object(step)
        self._write(Line(level, Event.STEP_ENDED, environment, verb, words, fields))

    def watching(self, environment: str, words: str) -> None:
        """See ``Rows``. What is seen while no gate is open is of a release under observation."""
        shown, fields = foreign(words, 400), {"words": words}
        if self._gates.get(environment, 0) > 0:
            self._write(Line(Level.DEBUG, Event.GATE_SAW, environment, "gate", shown, fields))
        else:
            self._write(Line(Level.WARNING, Event.RELEASE_OBSERVED, environment, "observe", shown, fields))

    def tick(self) -> None:
        """See ``Rows``. That time passes is no news."""

    def close(self) -> None:
        """See ``Rows``. Every line stays."""

    def _shown(self, environment: str, subject: str, detail: str, end: str) -> str:
        named = "" if subject == environment else foreign(subject, 60)
        return "  ".join(word for word in (named, foreign(detail, 60), end) if word)

    def _write(self, line: Line) -> None:
        if line.level > self._level:
            return
        with self._lock:
            text = line.written(self._form, self._clock.now(), journal=self._journal)
            try:
                self._stream.write(f"{text}\n")
                self._stream.flush()
            except (OSError, ValueError):  # nobody reads, or there is no room: the next line may get through
                return
