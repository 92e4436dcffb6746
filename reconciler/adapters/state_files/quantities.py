"""Durations and percentages, as the schema lets them be written."""

from __future__ import annotations

from typing import Final

_SECONDS: Final = (("ms", 0.001), ("s", 1.0), ("m", 60.0), ("h", 3600.0), ("d", 86400.0))


def seconds(text: str) -> float:
    """The seconds of a duration such as ``120s``, ``2m``, ``1h``, ``14d`` or ``500ms``.

    Raises:
        ValueError: ``text`` is not a duration.
    """
    for unit, factor in _SECONDS:
        number = text.removesuffix(unit)
        if number != text and number.isascii() and number.isdecimal():
            return int(number) * factor
    raise ValueError(f"{text!r} is not a duration")


def share(text: str) -> float:
    """The share that a percentage such as ``50%`` or ``2.5%`` is of the whole: 0.5, 0.025.

    Raises:
        ValueError: ``text`` is not a percentage.
    """
    number = text.removesuffix("%")
    whole, _, part = number.partition(".")
    if number == text or not text.isascii() or not f"{whole}{part}".isdecimal():
        raise ValueError(f"{text!r} is not a percentage")
    return float(number) / 100
