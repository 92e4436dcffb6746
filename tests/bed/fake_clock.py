"""Time that passes only when somebody waits."""

from __future__ import annotations

from collections.abc import Collection
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

START = datetime(2026, 9, 30, 14, 0, 0, tzinfo=UTC)
PATIENCE_SECONDS = 100_000.0


@dataclass(slots=True)
class FakeClock:
    """The `Clock` port; a wait takes no time at all, and waiting for ever fails.

    `ahead` is by how many seconds somebody has set the wall clock forward, or back.
    """

    passed: float = 0.0
    ahead: float = 0.0

    def now(self) -> datetime:
        """See `ports.Clock`."""
        return START + timedelta(seconds=self.passed + self.ahead)

    def monotonic(self) -> float:
        """See `ports.Clock`."""
        return self.passed

    def wait(self, seconds: float) -> None:
        """See `ports.Clock`."""
        assert seconds > 0, "this would spin"
        self.passed += seconds
        assert self.passed < PATIENCE_SECONDS, "somebody waits for ever"

    def wait_for_any(self, pending: Collection[Future[Any]], seconds: float) -> None:
        """See `ports.Clock`. What is pending is done at once: it is waited for, and no time passes."""
        if pending:
            assert wait(pending, 20, FIRST_COMPLETED).done, "it never ends"
        else:
            self.wait(seconds)
