"""Text that others wrote, made harmless: logs, names, commit subjects, errors of engine and Git.

Nothing invisible passes, so that no text can move the cursor, reorder a line, start a new one, or
look like another. Neither does what a CI system would take for a command: runners of GitHub look for
``::`` where a line begins, indented or not, and for ``##[`` anywhere; Azure's for ``##vso[``.
https://github.com/actions/runner/blob/main/src/Runner.Common/ActionCommand.cs
"""

from __future__ import annotations

import re
import unicodedata

_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_COMMAND_ANYWHERE = re.compile(r"(##\w*)\[")
_COMMAND_FIRST = re.compile(r"^(\s*):(?=:.*::)")


def foreign(text: str, limit: int = 0) -> str:
    r"""``text`` in one harmless line: colours dropped, everything else invisible as ``\x1b``, ``\u202e``.

    Args:
        text: anything.
        limit: how many columns it may take; 0 for as many as it needs.
    """
    plain = _COLOURS.sub("", text)
    shown = "".join(character if _visible(character) else _escape(character) for character in plain)
    shown = _COMMAND_ANYWHERE.sub(r"\1\\x5b", shown)
    shown = _COMMAND_FIRST.sub(r"\1\\x3a", shown)
    return cut(shown, limit) if limit else shown


def foreign_lines(text: str, limit: int = 0) -> list[str]:
    """The lines of ``text``, each harmless; those at the end that are empty are left out."""
    return [foreign(line.removesuffix("\r"), limit) for line in text.rstrip("\r\n").split("\n")]


def markdown_cell(text: str) -> str:
    """``text`` for a cell of a Markdown table: harmless, and neither markup nor HTML."""
    escaped = re.sub(r"([\\`*_\[\]|~])", r"\\\1", foreign(text))
    return escaped.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def text_of(text: str, limit: int = 0) -> str:
    """Text of others in running text or a cell; nobody is mentioned, and no address becomes a link."""
    shown = markdown_cell(foreign(text, limit))
    # The entities break up `@name`, `#12` and `https://`, and are shown as the characters they stand for.
    for found, entity in (("#", "&#35;"), ("@", "&#64;"), ("://", "&#58;//"), ("www.", "www&#46;")):
        shown = shown.replace(found, entity)
    return shown


def columns(text: str) -> int:
    """How many columns of a terminal ``text`` takes."""
    if text.isascii():
        return len(text)
    return sum(_columns_of(character) for character in text)


def cut(text: str, limit: int) -> str:
    """``text`` in at most ``limit`` columns; an ellipsis says that something is missing."""
    if columns(text) <= limit:
        return text
    taken, kept = 0, []
    for character in text:
        taken += _columns_of(character)
        if taken > limit - 1:
            break
        kept.append(character)
    return "".join(kept) + "…"


def _visible(character: str) -> bool:
    return character.isprintable() or unicodedata.category(character) == "Zs"


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def _columns_of(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1
