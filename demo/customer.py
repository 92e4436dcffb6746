"""A customer who keeps asking for the page, and what they saw."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from urllib.parse import urlsplit

PAUSE_SECONDS = 0.01
PATIENCE_SECONDS = 0.5
STAY_SECONDS = 0.3
WAIT_SECONDS = 5.0


def ask(page: str) -> str:
    """What the page says; empty when it does not answer well, or not soon."""
    place = urlsplit(page)
    connection = http.client.HTTPConnection(place.netloc, timeout=PATIENCE_SECONDS)
    try:
        connection.request("GET", place.path)
        answer = connection.getresponse()
        return answer.read().decode().strip() if answer.status == 200 else ""
    except (OSError, http.client.HTTPException):
        return ""
    finally:
        connection.close()


@dataclass(slots=True)
class Seen:
    """What a customer saw: when each answer came (monotonic), and what it said."""

    since: float = field(default_factory=time.monotonic)
    answers: list[tuple[float, str]] = field(default_factory=list)

    @property
    def requests(self) -> int:
        """How many requests were sent."""
        return len(self.answers)

    @property
    def failures(self) -> int:
        """How many of them had no good answer."""
        return sum(not said for _, said in self.answers)

    @property
    def gap(self) -> float:
        """The longest time between two good answers."""
        good = [at for at, said in self.answers if said]
        return max((later - earlier for earlier, later in pairwise(good)), default=0.0)

    def first(self, words: str) -> float | None:
        """Seconds until the page first said this."""
        return next((at - self.since for at, said in self.answers if said == words), None)

    def words(self) -> set[str]:
        """Everything that the page said."""
        return {said for _, said in self.answers if said}

    def recovered(self) -> float | None:
        """Seconds until it answered well for good; None where it never stopped, or never came back."""
        bad = [at for at, said in self.answers if not said]
        return next((at - self.since for at, said in self.answers if said and bad and at > bad[-1]), None)


@contextmanager
def customer(page: str) -> Iterator[Seen]:
    """Somebody asks while the block runs, and a little longer: until there was a good answer again."""
    seen, enough, content = Seen(), threading.Event(), threading.Event()

    def keep_asking() -> None:
        while not enough.is_set():
            said = ask(page)
            seen.answers.append((time.monotonic(), said))
            if said:
                content.set()
            else:
                content.clear()
            time.sleep(PAUSE_SECONDS)

    asking = threading.Thread(target=keep_asking)
    asking.start()
    try:
        yield seen
        time.sleep(STAY_SECONDS)
        content.wait(WAIT_SECONDS)  # else a gap that is still open would not be measured
    finally:
        enough.set()
        asking.join()
