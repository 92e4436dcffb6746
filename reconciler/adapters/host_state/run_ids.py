"""The ids of passes: ten characters that sort by time, and that a person can read out and type."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base32: no I, L, O and U."""
LENGTH = 10
_MISREAD = str.maketrans("OIL", "011")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def ordinal(at: datetime) -> int:
    """The milliseconds since 1970 in UTC; 0 for what was before."""
    return max((at - _EPOCH) // timedelta(milliseconds=1), 0)


def run_id(number: int) -> str:
    """The id with this ordinal."""
    return "".join(ALPHABET[(number >> 5 * place) & 31] for place in reversed(range(LENGTH)))


def as_typed(text: str) -> str:
    """An id, or its beginning, from what a person typed: in any case, and with letters that it cannot have.

    Empty where no id begins so.
    """
    typed = text.strip().upper().translate(_MISREAD)
    return typed if set(typed) <= set(ALPHABET) else ""
