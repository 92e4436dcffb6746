"""What the contract of leases and pauses needs around an engine: the fake one, and a real one."""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol

from reconciler.adapters.docker_host.connection import Connection
from reconciler.adapters.docker_host.endpoint import Endpoint
from reconciler.adapters.docker_host.lease import EngineLeases
from reconciler.adapters.docker_host.lease_container import create, engine_now, look
from reconciler.adapters.docker_host.lifecycle import remove
from reconciler.adapters.docker_host.pause import EnginePauses
from reconciler.domain.environment import Environment
from reconciler.domain.turns import Pace
from reconciler.ports import Leases, Pauses
from tests.bed.fake_turns import FakeLeases, FakePauses, FakeTurns
from tests.bed.tools import wait_until
from tests.domain.values import environment

BRISK = Pace(ttl_seconds=3.0, renew_seconds=0.4)
SILENT = Pace(ttl_seconds=0.1, renew_seconds=100_000.0)
"""That of one who was stopped, and does not know it."""


class TurnsBench(Protocol):
    """An engine on which several act, and two environments that nobody else knows."""

    one: Environment
    two: Environment

    @property
    def pauses(self) -> Pauses:
        """The pauses on the engine."""

    def leases(self, who: str, pace: Pace = BRISK) -> Leases:
        """The leases, for a reconciler called `who`."""

    def leave(self, who: str, identity: str) -> None:
        """A lease on the first environment that has just run out, and whose holder is dead."""

    def hold_shortly(self, who: str, identity: str) -> None:
        """Somebody takes the lease on the first environment, and lets go within a second or two."""

    def remove(self) -> None:
        """Remove the lease on the first environment, as a person would."""

    def now(self) -> datetime:
        """The engine's clock."""

    def let_pass(self, seconds: float) -> None:
        """Let time pass by the engine's clock."""


@dataclass(slots=True)
class FakeTurnsBench:
    """Over the fake engine."""

    one: Environment = field(default_factory=lambda: unique("one"))
    two: Environment = field(default_factory=lambda: unique("two"))
    turns: FakeTurns = field(default_factory=FakeTurns)
    pauses: FakePauses = field(default_factory=FakePauses)

    def leases(self, who: str, pace: Pace = BRISK) -> Leases:
        return FakeLeases(self.turns, who, pace)

    def leave(self, who: str, identity: str) -> None:
        assert self.turns.create(self.one.project, identity, who, SILENT)
        self.turns.clock.wait(1.0)

    def hold_shortly(self, who: str, identity: str) -> None:
        assert self.turns.create(self.one.project, identity, who, BRISK)
        self.turns.let_go_at[self.one.project] = self.turns.clock.passed + 1.0

    def remove(self) -> None:
        self.turns.kept.pop(self.one.project, None)

    def now(self) -> datetime:
        return self.turns.clock.now()

    def let_pass(self, seconds: float) -> None:
        self.turns.clock.wait(seconds)


@dataclass(slots=True)
class RealTurnsBench:
    """Over a real engine; `connection` leads to it."""

    connection: Connection
    one: Environment = field(default_factory=lambda: unique("one"))
    two: Environment = field(default_factory=lambda: unique("two"))
    threads: list[threading.Thread] = field(default_factory=list)

    @property
    def pauses(self) -> Pauses:
        return EnginePauses(self.connection)

    def leases(self, who: str, pace: Pace = BRISK) -> Leases:
        return EngineLeases(self.connection, pace, who)

    def leave(self, who: str, identity: str) -> None:
        assert create(self.connection, self.one.project, who, identity, self.now())

    def hold_shortly(self, who: str, identity: str) -> None:
        begun = threading.Event()

        def hold() -> None:
            with self.leases(who).take(self.one, identity, 0.0):
                begun.set()
                self.let_pass(1.0)

        self.threads.append(threading.Thread(target=hold))
        self.threads[-1].start()
        assert begun.wait(20)

    def remove(self) -> None:
        self._remove(self.one)

    def now(self) -> datetime:
        return engine_now(self.connection)

    def let_pass(self, seconds: float) -> None:
        end = self.now() + timedelta(seconds=seconds)
        wait_until(lambda: self.now() >= end, seconds=seconds + 10, what="time passes on the engine")

    def close(self) -> None:
        """Remove what tests left there."""
        for thread in self.threads:
            thread.join(20)
        for made in (self.one, self.two):
            self._remove(made)
            self.pauses.end(made)
        self.connection.close()

    def _remove(self, made: Environment) -> None:
        if (seen := look(self.connection, made.project)) is not None:
            remove(self.connection, seen.id, fresh_volumes=False)


def unique(name: str) -> Environment:
    """An environment whose project nobody else has."""
    return replace(environment(name=name), project=f"turns-{name}-{secrets.token_hex(4)}")


def real_turns(host: str) -> RealTurnsBench:
    """A bench over the engine at ``host``."""
    return RealTurnsBench(Connection(Endpoint(host)))
