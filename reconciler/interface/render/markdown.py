"""Pieces of GitHub's Markdown, with text of others as text: neither markup nor HTML, links or mentions."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence

from reconciler.domain.foreign import foreign, foreign_lines

LOG_COLUMNS = 500
LOG_LINES = 100


def row(cells: Sequence[str]) -> str:
    """One line of a table; the cells are harmless already."""
    return f"| {' | '.join(cell or '-' for cell in cells)} |"


def markdown_table(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of harmless cells."""
    lines = [row(heading), f"|{'|'.join('---' for _ in heading)}|", *map(row, rows)]
    return "\n".join(lines)


def details(summary: str, text: str) -> str:
    """A collapsed block of text of others: the last lines of it, as they are."""
    lines = [html.escape(line, quote=False) for line in foreign_lines(text, LOG_COLUMNS)][-LOG_LINES:]
    # An empty line ends the block of `<details>`, so that `<pre>` begins one of its own: in that one empty
    # lines are harmless, and only `</pre>` ends it, which cannot be in escaped text.
    body = "\n".join(lines)
    title = html.escape(foreign(summary, 200), quote=False)
    return f"<details><summary>{title}</summary>\n\n<pre>\n{body}\n</pre>\n\n</details>"


def fitting(blocks: Iterable[str], most_bytes: int) -> str:
    """As many whole blocks as fit; a last sentence says where some were left out."""
    note = "_More was left out: it would have been too long._\n"
    room, kept, lost = most_bytes - len(note.encode()), list[str](), False
    for block in blocks:
        size = len(block.encode()) + 2
        if size > room:
            lost = True
            continue
        room -= size
        kept.append(f"{block}\n\n")
    return "".join([*kept, *([note] if lost and most_bytes > len(note.encode()) else [])])
