"""`reconcile watch` under test: started, ended in every way, and what it said."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.bed.tools import wait_until
from tests.e2e.runs import Result, Run
from tests.e2e.world import World


@dataclass(slots=True)
class Daemon:
    """A daemon over a world; one at a time."""

    world: World
    run: Run

    @property
    def said(self) -> str:
        """What it has told so far."""
        return (self.run.folder / "stderr").read_text(errors="replace")

    @property
    def alive(self) -> bool:
        return self.run.process.poll() is None

    def await_said(self, words: str, *, times: int = 1, seconds: float = 30) -> None:
        """Wait until it said something so often."""

        def heard() -> bool:
            assert self.alive, f"the daemon has ended:\n{self.said}"
            return self.said.count(words) >= times

        wait_until(heard, seconds=seconds, what=f"the daemon says {words!r}")

    def end(self, number: signal.Signals = signal.SIGTERM) -> Result:
        """End it, and what came of it."""
        self.run.signal(number)
        return self.run.result()

    def kill(self) -> None:
        """SIGKILL."""
        self.run.signal(signal.SIGKILL)
        self.run.process.wait(20)


@contextmanager
def watching(world: World, *arguments: str, **more: object) -> Iterator[Daemon]:
    """A daemon that has looked once. It ends in good order, unless it has ended before."""
    with beginning(world, *arguments, **more) as daemon:
        daemon.await_said("no-op")
        yield daemon


@contextmanager
def beginning(world: World, *arguments: str, **more: object) -> Iterator[Daemon]:
    """A daemon that was just started. It ends in good order, unless it has ended before."""
    daemon = Daemon(world, world.start("watch", "--interval", "3600", *arguments, **more))  # type: ignore[arg-type]
    try:
        yield daemon
    finally:
        if daemon.alive:
            daemon.end().expect(143)
