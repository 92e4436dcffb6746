"""What adapters and libraries warn of through Python's logging, as lines of the daemon's log."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class _Lines:
    """A stream whose lines are told to somebody."""

    tell: Callable[[str], None]

    def write(self, text: str) -> None:
        if words := text.strip():
            self.tell(words)

    def flush(self) -> None:
        """Nothing is kept back."""


@contextmanager
def warnings_told(tell: Callable[[str], None]) -> Iterator[None]:
    """For a while, ``tell`` hears each warning; else Python writes it to stderr as it is."""
    handler, root = logging.StreamHandler(_Lines(tell)), logging.getLogger()
    handler.setLevel(logging.WARNING)
    root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)
