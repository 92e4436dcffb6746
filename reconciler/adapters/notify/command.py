"""A command on this host: it gets the event as JSON on its standard input, and its exit code says whether it
took it.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from threading import Thread
from typing import IO

from reconciler.adapters.notify.event_object import event_object
from reconciler.adapters.notify.hidden import Hidden
from reconciler.adapters.notify.outgoing import as_json
from reconciler.domain.channels import Command
from reconciler.domain.events import Event, Message
from reconciler.domain.foreign import foreign
from reconciler.errors import NoticeRefused, NoticeUnreachable

_KEPT_CHUNKS, _CHUNK_BYTES = 4, 4096
_NOT_RUNNABLE = (126, 127)


@dataclass(frozen=True, slots=True)
class CommandNotifier:
    """The ``Notifier`` port."""

    chosen: Command
    hidden: Hidden

    def deliver(self, event: Event, earlier: Sequence[Message], *, again: bool) -> str:  # noqa: ARG002
        """See ``ports.Notifier``. It is started without a shell; what it starts ends with it."""
        name = foreign(self.chosen.command[0], 100) if self.chosen.command else ""
        try:
            code, said = self._run(as_json(event_object(event)))
        except (OSError, ValueError, IndexError) as error:
            reason = self.hidden.words(getattr(error, "strerror", None) or str(error))
            raise NoticeRefused(f"the command {name!r} cannot be started: {reason}") from None
        if code is None:
            raise NoticeUnreachable(
                f"the command {name!r} was killed: it did not end within {self.chosen.time_limit_seconds:g} s"
            )
        if code == 0:
            return ""
        words = f"the command {name!r} ended with {code}" + (f": {said}" if said else "")
        raise NoticeRefused(words) if code in _NOT_RUNNABLE else NoticeUnreachable(words)

    def _run(self, event: bytes) -> tuple[int | None, str]:
        """The exit code, None where the time was over; and the last line of what it said."""
        with os.fdopen(os.memfd_create("reconcile-event"), "w+b") as content:
            content.write(event)
            content.seek(0)
            child = subprocess.Popen(
                self.chosen.command,
                stdin=content,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        assert child.stdout is not None
        said: deque[bytes] = deque(maxlen=_KEPT_CHUNKS)
        listener = Thread(target=_listen, args=(child.stdout, said), daemon=True)
        with child.stdout:
            listener.start()
            ended = _ended(child.pid, self.chosen.time_limit_seconds)
            # Not reaped yet, so that its id is that of the group still. Who is left would keep the pipe open.
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            code = child.wait()
            listener.join()
        lines = b"".join(said).decode("utf-8", "replace").strip().splitlines()
        return (code if ended else None), self.hidden.words(lines[-1]) if lines else ""


def _ended(pid: int, seconds: float) -> bool:
    """Whether a child of ours ends in time; it is not reaped."""
    descriptor = os.pidfd_open(pid)
    try:
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        return bool(poll.poll(seconds * 1000))
    finally:
        os.close(descriptor)


def _listen(pipe: IO[bytes], said: deque[bytes]) -> None:
    """Read all that is said, and keep the end of it."""
    while chunk := os.read(pipe.fileno(), _CHUNK_BYTES):
        said.append(chunk)
