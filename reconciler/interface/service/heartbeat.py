"""Signs of life of the daemon's loop: for the service manager, and in a file for everybody else.

The file says when the loop last turned, by a clock that nobody sets, and since which boot that counts: a wall
clock that jumps makes no daemon look dead, or alive.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from math import inf
from pathlib import Path

from reconciler.interface.service.sd_notify import ServiceManager

WRITE_SECONDS = 5.0
"""How often the file is written."""
DEAD_SECONDS = 60.0
"""After how long without a sign of life a daemon counts as dead."""
DRAIN_SECONDS = 30.0
"""How much more time is asked for at once while what is in hand is finished or undone."""
LONGEST_DRAIN_SECONDS = 900.0
BOOT = Path("/proc/sys/kernel/random/boot_id")


def heartbeat_file(state_directory: Path, environments: Sequence[str]) -> Path:
    """Where the daemon over these environments, all where empty, keeps its heartbeat."""
    names = ",".join(sorted(set(environments)))
    of = f"-{sha256(names.encode()).hexdigest()[:8]}" if names else ""
    return state_directory / f"watch{of}.heartbeat"


def silence_seconds(file: Path, now: float, boot: str) -> float:
    """How long ago the loop of a daemon turned; for ever where there is no sign of it since this boot.

    Args:
        file: its heartbeat.
        now: the monotonic clock.
        boot: which boot of the machine that clock counts from.
    """
    try:
        seen, _, at = file.read_text(encoding="ascii").strip().partition(" ")
        return max(now - float(at), 0.0) if seen == boot else inf
    except (OSError, ValueError):
        return inf


def this_boot() -> str:
    """Which boot of the machine this is."""
    return BOOT.read_text(encoding="ascii").strip()


@dataclass(slots=True)
class Heartbeat:
    """What the daemon's loop calls whenever it turns.

    Args:
        manager: the service manager.
        file: where others look.
        boot: see ``this_boot``.
        ending: whether the loop turns only until what is in hand is finished or undone.
        stops: called once when that begins.
        monotonic: seconds that only move forward.
    """

    manager: ServiceManager
    file: Path
    boot: str
    ending: Callable[[], bool]
    stops: Callable[[], None]
    monotonic: Callable[[], float] = time.monotonic
    _ready: bool = False
    _drains_until: float = 0.0
    _due: dict[str, float] = field(default_factory=dict)

    def beat(self) -> None:
        """The loop turned. That it does for the first time is what a service manager waits for."""
        if not self._ready:
            self._ready = True
            self.manager.ready()
        watched = self.manager.watchdog_seconds
        if watched and self._is_due("watchdog", watched / 3):
            self.manager.alive()
        if self._is_due("file", WRITE_SECONDS):
            self._write()
        if self.ending():
            self.stopping()
            self._ask_for_time()

    def reloaded(self) -> None:
        """Everything is read anew, because somebody asked."""
        self.manager.reloading()
        self.manager.ready()

    def stopping(self) -> None:
        """The daemon is about to end; said once, however often it is called."""
        if not self._drains_until:
            self._drains_until = self.monotonic() + LONGEST_DRAIN_SECONDS
            self.stops()
            self.manager.stopping("finishing or undoing what is in hand")

    def ended(self) -> None:
        """The daemon is gone, as it should be."""
        with suppress(OSError):  # then it looks dead a little later
            self.file.unlink()

    def _ask_for_time(self) -> None:
        """For as long as undoing a release may take, and not for ever."""
        if self.monotonic() < self._drains_until and self._is_due("drain", DRAIN_SECONDS / 3):
            self.manager.needs_longer(DRAIN_SECONDS)

    def _is_due(self, what: str, seconds: float) -> bool:
        now = self.monotonic()
        if now < self._due.get(what, 0.0):
            return False
        self._due[what] = now + seconds
        return True

    def _write(self) -> None:
        """Over what is there, in one call: who reads meanwhile sees the old or the new."""
        line = f"{self.boot} {self.monotonic():020.3f}\n".encode("ascii")
        with suppress(OSError):  # a full disk ends no daemon; whoever looks sees an old sign of life
            self.file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            written = os.open(self.file, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            try:
                os.pwrite(written, line, 0)
            finally:
                os.close(written)
