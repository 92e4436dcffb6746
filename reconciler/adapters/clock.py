"""The machine's clock."""

from __future__ import annotations

import time
from collections.abc import Collection
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class SystemClock:
    """The ``Clock`` port over the operating system."""

    def now(self) -> datetime:
        """See ``ports.Clock``."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """See ``ports.Clock``."""
        return time.monotonic()

    def wait(self, seconds: float) -> None:
        """See ``ports.Clock``."""
        time.sleep(seconds)

    def wait_for_any(self, pending: Collection[Future[Any]], seconds: float) -> None:
        """See ``ports.Clock``."""
        if pending:
            wait(pending, seconds, FIRST_COMPLETED)
        else:
            time.sleep(seconds)
