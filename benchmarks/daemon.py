"""``reconcile watch`` as a process of its own: what it says, when it says it, and what it costs."""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PATIENCE_SECONDS = 60.0
TICKS = os.sysconf("SC_CLK_TCK")
PAGE_MIB = os.sysconf("SC_PAGE_SIZE") / 2**20


@dataclass(frozen=True, slots=True)
class Said:
    """One line of its log; ``at`` is when it came here, on the monotonic clock."""

    at: float
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Usage:
    """What a process has used by now: processor seconds with those of its children that have ended."""

    at: float
    cpu_seconds: float
    rss_mib: float
    files: int


@dataclass(slots=True)
class Daemon:
    """A daemon that runs, and everything that it said."""

    process: subprocess.Popen[str]
    lines: list[Said] = field(default_factory=list)
    came: threading.Condition = field(default_factory=threading.Condition)

    def await_said(self, event: str, after: float = 0.0, **fields: object) -> Said:
        """The first line about ``event``, with these ``fields``, that came after a moment.

        Raises:
            RuntimeError: it did not come, or the daemon has ended; with what it said.
        """

        def found() -> Said | None:
            wanted = {"event": event, **fields}
            return next((s for s in self.lines if s.at > after and wanted.items() <= s.fields.items()), None)

        with self.came:
            self.came.wait_for(lambda: found() or self.process.poll() is not None, PATIENCE_SECONDS)
            if (said := found()) is None:
                raise RuntimeError(f"the daemon did not say {event}: {self.lines[-20:]}")
            return said

    def usage(self) -> Usage:
        """What it has used by now. https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html"""
        return usage_of(self.process.pid)

    def listen(self) -> None:
        """Take down what it says."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            at = time.monotonic()
            with self.came:
                self.lines.append(Said(at, _read(line)))
                self.came.notify_all()


def usage_of(process: int | str) -> Usage:
    """What a process has used by now; ``self`` is this one."""
    place = Path("/proc") / str(process)
    fields = (place / "stat").read_text().rpartition(")")[2].split()
    cpu = sum(map(int, fields[11:15])) / TICKS
    resident = int((place / "statm").read_text().split()[1]) * PAGE_MIB
    return Usage(time.monotonic(), cpu, resident, len(list((place / "fd").iterdir())))


@contextmanager
def watching(folder: Path, *arguments: str) -> Iterator[Daemon]:
    """A daemon in ``folder`` that has looked once, and ends with the block."""
    command = ["reconcile", "watch", "--log-format", "json", "--log-level", "debug", *arguments]
    process = subprocess.Popen(
        command, cwd=folder, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    daemon = Daemon(process)
    listening = threading.Thread(target=daemon.listen)
    listening.start()
    try:
        daemon.await_said("pass_ended", result="no-op")
        yield daemon
    finally:
        process.terminate()
        process.wait(PATIENCE_SECONDS)
        listening.join()


def _read(line: str) -> dict[str, Any]:
    """A line as data; what is no JSON, a traceback say, as it is."""
    try:
        return dict(json.loads(line))
    except ValueError:
        return {"event": None, "line": line}
