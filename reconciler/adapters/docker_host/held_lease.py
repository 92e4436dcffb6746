"""A lease while it is held: renewed by a thread, and looked at before each change."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from reconciler.adapters.docker_host import lease_container, lifecycle
from reconciler.adapters.docker_host.connection import Connection
from reconciler.domain.environment import Environment
from reconciler.domain.turns import Holder, Pace, Seen, end_of
from reconciler.errors import EngineFailed, EngineUnreachable, LeaseLost, PermissionRefused


class HeldLease:
    """The ``Lease`` port over a container.

    Args:
        connection: the engine.
        environment: what is held.
        lease: the container's id.
        until: until when it was taken, by the engine's clock.
        taken_over: who held it before, and was gone.
        pace: how often it is renewed.
        boottime: seconds that also pass while the machine is suspended.
        renewed_at: when it was taken, by that clock.
    """

    def __init__(
        self,
        connection: Connection,
        environment: Environment,
        lease: str,
        until: datetime,
        taken_over: Holder | None,
        pace: Pace,
        boottime: Callable[[], float],
        renewed_at: float,
    ) -> None:
        self.taken_over = taken_over
        self._connection = connection
        self._environment = environment
        self._id = lease
        self._until = until
        self._pace = pace
        self._boottime = boottime
        self._renewed_at = renewed_at
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._keep, name=f"lease {environment.name}", daemon=True)

    def begin(self) -> None:
        """Renew it from now on."""
        self._thread.start()

    def check(self) -> None:
        """See ``ports.Lease``.

        Asked of the engine each time, which takes a local one less than a millisecond: what is remembered for
        some seconds would be wrong for some seconds, whoever removed it.
        """
        if self._boottime() - self._renewed_at >= self._pace.silence_seconds:
            self._renew()  # others may be about to call us dead
        seen = lease_container.look(self._connection, self._environment.project)
        if seen is None or seen.id != self._id:
            raise self._lost(seen)

    def end(self) -> None:
        """Let go. Somebody else's lease stays: ours is removed by its id."""
        self._ended.set()
        self._thread.join()
        # What was done under it is done; it runs out by itself.
        with suppress(EngineUnreachable, EngineFailed):
            lifecycle.remove(self._connection, self._id, fresh_volumes=False)

    def _keep(self) -> None:
        while not self._ended.wait(self._pace.renew_seconds):
            try:
                self._renew()
            except LeaseLost:
                return  # ``check`` says so, where it matters
            except (EngineUnreachable, EngineFailed, PermissionRefused):
                continue  # the next time may be better; meanwhile ``check`` has to ask, and fails

    def _renew(self) -> None:
        started = self._boottime()
        until = end_of(lease_container.engine_now(self._connection), self._pace, self._until)
        if not lease_container.renew(self._connection, self._id, until):
            raise self._lost(lease_container.look(self._connection, self._environment.project))
        self._renewed_at, self._until = started, until

    def _lost(self, now: Seen | None) -> LeaseLost:
        what = f"{now.holder.who} holds it now" if now is not None else "its lease was removed"
        return LeaseLost(
            f"{self._environment.name} is not ours any more: {what}",
            hint="Nothing more was done to it. Run again: the next pass goes on from what is there",
        )
