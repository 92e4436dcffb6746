"""What the daemon hears from outside. All of it only means "look again"."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from reconciler.domain.triggers import Occurrence, Wake


@dataclass(frozen=True, slots=True)
class Places:
    """Files whose changes count, by absolute path.

    ``files`` need not be there yet. Of the folders ``trees`` every file counts, at any depth, but for hidden
    and temporary ones: name none that an application writes to.
    """

    files: frozenset[Path] = frozenset()
    trees: frozenset[Path] = frozenset()

    def __or__(self, other: Places) -> Places:
        return Places(self.files | other.files, self.trees | other.trees)


class Trigger(Protocol):
    """One source of wakes, run in a thread of its own."""

    def run(self, wake: Callable[[Wake], None], stopping: threading.Event) -> None:
        """Wake whoever listens, until ``stopping`` is set; comes back soon after that.

        What goes wrong outside is waited out and told in a wake; nothing of it is raised.
        """


class Events(Protocol):
    """The events of one engine."""

    def follow(
        self, opened: Callable[[], None], heard: Callable[[Occurrence], None], stopping: threading.Event
    ) -> None:
        """Call ``heard`` for each event about containers of Compose projects, until the stream ends.

        It ends in silence when the engine does, and soon after ``stopping`` is set.

        Args:
            opened: called once, when nothing that happens from now on is missed.
            heard: called for each event, in the calling thread.
            stopping: when it is time to come back.

        Raises:
            EngineUnreachable, PermissionRefused, EngineFailed: it could not be opened.
        """
