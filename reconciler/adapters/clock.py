"""The machine's clock."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime


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
