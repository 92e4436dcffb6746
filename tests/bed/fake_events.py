"""The events of the fake world, obeying the port `Events`."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from contextlib import suppress

from reconciler.domain.triggers import Occurrence
from reconciler.errors import ReconcileError

LOOK_SECONDS = 0.02


class FakeEvents:
    """Each stream hears what is told from its opening on, until `end`, or `refuse`.

    >>> world.events.refuse(EngineUnreachable("gone"))
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._streams: list[queue.SimpleQueue[Occurrence | None]] = []
        self._refusal: ReconcileError | None = None
        self.refusals = 0

    @property
    def streams(self) -> int:
        """How many are open."""
        with self._lock:
            return len(self._streams)

    def tell(self, occurrence: Occurrence) -> None:
        """Something happens."""
        with self._lock:
            for stream in self._streams:
                stream.put(occurrence)

    def end(self) -> None:
        """All streams end in silence; new ones can be opened."""
        with self._lock:
            for stream in self._streams:
                stream.put(None)

    def refuse(self, error: ReconcileError) -> None:
        """All streams end, and no new one can be opened until `admit`."""
        self._refusal = error
        self.end()

    def admit(self) -> None:
        """Streams can be opened again."""
        self._refusal = None

    def follow(
        self, opened: Callable[[], None], heard: Callable[[Occurrence], None], stopping: threading.Event
    ) -> None:
        """See `ports.Events`."""
        if self._refusal is not None:
            self.refusals += 1
            raise self._refusal
        stream: queue.SimpleQueue[Occurrence | None] = queue.SimpleQueue()
        with self._lock:
            self._streams.append(stream)
        try:
            opened()
            self._hear(stream, heard, stopping)
        finally:
            with self._lock:
                self._streams.remove(stream)

    @staticmethod
    def _hear(
        stream: queue.SimpleQueue[Occurrence | None],
        heard: Callable[[Occurrence], None],
        stopping: threading.Event,
    ) -> None:
        while not stopping.is_set():
            with suppress(queue.Empty):
                occurrence = stream.get(timeout=LOOK_SECONDS)
                if occurrence is None:
                    return
                heard(occurrence)
