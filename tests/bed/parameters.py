"""Parameters of which only some are worth their time in every run."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest


def long_but(*kept: str, among: Iterable[str]) -> list[Any]:
    """``among``, of which all but ``kept`` are marked as long: what they show, these show as well."""
    return [name if name in kept else pytest.param(name, marks=pytest.mark.long) for name in among]
