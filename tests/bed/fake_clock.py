"""Time that passes only when somebody waits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

START = datetime(2026, 9, 30, 14, 0, 0, tzinfo=UTC)
PATIENCE_SECONDS = 100_000.0


@dataclass(slots=True)
class FakeClock:
    """The `Clock` port; a wait takes no time at all, and waiting for ever fails."""

    passed: float = 0.0

    def now(self) -> datetime:
        """See `ports.Clock`."""
        return START + timedelta(seconds=self.passed)

    def monotonic(self) -> float:
        """See `ports.Clock`."""
        return self.passed

    def wait(self, seconds: float) -> None:
        """See `ports.Clock`."""
        assert seconds > 0, "this would spin"
        self.passed += seconds
        assert self.passed < PATIENCE_SECONDS, "somebody waits for ever"
