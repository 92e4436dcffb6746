"""Leases and pauses of one engine, in memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from reconciler.domain.brakes import Pause
from reconciler.domain.environment import Environment
from reconciler.domain.turns import Holder
from reconciler.errors import LeaseLost, Locked
from tests.bed.fake_clock import START


@dataclass(slots=True)
class FakeLease:
    """The `Lease` port; `lost` says that somebody else took over."""

    lost: bool = False
    checked: int = 0

    def check(self) -> None:
        """See `ports.Lease`."""
        self.checked += 1
        if self.lost:
            raise LeaseLost("somebody else took over")


@dataclass(slots=True)
class FakeLeases:
    """The `Leases` port; `other` is somebody else who holds it, `lease` is ours, also after its end."""

    other: str = ""
    held: bool = False
    taken: int = 0
    lease: FakeLease = field(default_factory=FakeLease)

    @contextmanager
    def take(self, environment: Environment, identity: str, wait_seconds: float) -> Iterator[FakeLease]:
        """See `ports.Leases`."""
        if self.other:
            raise Locked(f"{environment.name} is held by {self.other}")
        assert not self.held, "taken twice"
        self.held, self.taken, self.lease = True, self.taken + 1, FakeLease()
        try:
            yield self.lease
        finally:
            self.held = False

    def holder(self, environment: Environment) -> Holder | None:
        """See `ports.Leases`."""
        who = self.other or ("us" if self.held else "")
        return Holder(who, START, START + timedelta(seconds=30)) if who else None


@dataclass(slots=True)
class FakePauses:
    """The `Pauses` port."""

    pauses: dict[str, Pause] = field(default_factory=dict)

    def pause(self, environment: Environment) -> Pause | None:
        """See `ports.Pauses`."""
        return self.pauses.get(environment.project)

    def begin(self, environment: Environment, pause: Pause) -> None:
        """See `ports.Pauses`."""
        self.pauses[environment.project] = pause

    def end(self, environment: Environment) -> Pause | None:
        """See `ports.Pauses`."""
        return self.pauses.pop(environment.project, None)
