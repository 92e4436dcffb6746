"""What a channel gave back, as it is kept with a message: a small JSON object of texts and numbers."""

from __future__ import annotations

import json
from collections.abc import Sequence

from reconciler.domain.events import Message

Value = str | int
Known = dict[str, Value]


def known(earlier: Sequence[Message]) -> Known:
    """Everything that earlier messages of an incident gave back; of the same name the last one counts."""
    found: Known = {}
    for message in earlier:
        found |= _of(message.receipt)
    return found


def number(found: Known, name: str) -> int:
    """The number of that name; 0 where there is none."""
    value = found.get(name, 0)
    return value if isinstance(value, int) else 0


def text(found: Known, name: str) -> str:
    """The text of that name; empty where there is none."""
    value = found.get(name, "")
    return value if isinstance(value, str) else ""


def written(found: Known) -> str:
    """The receipt, without what is empty; empty where nothing is left."""
    kept = {name: value for name, value in found.items() if value}
    return json.dumps(kept, separators=(",", ":"), sort_keys=True) if kept else ""


def _of(receipt: str) -> Known:
    """A receipt of another version, or of another kind of channel under the same name, says nothing."""
    try:
        found = json.loads(receipt or "{}")
    except ValueError:
        return {}
    if not isinstance(found, dict):
        return {}
    return {name: value for name, value in found.items() if isinstance(value, (str, int))}
