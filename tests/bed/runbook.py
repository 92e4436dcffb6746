"""docs/runbook.md as data: its sections, and what is in their blocks for a shell."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "runbook.md"
_BLOCK = re.compile(r"^```bash\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@cache
def sections() -> dict[str, str]:
    """Heading → the text below it, up to the next heading of any level; in the order of the page."""
    parts = re.split(r"(?m)^#{1,4} (.+)$", _BLOCK.sub(_veiled, PAGE.read_text()))
    return {name: text.replace("\0", "#") for name, text in zip(parts[1::2], parts[2::2], strict=True)}


def blocks(section: str) -> list[str]:
    """The blocks of a section."""
    return _BLOCK.findall(sections()[section])


def commands(section: str) -> Iterator[list[str]]:
    """Every call of the program in a section, in blocks and in sentences, as words without its name."""
    text = sections()[section]
    called = [line for block in blocks(section) for line in block.splitlines()]
    called += re.findall(r"`([^`\n]+)`", _BLOCK.sub("", text))
    for line in called:
        words = shlex.split(line, comments=True)
        if words[:1] == ["reconcile"]:
            yield words[1:]


def _veiled(block: re.Match[str]) -> str:
    """Comments of a shell are no headings."""
    return block[0].replace("#", "\0")
