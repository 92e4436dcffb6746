"""The steps of a run that are under way, and a stream to show them on: what all kinds of progress need."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TextIO

from reconciler.domain.environment import Gate
from reconciler.domain.foreign import foreign
from reconciler.domain.report import Step, Verb
from reconciler.interface.render.phrases import duration
from reconciler.interface.render.report_text import VERB_COLUMNS

WATCHED = (Verb.GATE, Verb.VERIFY)
"""The steps whose samples are worth a word."""


@dataclass(slots=True)
class Open:
    """One step under way; ``words`` is what its gate sees. ``told_*`` is what the last line about it said."""

    environment: str
    verb: str
    subject: str
    since_seconds: float
    told_seconds: float
    detail: str = ""
    words: str = ""
    told_words: str = ""


@dataclass(slots=True)
class Board:
    """The steps under way, the oldest first."""

    gates: dict[str, Gate] = field(default_factory=dict)
    steps: list[Open] = field(default_factory=list)

    def started(self, environment: str, verb: str, subject: str, now: float, detail: str = "") -> Open:
        step = Open(environment, verb, subject, now, now, detail)
        self.steps.append(step)
        return step

    def finished(self, environment: str, step: Step) -> None:
        for one in self.steps:
            if (one.environment, one.verb, one.subject) == (environment, step.verb, step.subject):
                self.steps.remove(one)
                return

    def watching(self, environment: str, words: str) -> Open | None:
        """The gate that ``words`` are about: the one that was opened last."""
        gates = [s for s in self.steps if s.environment == environment and s.verb in WATCHED]
        for step in gates[-1:]:
            step.words = words
            return step
        return None

    def line(self, step: Open, now: float) -> str:
        """``production  gate     21s of 90s: 3 of 5 good, check web: 503``."""
        named = "" if step.subject == step.environment else step.subject
        shown = [foreign(word, 60) for word in (named, step.detail) if word]
        elapsed = _whole(now - step.since_seconds) + self._limit(step)
        words = f": {foreign(step.words)}" if step.words else ""
        verb = f"{foreign(step.verb, 20):<{VERB_COLUMNS}}"
        return "  ".join([foreign(step.environment, 40), verb, *shown, elapsed + words])

    def _limit(self, step: Open) -> str:
        gate = self.gates.get(step.environment)
        if gate is None or step.verb not in WATCHED:
            return ""
        soak = gate.soak_seconds if step.verb == Verb.GATE else 0.0
        return f" of {_whole(gate.timeout_seconds + soak)}"


@dataclass(slots=True)
class Pen:
    """Writes until the stream is gone; from then on it writes nothing."""

    stream: TextIO
    gone: bool = False

    def write(self, text: str) -> None:
        if self.gone or not text:
            return
        try:
            self.stream.write(text)
            self.stream.flush()
        except (OSError, ValueError):  # a reader that left, or a stream that was closed
            self.gone = True


def remark(environment: str, words: str) -> str:
    """What was seen while no gate is open: of a release that is observed."""
    return f"{foreign(environment, 40)}  {'observe':<{VERB_COLUMNS}}  {foreign(words)}"


def _whole(seconds: float) -> str:
    """``8s``, ``1m04s``: elapsed time without fractions, which would flicker."""
    whole = int(seconds)
    return f"{whole}s" if whole < 60 else duration(whole)
