"""What a YAML document consists of, with positions: lines and columns count from 1, indexes from 0."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Text:
    """A scalar as written: ``value`` without its quotes; ``start`` and ``end`` are indexes into the text.

    ``style`` is empty for plain scalars, or else the character that quotes or opens it: one of ``'"|>``.
    ``lines`` is how many lines it touches.
    """

    value: str
    line: int
    column: int
    start: int
    end: int
    style: str = ""
    lines: int = 1

    @property
    def empty(self) -> bool:
        """Whether YAML reads it as null."""
        return not self.style and self.value in ("", "~", "null", "Null", "NULL")


@dataclass(frozen=True, slots=True)
class Mapping:
    """Keys and values in the order of the file, every key once; ``flow`` is the ``{…}`` style."""

    entries: tuple[tuple[Text, Node], ...]
    line: int
    column: int
    start: int
    end: int
    flow: bool

    def entry(self, key: str) -> tuple[Text, Node] | None:
        """The key as written and its value, or None."""
        return next((entry for entry in self.entries if entry[0].value == key), None)


@dataclass(frozen=True, slots=True)
class Items:
    """A list."""

    items: tuple[Node, ...]
    line: int
    column: int
    start: int
    end: int
    flow: bool


Node = Text | Mapping | Items
