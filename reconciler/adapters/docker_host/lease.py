"""At most one writer per environment on an engine: a container whose name only one can have."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import inf

from reconciler.adapters.docker_host import lease_container, lifecycle
from reconciler.adapters.docker_host.connection import Connection
from reconciler.adapters.docker_host.held_lease import HeldLease
from reconciler.domain.environment import Environment
from reconciler.domain.turns import Holder, Pace, Seen, Standing, Watch, end_of
from reconciler.errors import Locked

LOOK_AGAIN_SECONDS = 0.2
APPEAR_SECONDS = 2.0
"""A name is taken a moment before its container can be seen, and for a moment after."""


def ourselves() -> str:
    """This process, for people."""
    return f"process {os.getpid()} on {socket.gethostname()}"


def boottime() -> float:
    """Seconds since the machine was booted, suspended or not."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


@dataclass(frozen=True, slots=True)
class EngineLeases:
    """The ``Leases`` port over one engine.

    Args:
        connection: the engine.
        pace: that of all who act on it.
        who: this process, for people.
        monotonic: the clock by which others are watched.
        boottime: the clock by which our own renewals are late.
        wait: lets time pass.
    """

    connection: Connection
    pace: Pace = field(default_factory=Pace)
    who: str = field(default_factory=ourselves)
    monotonic: Callable[[], float] = time.monotonic
    boottime: Callable[[], float] = boottime
    wait: Callable[[float], None] = time.sleep

    @contextmanager
    def take(self, environment: Environment, identity: str, wait_seconds: float) -> Iterator[HeldLease]:
        """See ``ports.Leases``."""
        held = self._taken(environment, identity, wait_seconds)
        held.begin()
        try:
            yield held
        finally:
            held.end()

    def holder(self, environment: Environment) -> Holder | None:
        """See ``ports.Leases``."""
        return lease_container.holder_of(self.connection, environment.project)

    def _taken(self, environment: Environment, identity: str, wait_seconds: float) -> HeldLease:
        """The lease, once it is our turn.

        A holder who is gone is removed by id, so that nobody's new lease is ever hit. Whoever is first to
        create one after that has it; it need not be us.
        """
        began = self.monotonic()
        watch: Watch | None = None
        gone: Holder | None = None
        while True:
            asked_at = self.monotonic()
            seen = lease_container.look(self.connection, environment.project)
            if seen is None:
                if (held := self._create(environment, identity, gone)) is not None:
                    return held
                watch = gone = None
                patience = max(wait_seconds, APPEAR_SECONDS)
            else:
                watch = watch.saw(seen, self.monotonic()) if watch else Watch(seen, self.monotonic())
                standing = self._standing(watch, identity, asked_at)
                if standing is Standing.GONE:
                    lifecycle.remove(self.connection, seen.id, fresh_volumes=False)
                    watch, gone = None, seen.holder
                    continue
                gone, patience = None, wait_seconds if standing is Standing.ALIVE else inf
            if self.monotonic() - began >= patience:
                raise _locked(environment, seen)
            self.wait(LOOK_AGAIN_SECONDS)

    def _standing(self, watch: Watch, identity: str, at: float) -> Standing:
        if watch.seen.identity == identity:
            return Standing.GONE  # we have that lock: the kernel took it from a holder that ended
        return watch.standing(lease_container.engine_now(self.connection), at, self.pace)

    def _create(self, environment: Environment, identity: str, gone: Holder | None) -> HeldLease | None:
        """The lease; None where somebody else was faster."""
        started = self.boottime()
        until = end_of(lease_container.engine_now(self.connection), self.pace)
        made = lease_container.create(self.connection, environment.project, self.who, identity, until)
        if not made:
            return None
        return HeldLease(self.connection, environment, made, until, gone, self.pace, self.boottime, started)


def _locked(environment: Environment, seen: Seen | None) -> Locked:
    name = lease_container.name_of(environment.project)
    if seen is None:
        return Locked(f"{environment.name} is just being taken by another reconciler", hint="Try again")
    holder = seen.holder
    times = f"since {holder.since:%Y-%m-%dT%H:%M:%SZ}, until {holder.until:%Y-%m-%dT%H:%M:%SZ} at least"
    return Locked(
        f"{environment.name} is being changed by {holder.who}, {times}",
        hint="Wait for it to end, or let this run wait with --lock-wait. A holder that died is noticed by "
        f"its silence; if you know that it is gone, 'docker rm {name}' takes less long",
    )
