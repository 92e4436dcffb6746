"""Leases and pauses of one engine, in memory."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from math import inf

from reconciler.domain.brakes import Pause
from reconciler.domain.environment import Environment
from reconciler.domain.turns import Holder, Pace, Seen, Standing, Watch, end_of
from reconciler.errors import LeaseLost, Locked
from tests.bed.fake_clock import START, FakeClock
from tests.bed.fake_faults import Killed

LOOK_AGAIN_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Kept:
    """A lease on the engine. Whoever holds it renews it at their `pace`, until `silent_from`."""

    id: str
    identity: str
    who: str
    taken_at: float
    pace: Pace
    silent_from: float = inf

    def seen(self, passed: float) -> Seen:
        """The lease as it is seen at a moment of the engine's clock."""
        renewals = (min(passed, self.silent_from) - self.taken_at) // self.pace.renew_seconds
        renewed = START + timedelta(seconds=self.taken_at + renewals * self.pace.renew_seconds)
        since = START + timedelta(seconds=self.taken_at)
        return Seen(self.id, self.identity, Holder(self.who, since, end_of(renewed, self.pace)))


@dataclass(slots=True)
class FakeTurns:
    """The leases on one engine, by project; `clock` is the engine's, and that of all who act on it.

    `let_go_at` says of which projects the present holder lets go by itself, and when.
    """

    clock: FakeClock = field(default_factory=FakeClock)
    kept: dict[str, Kept] = field(default_factory=dict)
    let_go_at: dict[str, float] = field(default_factory=dict)
    made: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def look(self, project: str) -> Seen | None:
        """The lease on a project."""
        with self.lock:
            if self.let_go_at.get(project, inf) <= self.clock.passed:
                del self.let_go_at[project], self.kept[project]
            kept = self.kept.get(project)
        return kept.seen(self.clock.passed) if kept is not None else None

    def create(self, project: str, identity: str, who: str, pace: Pace) -> Kept | None:
        """Take the lease on a project; None where another one has it."""
        with self.lock:
            if project in self.kept:
                return None
            self.made += 1
            self.kept[project] = Kept(f"lease {self.made}", identity, who, self.clock.passed, pace)
            return self.kept[project]

    def remove(self, project: str, lease: str) -> None:
        """Remove this very lease, where it is still there."""
        with self.lock:
            if project in self.kept and self.kept[project].id == lease:
                del self.kept[project]

    def silence(self, project: str, lease: str) -> None:
        """Whoever holds this very lease does not renew it any more."""
        with self.lock:
            if project in self.kept and self.kept[project].id == lease:
                self.kept[project] = replace(self.kept[project], silent_from=self.clock.passed)


@dataclass(slots=True)
class FakeLease:
    """The `Lease` port; `lost` says that somebody else took over, whatever lies on the engine."""

    turns: FakeTurns = field(default_factory=FakeTurns)
    project: str = ""
    id: str = ""
    taken_over: Holder | None = None
    lost: bool = False
    checked: int = 0

    def check(self) -> None:
        """See `ports.Lease`."""
        self.checked += 1
        seen = self.turns.look(self.project)
        if self.lost or seen is None or seen.id != self.id:
            raise LeaseLost(f"{self.project} is not ours any more")


@dataclass(slots=True)
class FakeLeases:
    """The `Leases` port of one host; those of several hosts share their `turns`.

    `other` is somebody elsewhere who holds every environment. `lease` is our latest one, also after its end.
    One that is killed leaves its lease behind.
    """

    turns: FakeTurns = field(default_factory=FakeTurns)
    who: str = "us"
    pace: Pace = field(default_factory=Pace)
    other: str = ""
    taken: int = 0
    lease: FakeLease = field(default_factory=FakeLease)
    holding: set[str] = field(default_factory=set)

    @property
    def held(self) -> bool:
        """Whether we hold any environment now."""
        return bool(self.holding)

    @contextmanager
    def take(self, environment: Environment, identity: str, wait_seconds: float) -> Iterator[FakeLease]:
        """See `ports.Leases`."""
        project = environment.project
        assert project not in self.holding, "taken twice"
        lease = self._taken(project, identity, wait_seconds)
        self.lease, self.taken = lease, self.taken + 1
        self.holding.add(project)
        let_go = self.turns.remove
        try:
            yield lease
        except Killed:
            let_go = self.turns.silence
            raise
        finally:
            self.holding.discard(project)
            let_go(project, lease.id)

    def holder(self, environment: Environment) -> Holder | None:
        """See `ports.Leases`."""
        if self.other:
            return Holder(self.other, START, START + timedelta(seconds=self.pace.ttl_seconds))
        seen = self.turns.look(environment.project)
        return seen.holder if seen is not None else None

    def _taken(self, project: str, identity: str, wait_seconds: float) -> FakeLease:
        clock = self.turns.clock
        began, watch, gone = clock.passed, None, None
        while True:
            if self.other:
                raise Locked(f"{project} is held by {self.other}")
            if kept := self.turns.create(project, identity, self.who, self.pace):
                return FakeLease(self.turns, project, kept.id, gone)
            seen, gone = self.turns.look(project), None
            if seen is not None:
                watch = watch.saw(seen, clock.passed) if watch else Watch(seen, clock.passed)
                dead = seen.identity == identity
                standing = Standing.GONE if dead else watch.standing(clock.now(), clock.passed, self.pace)
                if standing is Standing.GONE:
                    self.turns.remove(project, seen.id)
                    gone = seen.holder
                    continue
                if standing is Standing.ALIVE and clock.passed - began >= wait_seconds:
                    raise Locked(f"{project} is held by {seen.holder.who}")
            clock.wait(LOOK_AGAIN_SECONDS)


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
