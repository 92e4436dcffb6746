"""What containers write: lines of kinds that the predecessor did not write, and how many there are."""

from __future__ import annotations

import re

from reconciler.domain.check import Logs
from reconciler.domain.compare.signatures import CONTROL, signature
from reconciler.domain.comparison import Comparison, Lines, Measures
from reconciler.domain.gate import Evidence

LONGEST = 2000
"""Characters of a line that are searched: a careless expression takes the square of it, or worse."""
LONGEST_EXAMPLE = 200
FEWEST_LINES = 3
"""Fewer lines are no rate."""
LEAST_SECONDS = 10.0
"""A shorter while counts as this long: two lines in the first second are not 120 in a minute."""


def collect(text: str, match: str, seconds: float) -> Lines:
    """The matching lines of a text, by kind.

    Args:
        text: what was written, one entry per line.
        match: the regular expression; one that does not compile is refused when the file is read.
        seconds: how long it took to write it.
    """
    wanted = re.compile(match)
    kinds: dict[str, int] = {}
    examples: dict[str, str] = {}
    for line in text.split("\n"):
        plain = CONTROL.sub("", line).strip()
        if plain and wanted.search(plain[:LONGEST]):
            kind = signature(plain)
            kinds[kind] = kinds.get(kind, 0) + 1
            examples.setdefault(kind, plain[:LONGEST_EXAMPLE])
    return Lines(kinds, examples, seconds)


def noisier(question: Logs, before: Measures | None, now: Measures) -> Comparison:
    """Compare matching lines: none of a new kind, and not too many.

    Args:
        question: how many new kinds and how many lines per minute are too many.
        before: measured on the predecessor; None where nothing could be: then only the rate counts.
        now: measured on the successor.
    """
    lines = now.lines
    per_minute = 60 * lines.matching / max(lines.seconds, LEAST_SECONDS)
    bound = question.per_minute
    if bound is not None and lines.matching >= FEWEST_LINES and per_minute > bound:
        words = f"{per_minute:.0f} matching lines per minute, more than {bound:g}"
        return Comparison(Evidence.BAD, f"{words}: {_most(lines)}")
    shown = _counted(lines.matching, "matching line")
    if question.new is None:
        return Comparison(Evidence.GOOD, shown)
    if before is None:
        return Comparison(Evidence.GOOD, f"{shown}; not compared: nothing ran before")
    new = [kind for kind in lines.kinds if kind not in before.lines.kinds]
    if len(new) > question.new:
        first = lines.examples.get(new[0], new[0])[:LONGEST_EXAMPLE]
        return Comparison(Evidence.BAD, f"{_counted(len(new), 'new kind')} of lines: {first}")
    return Comparison(Evidence.GOOD, f"{shown}, {_counted(len(new), 'new kind')}")


def _most(lines: Lines) -> str:
    """An example of what is written most often."""
    kind = max(lines.kinds, key=lambda one: lines.kinds[one])
    return lines.examples.get(kind, kind)[:LONGEST_EXAMPLE]


def _counted(count: int, what: str) -> str:
    return f"{count or 'no'} {what}{'' if count == 1 else 's'}"
