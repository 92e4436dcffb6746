"""The fixtures of the probe's tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from reconciler.adapters.probe import OutsideProbe
from tests.adapters.probe.server import Odd, odd


@pytest.fixture
def server() -> Iterator[tuple[type[Odd], str]]:
    with odd() as found:
        yield found


@pytest.fixture
def probe() -> OutsideProbe:
    return OutsideProbe({})
