"""Progress while a pass runs: rows that are replaced in place on a terminal, plain lines everywhere else.

Several environments report at once, from threads of their own. A stream that is closed meanwhile ends the
showing, never the pass.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol, TextIO

from reconciler.domain.environment import Gate
from reconciler.domain.foreign import cut, foreign
from reconciler.domain.report import Step, Verb
from reconciler.interface.render.board import Board, Open, Pen, remark
from reconciler.interface.render.report_text import VERB_COLUMNS, step_line
from reconciler.interface.render.style import Style, Tone
from reconciler.ports import Clock

HEARTBEAT_SECONDS = 10.0
CHANGED_SECONDS = 2.0
"""How far apart lines about what a gate sees are at least: a flapping check must not flood a log."""
TICK_SECONDS = 0.5
_LONG = (Verb.PULL, Verb.GATE, Verb.VERIFY, Verb.REVERT, Verb.HOOK)


class Rows(Protocol):
    """What shows the progress of a run. Every method may be called from any thread, and never raises."""

    def expect(self, environment: str, gate: Gate) -> None:
        """Say how long the gate of an environment may take."""

    def started(self, environment: str, verb: str, subject: str, detail: str = "") -> None:
        """A step began."""

    def finished(self, environment: str, step: Step) -> None:
        """A step ended."""

    def watching(self, environment: str, words: str) -> None:
        """What the open gate of an environment sees has changed, or what is seen after it."""

    def tick(self) -> None:
        """Time has passed."""

    def close(self) -> None:
        """The run has ended: nothing that is replaced in place stays."""


@dataclass(slots=True)
class Silence:
    """No progress at all."""

    def expect(self, environment: str, gate: Gate) -> None:
        """See ``Rows``."""

    def started(self, environment: str, verb: str, subject: str, detail: str = "") -> None:
        """See ``Rows``."""

    def finished(self, environment: str, step: Step) -> None:
        """See ``Rows``."""

    def watching(self, environment: str, words: str) -> None:
        """See ``Rows``."""

    def tick(self) -> None:
        """See ``Rows``."""

    def close(self) -> None:
        """See ``Rows``."""


def rows_for(stream: TextIO, style: Style, clock: Clock, environ: Mapping[str, str]) -> Rows:
    """Live rows where ``stream`` is a terminal that can move its cursor, plain lines everywhere else."""
    dumb = environ.get("NO_COLOR") or environ.get("TERM", "dumb") in ("", "dumb")
    live = not dumb and _is_terminal(stream)
    return LiveRows(stream, style, clock) if live else PlainRows(stream, style, clock)


@contextmanager
def ticking(rows: Rows, seconds: float = TICK_SECONDS) -> Iterator[None]:
    """Let ``rows`` know every few ``seconds`` that time has passed, and close them at the end."""
    ended = threading.Event()

    def run() -> None:
        while not ended.wait(seconds):
            rows.tick()

    thread = threading.Thread(target=run, name="rows", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        rows.close()


class PlainRows:
    """Lines that need no other: one when something long begins, one for each finished step, and heartbeats.

    Args:
        stream: where they go.
        style: colours.
        clock: gives each line its time, in UTC.
    """

    def __init__(self, stream: TextIO, style: Style, clock: Clock) -> None:
        self._pen, self._style, self._clock = Pen(stream), style, clock
        self._board, self._lock = Board(), threading.Lock()

    def expect(self, environment: str, gate: Gate) -> None:
        """See ``Rows``."""
        with self._lock:
            self._board.gates[environment] = gate

    def started(self, environment: str, verb: str, subject: str, detail: str = "") -> None:
        """See ``Rows``."""
        with self._lock:
            self._board.started(environment, verb, subject, self._clock.monotonic(), detail)
            if verb in _LONG:
                words = ["" if subject == environment else subject, detail]
                shown = "".join(f"{foreign(word, 60)}  " for word in words if word)
                self._line(f"{foreign(environment, 40)}  {foreign(verb, 20):<{VERB_COLUMNS}}  {shown}begins")

    def finished(self, environment: str, step: Step) -> None:
        """See ``Rows``."""
        with self._lock:
            self._board.finished(environment, step)
            self._line(step_line(environment, step, self._style))

    def watching(self, environment: str, words: str) -> None:
        """See ``Rows``."""
        with self._lock:
            step = self._board.watching(environment, words)
            if step is not None:
                self._tell(step)
            else:
                self._line(remark(environment, words))

    def tick(self) -> None:
        """See ``Rows``."""
        with self._lock:
            for step in self._board.steps:
                self._tell(step)

    def close(self) -> None:
        """See ``Rows``. Every line stays."""

    def _tell(self, step: Open) -> None:
        """Say how far a step is, if that is due."""
        now = self._clock.monotonic()
        silent = now - step.told_seconds
        if silent >= (HEARTBEAT_SECONDS if step.words == step.told_words else CHANGED_SECONDS):
            step.told_seconds, step.told_words = now, step.words
            self._line(self._board.line(step, now))

    def _line(self, text: str) -> None:
        self._pen.write(f"{self._clock.now():%H:%M:%S} {text}\n")


class LiveRows:
    """One row for each running step, replaced in place; finished steps scroll away above them.

    Args:
        stream: a terminal.
        style: colours, and the width where the terminal does not tell it.
        clock: counts the elapsed time.
    """

    def __init__(self, stream: TextIO, style: Style, clock: Clock) -> None:
        self._pen, self._style, self._clock = Pen(stream), style, clock
        self._board, self._lock = Board(), threading.Lock()
        self._shown = 0

    def expect(self, environment: str, gate: Gate) -> None:
        """See ``Rows``."""
        with self._lock:
            self._board.gates[environment] = gate

    def started(self, environment: str, verb: str, subject: str, detail: str = "") -> None:
        """See ``Rows``."""
        with self._lock:
            self._board.started(environment, verb, subject, self._clock.monotonic(), detail)
            self._draw()

    def finished(self, environment: str, step: Step) -> None:
        """See ``Rows``."""
        with self._lock:
            self._board.finished(environment, step)
            self._draw(step_line(environment, step, self._style) + "\n")

    def watching(self, environment: str, words: str) -> None:
        """See ``Rows``."""
        with self._lock:
            gate = self._board.watching(environment, words)
            self._draw("" if gate is not None else remark(environment, words) + "\n")

    def tick(self) -> None:
        """See ``Rows``."""
        with self._lock:
            if self._board.steps:
                self._draw()

    def close(self) -> None:
        """See ``Rows``."""
        with self._lock:
            self._board.steps.clear()
            self._draw()

    def _draw(self, scrolled: str = "") -> None:
        """Write ``scrolled`` where the rows are, and the rows below it: in one go, without flicker."""
        up = f"\r\x1b[{self._shown}A\x1b[J" if self._shown else ""
        rows = self._rows()
        self._shown = len(rows)
        self._pen.write(up + scrolled + "".join(f"{row}\n" for row in rows))

    def _rows(self) -> list[str]:
        """The rows as they are now. None may wrap or leave the screen: the cursor could not come back."""
        width, height = _size(self._pen.stream, self._style)
        now = self._clock.monotonic()
        lines = [self._board.line(step, now) for step in self._board.steps]
        room = max(height - 2, 1)
        if len(lines) > room:
            lines = [*lines[: room - 1], f"… {len(lines) - room + 1} more"]
        return [self._style.paint(cut(line, width - 1), Tone.QUIET) for line in lines]


def _size(stream: TextIO, style: Style) -> tuple[int, int]:
    """Columns and lines of a terminal; one that tells nonsense counts as an ordinary one."""
    try:
        size = os.get_terminal_size(stream.fileno())
    except (OSError, ValueError):
        return style.width, 24
    return (size.columns if size.columns > 1 else style.width), (size.lines or 24)


def _is_terminal(stream: TextIO) -> bool:
    try:
        return stream.isatty()
    except ValueError:  # closed
        return False
