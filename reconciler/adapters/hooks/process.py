"""One process that must end in time, and the last part of what it writes."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field

from reconciler.errors import HookFailed
from reconciler.ports.hooks import Invocation

KEPT_BYTES = 64 * 1024
"""More than is shown: what hides secrets has to see them whole."""
LOOK_SECONDS = 0.05
"""How often it is looked whether the process ended: what it leaves behind may keep its output open."""
_CHUNK = 8192


@dataclass(slots=True)
class _Tail:
    """The last part of an output; what is not read would stop the process."""

    stream: int
    _kept: deque[bytes] = field(default_factory=deque)
    _size: int = 0

    def read(self, patience_seconds: float) -> bool | None:
        """Read what is there: whether there was something, None at the end of it."""
        if not select.select([self.stream], [], [], max(patience_seconds, 0.0))[0]:
            return False
        chunk = os.read(self.stream, _CHUNK)
        self._kept.append(chunk)
        self._size += len(chunk)
        while self._size - len(self._kept[0]) >= KEPT_BYTES:
            self._size -= len(self._kept.popleft())
        return True if chunk else None

    def text(self) -> str:
        """All that was kept."""
        return b"".join(self._kept).decode("utf-8", errors="replace")


def run_bounded(invocation: Invocation, time_limit_seconds: float) -> tuple[int | None, str]:
    """Run it to its end: exit code, None where that was its time limit, and the last of its output.

    It has a process group of its own, which is ended as a whole at the time limit. It has no standard input
    but the text of the invocation.

    Raises:
        HookFailed: it cannot be started.
    """
    with _started(invocation) as child:
        assert child.stdout is not None
        tail = _Tail(child.stdout.fileno())
        try:
            _hand_over(child, invocation.text)
            code = _follow(child, tail, time.monotonic() + time_limit_seconds)
        finally:
            _end(child)
        return code, tail.text()


def _started(invocation: Invocation) -> subprocess.Popen[bytes]:
    program = invocation.command[0]
    try:
        return subprocess.Popen(
            list(invocation.command),
            stdin=subprocess.PIPE if invocation.text else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=dict(invocation.environ),
            cwd=invocation.folder,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise HookFailed(f"{program} cannot be started: {reason}") from error


def _hand_over(child: subprocess.Popen[bytes], text: str) -> None:
    if child.stdin is not None:
        with suppress(BrokenPipeError), child.stdin:
            child.stdin.write(text.encode())


def _follow(child: subprocess.Popen[bytes], tail: _Tail, until_seconds: float) -> int | None:
    """Read along until it ended, or its time is over."""
    while (left := until_seconds - time.monotonic()) > 0:
        ended = child.poll() is not None  # asked first: what it wrote before is there by now
        found = tail.read(0.0 if ended else min(left, LOOK_SECONDS))
        if found is None:
            with suppress(subprocess.TimeoutExpired):
                return child.wait(left)
        elif ended and not found:
            break
    return child.poll()


def _end(child: subprocess.Popen[bytes]) -> None:
    """End the whole group of one that still runs: its number is nobody else's until it is waited for."""
    if child.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
