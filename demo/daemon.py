"""``reconcile watch`` in the background of the story; what it says is shown as it comes."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from world import World

PATIENCE_SECONDS = 60.0
LOOK_SECONDS = 0.02
REST_SECONDS = 0.7


@dataclass(slots=True)
class Daemon:
    """A daemon over the shop, and every line that it said."""

    process: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)
    _heard: int = 0

    def await_line(self, words: str) -> bool:
        """Whether a line with these words came, after the one that was awaited last."""
        ends = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < ends:
            for number in range(self._heard, len(self.lines)):
                if words in self.lines[number]:
                    self._heard = number + 1
                    return True
            if self.process.poll() is not None:
                return False
            time.sleep(LOOK_SECONDS)
        return False

    def rest(self) -> None:
        """Wait until it has said nothing for a moment: what it does itself makes it look once more."""
        said = -1
        while said != len(self.lines):
            said = len(self.lines)
            time.sleep(REST_SECONDS)

    def ended(self) -> int | None:
        """Its exit code; None where it goes on and on."""
        try:
            return self.process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            return None

    def show(self) -> None:
        """Print what it says, line by line."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            print(line, end="", flush=True)
            self.lines.append(line)


@contextmanager
def watching(made: World) -> Iterator[Daemon]:
    """A daemon for as long as the block takes; it may end before."""
    # A group of its own, so that Ctrl-C leaves it to us to end it, before its world goes.
    process = subprocess.Popen(
        ["reconcile", "watch"],
        cwd=made.repository,
        env=made.environment,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    daemon = Daemon(process)
    listening = threading.Thread(target=daemon.show)
    listening.start()
    try:
        yield daemon
    finally:
        process.terminate()
        process.wait()
        listening.join()
