"""Reconcilers on several hosts that want their turn on one engine, and what their log proves."""

from __future__ import annotations

import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from reconciler.domain.turns import Pace

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Place:
    """The engine, the project and the log that some takers share."""

    host: str
    project: str
    log: Path
    pace: Pace

    def taker(self, identity: str) -> TurnTaker:
        """A process on a host of its own, or on that of an earlier one of the same identity."""
        return TurnTaker(self, identity)

    def lines(self) -> list[tuple[str, str]]:
        """What was done, and in which turn, in this order."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return [(what, turn) for what, _, turn in (line.partition(" ") for line in lines)]

    def turns(self) -> int:
        """How many turns were taken."""
        return sum(what == "took" for what, _ in self.lines())

    def holder(self) -> int:
        """The process whose turn it is; 0 where nobody's is."""
        what, turn = (self.lines() or [("left", "0")])[-1]
        return int(turn.split()[0]) if what != "left" else 0


class TurnTaker:
    """One process of `turn_taker`, told what to do."""

    def __init__(self, place: Place, identity: str) -> None:
        self.identity = identity
        pace = (str(place.pace.ttl_seconds), str(place.pace.renew_seconds))
        command = [sys.executable, "-m", "tests.bed.turn_taker", place.host, place.project, identity]
        self.process = subprocess.Popen(
            [*command, identity, *pace, str(place.log)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    @property
    def pid(self) -> int:
        return self.process.pid

    def tell(self, word: str, times: int = 1) -> None:
        """Say what it is to do, and do not wait for it."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{word}\n" * times)
        self.process.stdin.flush()

    def answer(self) -> str:
        """Its next answer; empty where it ended."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def ask(self, word: str) -> str:
        """Say what it is to do, and wait for its answer."""
        self.tell(word)
        return self.answer()

    def finish(self, seconds: float) -> list[str]:
        """All answers to what it was told; it ends with that, and well."""
        answers, _ = self.process.communicate(timeout=seconds)
        assert self.process.returncode == 0, f"{self.identity} exited with {self.process.returncode}"
        return answers.split()

    def stop(self) -> None:
        """SIGSTOP: it does nothing any more, and does not know it."""
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """SIGCONT."""
        self.process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """SIGKILL, and wait for its end."""
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None and not pipe.closed:
                pipe.close()


def interleavings(lines: list[tuple[str, str]]) -> list[str]:
    """What was done in a turn after another one had begun; none is good.

    A line of a turn is written while its lease is held, so those of two turns never mix.
    """
    found, current = [], ""
    for what, turn in lines:
        if what == "took":
            current = turn
        elif turn != current:
            found.append(f"{turn} {what} in the turn of {current}")
    return found
