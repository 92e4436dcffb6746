"""Which files of tests begin first, where two run side by side; and the one CouchDB that many of them ask."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.bed.couchdb import CouchDb, CouchDbProcess, real_server

SLOWEST_FIRST = ("e2e", "faults", "contract", "bed", "adapters", "app", "interface")
"""Folders in this order: what is left for the end are short files, and no worker waits for a long one."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if hasattr(config, "workerinput"):
        items.sort(key=_turn)


def _turn(item: pytest.Item) -> int:
    folder = item.path.relative_to(item.config.rootpath / "tests").parts[0]
    return SLOWEST_FIRST.index(folder) if folder in SLOWEST_FIRST else len(SLOWEST_FIRST)


@pytest.fixture(scope="session")
def couchdb() -> Iterator[CouchDb]:
    """A CouchDB that is there for all tests of a worker: each makes databases of its own in it.

    It is the real one of COUCHDB_URL, where that is set.
    """
    if (real := real_server()) is not None:
        yield real
        real.clean()
        return
    with CouchDbProcess() as process:
        yield process.server
