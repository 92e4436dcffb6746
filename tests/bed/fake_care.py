"""Data that is looked after: what a release does to it is told by the images that ran on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from reconciler.app.host import Host
from reconciler.domain.desired import Desired
from reconciler.domain.report import Verb
from reconciler.errors import DataUnreachable, ReconcileError
from tests.bed.fake_engine import FakeWorld


@dataclass
class FakeCare:
    """The `DataCare` of the fake world. `told` is what was asked of it, with what ran at that time.

    `fails` says by method how often it fails, and with what. `events` are what tests let containers tell of
    their starts, and what came back in between.
    """

    world: FakeWorld
    told: list[tuple[str, str]] = field(default_factory=list)
    fails: dict[str, list[ReconcileError]] = field(default_factory=dict)
    backups: dict[str, str] = field(default_factory=dict)
    events: list[str] = field(default_factory=list)

    def fail(self, method: str, times: int = 1) -> None:
        """Let a method fail so many times."""
        self.fails[method] = [DataUnreachable("CouchDB does not answer")] * times

    def back_up(self, host: Host, desired: Desired, run: str) -> tuple[str, tuple[str, ...]]:
        """See `DataCare`."""
        self._asked("back up")
        self._fail("back_up")
        self.backups[run] = f"backup-{len(self.backups) + 1}"
        return self.backups[run], ()

    def backup_of(self, run: str) -> str:
        """See `DataCare`."""
        return self.backups.get(run, "")

    def can_bring_back(self, host: Host, desired: Desired, backup: str) -> None:
        """See `DataCare`."""
        self._fail("can_bring_back")

    def bring_back(self, host: Host, desired: Desired, backup: str, run: str) -> tuple[str, ...]:
        """See `DataCare`."""
        self._asked(f"bring back {backup}")
        with host.step(Verb.RESTORE, "orders", f"orders_backup_{backup}"):
            self._fail("bring_back")
            self.events.append("data")
        return (f"{backup} is back",)

    def follow(self) -> tuple[str, ...]:
        """See `DataCare`."""
        self._asked("follow")
        return ("the search was filled again",)

    def tells(self, version: str) -> Callable[[int], str]:
        """What a container logs that tells of each of its starts."""

        def writes(look: int) -> str:
            if look == 0:
                self.events.append(version)
            return ""

        return writes

    def _asked(self, what: str) -> None:
        self.world.observe("")  # what is killed asks nothing
        running = sorted(c.name.removeprefix("shop-") for c in self.world.containers.values() if c.up)
        self.told.append((what, " ".join(running)))

    def _fail(self, method: str) -> None:
        if self.fails.get(method):
            raise self.fails[method].pop()
