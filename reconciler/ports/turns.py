"""Time, and whose turn it is."""

from __future__ import annotations

from collections.abc import Collection
from concurrent.futures import Future
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, Protocol

from reconciler.domain.environment import Environment
from reconciler.domain.turns import Holder


class Lock(Protocol):
    """At most one pass per environment on this host. The kernel frees it with its holder."""

    def hold(self, environment: Environment, wait_seconds: float) -> AbstractContextManager[str]:
        """Hold the environment on this host.

        What is given is the lock's identity: whoever took a lease under the same identity, and is not us,
        is dead.

        Raises:
            Locked: another one holds it, and still did after ``wait_seconds``.
        """


class Lease(Protocol):
    """The right to change one environment, while it is held."""

    @property
    def taken_over(self) -> Holder | None:
        """Who held it before, and ended without letting go; None where nobody did."""

    def check(self) -> None:
        """See that it is still ours. Asked before each change; it takes one short question to the engine.

        Raises:
            LeaseLost: somebody else took it over, or removed it.
            EngineUnreachable: that cannot be told.
        """


class Leases(Protocol):
    """At most one writer per environment on an engine, whatever host it acts from."""

    def take(
        self, environment: Environment, identity: str, wait_seconds: float
    ) -> AbstractContextManager[Lease]:
        """Hold the environment on its engine, and renew that in the background until the block ends.

        Args:
            environment: which one.
            identity: that of the host's lock, which is held.
            wait_seconds: how long to wait for another holder to end. One that is dead is told by its identity
                at once, and by its silence otherwise: where there is doubt it is watched until there is none,
                whatever this says, which takes no longer than a lease lasts.

        Raises:
            Locked: another one holds it, and still did after ``wait_seconds``.
            EngineUnreachable, EngineFailed, PermissionRefused.
        """

    def holder(self, environment: Environment) -> Holder | None:
        """Who holds the environment now, ourselves included; None where nobody does.

        Raises:
            EngineUnreachable, PermissionRefused.
        """


class Clock(Protocol):
    """Time, as an argument."""

    def now(self) -> datetime:
        """The wall clock, in UTC: for people."""

    def monotonic(self) -> float:
        """Seconds that only move forward: for decisions."""

    def wait(self, seconds: float) -> None:
        """Let time pass."""

    def wait_for_any(self, pending: Collection[Future[Any]], seconds: float) -> None:
        """Let time pass until one of ``pending`` is done, but no more than ``seconds``."""
