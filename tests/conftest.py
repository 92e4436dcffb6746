"""Which files of tests begin first, where two run side by side."""

from __future__ import annotations

import pytest

SLOWEST_FIRST = ("e2e", "faults", "contract", "bed", "adapters", "app", "interface")
"""Folders in this order: what is left for the end are short files, and no worker waits for a long one."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if hasattr(config, "workerinput"):
        items.sort(key=_turn)


def _turn(item: pytest.Item) -> int:
    folder = item.path.relative_to(item.config.rootpath / "tests").parts[0]
    return SLOWEST_FIRST.index(folder) if folder in SLOWEST_FIRST else len(SLOWEST_FIRST)
