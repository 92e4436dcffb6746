"""What a plain scalar means: YAML 1.2's core schema, as editors and JSON Schema read it.

YAML 1.1, which libyaml and PyYAML speak, would make a number of ``22:22`` and true of ``on``.
https://yaml.org/spec/1.2.2/#1032-tag-resolution
"""

from __future__ import annotations

import math
import re
from typing import Final

from reconciler.adapters.state_files.nodes import Items, Mapping, Node, Text

Scalar = str | int | float | bool | None
Document = Scalar | list["Document"] | dict[str, "Document"]

_WORDS: Final = ("true", "True", "TRUE", "false", "False", "FALSE")
_DECIMAL = re.compile(r"[-+]?[0-9]+")
_OTHER_BASE = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_MOST_DIGITS = 300
"""JSON has no number that is longer, and Python refuses to read some that are."""


def scalar(text: Text) -> Scalar:
    """The value of a scalar; infinity stands for every number that is not a finite one."""
    if text.style:
        return text.value
    if text.empty:
        return None
    if text.value in _WORDS:
        return text.value.lower() == "true"
    return _number(text.value)


def _number(value: str) -> str | int | float:
    if _NOT_FINITE.fullmatch(value):
        return math.inf
    if _DECIMAL.fullmatch(value):
        return int(value) if len(value) <= _MOST_DIGITS else math.inf
    if _OTHER_BASE.fullmatch(value):
        return int(value, 0) if len(value) <= _MOST_DIGITS else math.inf
    return float(value) if _FLOAT.fullmatch(value) else value


def document(node: Node) -> Document:
    """The node as JSON has it."""
    match node:
        case Mapping():
            return {key.value: document(value) for key, value in node.entries}
        case Items():
            return [document(item) for item in node.items]
        case Text():
            return scalar(node)
