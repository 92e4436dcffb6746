"""How text looks on this terminal. Colour only ever repeats what a word or a mark says already."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from reconciler.domain.foreign import columns
from reconciler.domain.plan import Change
from reconciler.domain.report import EnvironmentHealth, Sync


class Tone(StrEnum):
    """What a colour stands for; the value is its ANSI code."""

    PLAIN = ""
    STRONG = "1"
    QUIET = "2"
    BAD = "31"
    GOOD = "32"
    WATCH = "33"
    CHANGED = "36"


@dataclass(frozen=True, slots=True)
class Style:
    """``color`` says whether colours are shown, ``width`` how many columns a line should take at most."""

    color: bool = False
    width: int = 100

    def paint(self, text: str, tone: Tone) -> str:
        """``text`` in a colour, where colours are shown."""
        return f"\x1b[{tone}m{text}\x1b[0m" if self.color and tone and text else text

    def mark(self, change: Change) -> str:
        """The sign that stands before a service in a list."""
        sign, tone = _sign(change)
        return self.paint(sign, tone)


def _sign(change: Change) -> tuple[str, Tone]:
    match change:
        case Change.NONE:
            return " ", Tone.PLAIN
        case Change.CHANGE:
            return "~", Tone.CHANGED
        case Change.DRIFT:
            return "!", Tone.WATCH
        case Change.NEW:
            return "+", Tone.GOOD
        case Change.REMOVED:
            return "-", Tone.BAD
        case Change.HELD:
            return "=", Tone.WATCH
        case Change.BLOCKED:
            return "x", Tone.BAD
        case Change.ORPHAN | Change.UNMANAGED:
            return "?", Tone.QUIET


def tone_of(word: str) -> Tone:
    """The colour of a word of the two axes; none for every other word."""
    match word:
        case Sync.SYNCED | EnvironmentHealth.HEALTHY:
            return Tone.GOOD
        case Sync.OUT_OF_SYNC | Sync.PAUSED | EnvironmentHealth.PROGRESSING:
            return Tone.WATCH
        case EnvironmentHealth.DEGRADED | EnvironmentHealth.MISSING:
            return Tone.BAD
        case _:
            return Tone.PLAIN


def table(rows: Sequence[Sequence[str]], style: Style) -> list[str]:
    """Lines of aligned columns, the first row as heading. Cells are harmless and uncoloured already."""
    widths = [max(columns(row[at]) for row in rows) for at in range(len(rows[0]))]
    lines = []
    for number, row in enumerate(rows):
        tones = [Tone.STRONG if number == 0 else tone_of(cell) for cell in row]
        cells = [
            style.paint(cell, tone) + " " * (width - columns(cell))
            for cell, tone, width in zip(row, tones, widths, strict=True)
        ]
        lines.append("  ".join(cells).rstrip())
    return lines
