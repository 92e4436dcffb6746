"""A mapping that the schema has accepted, read by key."""

from __future__ import annotations

from typing import Final

from reconciler.adapters.state_files.nodes import Items, Mapping, Node, Text
from reconciler.adapters.state_files.quantities import seconds, share
from reconciler.adapters.state_files.scalars import scalar

_NOTHING: Final = Mapping((), 0, 0, 0, 0, flow=True)


class Written:
    """What is written in a mapping; what is not written has the default that the caller names.

    Args:
        node: the mapping; anything else reads as an empty one.
    """

    def __init__(self, node: Node | None) -> None:
        self._node = node if isinstance(node, Mapping) else _NOTHING

    def node(self, key: str) -> Node | None:
        """The value as it is written, or None."""
        entry = self._node.entry(key)
        return entry[1] if entry is not None else None

    def scalar(self, key: str) -> Text | None:
        """The value with its position, where it is a scalar."""
        node = self.node(key)
        return node if isinstance(node, Text) else None

    def text(self, key: str, default: str = "") -> str:
        """The value as text."""
        found = self.scalar(key)
        return found.value if found is not None else default

    def number(self, key: str) -> float | None:
        """The value as a number, or None."""
        found = self.scalar(key)
        value = scalar(found) if found is not None else None
        return float(value) if isinstance(value, int | float) else None

    def whole(self, key: str, default: int) -> int:
        """The value as a whole number."""
        value = self.number(key)
        return int(value) if value is not None else default

    def flag(self, key: str, *, default: bool) -> bool:
        """The value as true or false."""
        found = self.scalar(key)
        return scalar(found) is True if found is not None else default

    def seconds(self, key: str, default: float) -> float:
        """The value as a duration, in seconds."""
        text = self.text(key)
        return seconds(text) if text else default

    def share(self, key: str, default: float) -> float:
        """The value as a percentage: 0.5 for ``50%``."""
        text = self.text(key)
        return share(text) if text else default

    def items(self, key: str) -> tuple[Text, ...]:
        """The scalars of a list."""
        found = self.node(key)
        return (
            tuple(item for item in found.items if isinstance(item, Text)) if isinstance(found, Items) else ()
        )

    def part(self, key: str) -> Written:
        """The mapping below a key."""
        return Written(self.node(key))

    def entries(self, key: str) -> tuple[tuple[Text, Node], ...]:
        """The entries of the mapping below a key, in the order of the file."""
        return self.part(key)._node.entries

    def texts(self, key: str) -> tuple[tuple[str, str], ...]:
        """The same where all values are text, as pairs."""
        return tuple((name.value, node.value) for name, node in self.entries(key) if isinstance(node, Text))
