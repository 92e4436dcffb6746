"""Points at which a test may have the program killed: before and after each thing that outlives it.

    RECONCILE_FAILPOINT=engine.stop:after#2    killed when the second stop has been made
    python -m reconciler.interface.failpoints  prints all names

Without that variable nothing of this is in the way of anything.
"""

from __future__ import annotations

import itertools
import os
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from reconciler.domain.environment import Environment
from reconciler.domain.turns import Holder
from reconciler.errors import Refused
from reconciler.ports import Journal, Lease, Leases, Repository

VARIABLE = "RECONCILE_FAILPOINT"
SIDES = ("before", "after")
JOURNAL_WRITES = (
    "journal.keep",
    "journal.begin",
    "journal.begin_step",
    "journal.step",
    "journal.finish",
    "journal.block",
    "journal.unblock",
    "journal.note_good",
    "journal.note_undo",
    "journal.observe",
)
REPOSITORY_WRITES = ("repository.commit",)
TURNS = ("lease.take", "lease.release")

Reached = Callable[[str], None]
T = TypeVar("T")


def names() -> tuple[str, ...]:
    """Every failpoint, with its side."""
    from reconciler.app.fenced import CHANGES, DATA_CHANGES, SEARCH_CHANGES  # for tests alone
    from reconciler.domain.report import Verb

    points = [
        *(f"step.{verb}" for verb in Verb),
        *CHANGES,
        *DATA_CHANGES,
        *SEARCH_CHANGES,
        *JOURNAL_WRITES,
        *REPOSITORY_WRITES,
        *TURNS,
    ]
    return tuple(f"{point}:{side}" for point in points for side in SIDES)


@dataclass(frozen=True, slots=True)
class Failpoints:
    """The failpoint that a test asked for. With ``reached`` None there is none, and nothing is wrapped."""

    reached: Reached | None = None

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Failpoints:
        """What ``RECONCILE_FAILPOINT`` asks for.

        Raises:
            Refused: there is no such failpoint.
        """
        asked = environ.get(VARIABLE, "")
        if not asked:
            return cls()
        name, _, count = asked.partition("#")
        if name not in names() or not (count or "1").isdigit():
            raise Refused(
                f"there is no failpoint {asked!r}", hint="python -m reconciler.interface.failpoints"
            )
        passed, dies_at = itertools.count(1), int(count or "1")

        def reached(point: str) -> None:
            if point == name and next(passed) == dies_at:
                os.kill(os.getpid(), signal.SIGKILL)

        return cls(reached)

    @property
    def host(self) -> Reached:
        """What a ``Host`` is to call."""
        return self.reached or (lambda _point: None)

    def journal(self, journal: Journal) -> Journal:
        """The same journal, with failpoints around what it writes."""
        return self._around(journal, "journal", JOURNAL_WRITES)

    def repository(self, repository: Repository) -> Repository:
        """The same repository, with failpoints around what it writes."""
        return self._around(repository, "repository", REPOSITORY_WRITES)

    def leases(self, leases: Leases) -> Leases:
        """The same leases, with failpoints around taking and releasing them."""
        return leases if self.reached is None else _Leases(leases, self.reached)

    def _around(self, real: T, port: str, writes: tuple[str, ...]) -> T:
        if self.reached is None:
            return real
        from reconciler.app.guarded import guarded

        reached = self.reached

        @contextmanager
        def guard(write: str) -> Iterator[None]:
            reached(f"{write}:before")
            yield
            reached(f"{write}:after")

        return guarded(real, port, writes, guard)


@dataclass(frozen=True, slots=True)
class _Leases:
    real: Leases
    reached: Reached

    @contextmanager
    def take(self, environment: Environment, identity: str, wait_seconds: float) -> Iterator[Lease]:
        """See ``ports.Leases``."""
        self.reached("lease.take:before")
        with self.real.take(environment, identity, wait_seconds) as lease:
            self.reached("lease.take:after")
            yield lease
            self.reached("lease.release:before")
        self.reached("lease.release:after")

    def holder(self, environment: Environment) -> Holder | None:
        """See ``ports.Leases``."""
        return self.real.holder(environment)


if __name__ == "__main__":
    import sys

    sys.stdout.write("".join(f"{name}\n" for name in names()))
