"""Somebody outside who keeps asking: what a user of the published port sees."""

from __future__ import annotations

import http.client
import threading
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from tests.bed.tools import wait_until

EVERY_SECONDS = 0.02


def get(url: str, *, timeout: float = 5) -> tuple[int, str]:
    """Status and text of one answer; raises OSError where there is none."""
    try:
        with urllib.request.urlopen(url, timeout=timeout) as answer:
            return answer.status, answer.read().decode().strip()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode().strip()
    except http.client.HTTPException as error:
        raise OSError(f"no whole answer: {error!r}") from error


def asked(url: str) -> str:
    """The text of one good answer, or nothing."""
    try:
        status, text = get(url)
    except OSError:
        return ""
    return text if status == 200 else ""


@dataclass(slots=True)
class Prober:
    """Ask ``url`` every 20 ms, in a thread.

    >>> with Prober(url) as prober:
    ...     world.once()
    >>> prober.versions, prober.failed, prober.longest_gap_seconds
    """

    url: str
    samples: list[tuple[float, str]] = field(default_factory=list)
    _done: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._ask, name=f"prober {self.url}", daemon=True)
        self._thread.start()
        wait_until(lambda: bool(self.samples and self.samples[-1][1]), seconds=10, what=f"{self.url} answers")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            seen = len(self.samples)
            wait_until(lambda: len(self.samples) > seen, seconds=10, what="one sample after the end")
        self._done.set()
        if self._thread is not None:
            self._thread.join(20)

    @property
    def versions(self) -> tuple[str, ...]:
        """What answered, in turn: ``("version=1", "version=2")`` when it never went back and forth."""
        answers = [text for _, text in self.samples if text]
        return tuple(text for index, text in enumerate(answers) if not index or answers[index - 1] != text)

    @property
    def failed(self) -> int:
        """How many requests had no good answer."""
        return sum(1 for _, text in self.samples if not text)

    @property
    def longest_gap_seconds(self) -> float:
        """The longest time between two good answers with a failure in between; 0 where none failed."""
        longest, last_good, broken = 0.0, None, False
        for at, text in self.samples:
            if text and broken and last_good is not None:
                longest = max(longest, at - last_good)
            last_good, broken = (at, False) if text else (last_good, True)
        return longest

    @property
    def serves(self) -> bool:
        """Whether the last request was answered."""
        return bool(self.samples and self.samples[-1][1])

    def _ask(self) -> None:
        while not self._done.is_set():
            self.samples.append((time.monotonic(), asked(self.url)))
            self._done.wait(EVERY_SECONDS)
