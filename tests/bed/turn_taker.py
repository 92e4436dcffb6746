"""A reconciler that does nothing but take its turn, as a process of its own: see `turn_takers`.

It is told on its standard input what to do, a word in a line, and answers on its standard output. What it
does under the lease it writes into a log that all processes share; each line is one write.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

from reconciler.adapters.docker_host.connection import Connection
from reconciler.adapters.docker_host.endpoint import Endpoint
from reconciler.adapters.docker_host.lease import EngineLeases
from reconciler.domain.turns import Pace
from reconciler.errors import LeaseLost
from reconciler.ports import Lease
from tests.domain.values import environment

WAIT_SECONDS = 300.0
ACTS = 4
ACT_SECONDS = 0.02


@dataclass(slots=True)
class Taker:
    """One reconciler on a host called `identity`; of `turns` each has a name of its own."""

    leases: EngineLeases
    project: str
    identity: str
    log: int
    turns: int = 0
    lease: Lease | None = None
    held: ExitStack = field(default_factory=ExitStack)

    def obey(self, words: Iterable[str]) -> None:
        """Do what is said, until nothing more is, or the lease is lost."""
        for word in words:
            try:
                answer = {"take": self.take, "act": self.act, "leave": self.leave, "turn": self.turn}[word]()
            except LeaseLost:
                answer = "lost"
            sys.stdout.write(f"{answer}\n")
            sys.stdout.flush()

    def take(self) -> str:
        self.turns += 1
        place = replace(environment(), project=self.project)
        self.lease = self.held.enter_context(self.leases.take(place, self.identity, WAIT_SECONDS))
        self._write("took")
        return "took"

    def act(self) -> str:
        assert self.lease is not None
        self.lease.check()
        self._write("acted")
        return "acted"

    def leave(self) -> str:
        self._write("left")
        self.held.close()
        return "left"

    def turn(self) -> str:
        self.take()
        for _ in range(ACTS):
            self.act()
            time.sleep(ACT_SECONDS)
        return self.leave()

    def _write(self, what: str) -> None:
        os.write(self.log, f"{what} {os.getpid()} {self.turns}\n".encode())


def main() -> None:
    """Arguments: the engine, the project, who, the host's identity, TTL and renewal in seconds, the log."""
    host, project, who, identity, ttl, renew, log = sys.argv[1:]
    leases = EngineLeases(Connection(Endpoint(host)), Pace(float(ttl), float(renew)), who)
    file = os.open(Path(log), os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    Taker(leases, project, identity, file).obey(line.strip() for line in sys.stdin)


if __name__ == "__main__":
    main()
