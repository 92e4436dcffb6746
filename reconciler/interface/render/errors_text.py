"""Failures for people: what could not be done, where, and what to do next."""

from __future__ import annotations

import re
from collections.abc import Iterable

from reconciler.domain.foreign import columns, cut, foreign, foreign_lines
from reconciler.errors import Finding, Invalid, ReconcileError
from reconciler.interface.render.phrases import count
from reconciler.interface.render.style import Style, Tone

_MOST_LINES = 20
_CONTEXT = 20


def error_text(error: ReconcileError, style: Style) -> str:
    """Any failure: its problem and hint, or all its findings."""
    if isinstance(error, Invalid) and error.findings:
        summary = f"{foreign(error.problem)}: {summary_of(error.findings)}"
        return "\n".join([findings_text(error.findings, style), summary, *_hint(error.hint, style)])
    return "\n".join([*_problem(error.problem, style), *_hint(error.hint, style)])


def findings_text(findings: Iterable[Finding], style: Style) -> str:
    """Findings by file and line, each with the line it is about."""
    return "\n".join(line for finding in sorted(findings) for line in _finding(finding, style))


def summary_of(findings: Iterable[Finding]) -> str:
    """``3 errors in 2 files.``"""
    every = list(findings)
    return f"{count(len(every), 'error')} in {count(len({finding.path for finding in every}), 'file')}."


def _problem(problem: str, style: Style) -> list[str]:
    """A problem may hold what another program printed: its further lines are set off."""
    first, *more = foreign_lines(problem)
    left_out = [f"  | … {len(more) - _MOST_LINES} more lines"] if len(more) > _MOST_LINES else []
    label = style.paint("error:", Tone.BAD)
    return [f"{label} {first}", *(f"  | {line}" for line in more[:_MOST_LINES]), *left_out]


def _hint(hint: str, style: Style) -> list[str]:
    if not hint:
        return []
    first, *more = foreign_lines(hint)
    return [f"  = {style.paint('help:', Tone.CHANGED)} {first}", *(f"          {line}" for line in more)]


def _finding(finding: Finding, style: Style) -> list[str]:
    where = foreign(finding.path)
    if finding.line:
        where += f":{finding.line}:{finding.column}"
    return [
        *_problem(finding.message, style),
        f" {style.paint('-->', Tone.CHANGED)} {where}",
        *_excerpt(finding, style),
        *_hint(finding.hint, style),
    ]


def _excerpt(finding: Finding, style: Style) -> list[str]:
    """The source line with a caret below what is meant; the beginning of a very long line is left out."""
    if not finding.line or not finding.excerpt.strip():
        return []
    at = min(max(finding.column - 1, 0), len(finding.excerpt))
    room = max(style.width - len(str(finding.line)) - 3, 2 * _CONTEXT)
    skipped = at - _CONTEXT if columns(foreign(finding.excerpt[:at])) > room - _CONTEXT else 0
    before = ("…" if skipped else "") + foreign(finding.excerpt[skipped:at])
    after = foreign(finding.excerpt[at:])
    margin = " " * len(str(finding.line))
    carets = "^" * min(columns(foreign(_word(finding.excerpt[at:]))), max(room - columns(before), 1))
    return [
        f"{margin} |",
        f"{finding.line} | {cut(before + after, room)}",
        f"{margin} | {' ' * columns(before)}{style.paint(carets or '^', Tone.BAD)}",
    ]


def _word(text: str) -> str:
    """What the caret underlines: one word, without the punctuation of YAML around it."""
    match = re.match(r"\S+", text)
    return match.group().rstrip(":,]}") if match else ""
