"""What somebody hears in a thread of their own, so that a test can wait for it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from reconciler.domain.triggers import Occurrence, Wake
from reconciler.ports import Events, Trigger
from tests.bed.tools import wait_until

Heard = TypeVar("Heard")


@dataclass(slots=True)
class Ears(Generic[Heard]):
    """All that was heard so far, and the way to end it."""

    heard: list[Heard] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)
    opened: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)
    raised: list[BaseException] = field(default_factory=list)

    def wait_for(self, condition: Callable[[list[Heard]], object], what: str, seconds: float = 20) -> None:
        """Until `condition` holds for what was heard."""
        wait_until(lambda: bool(condition(self.heard)), seconds=seconds, what=what, every=0.005)

    def leave(self) -> None:
        """Say that it is time to come back, and wait for that."""
        self.stopping.set()
        assert self.ended.wait(20), "it does not come back"


@contextmanager
def following(events: Events) -> Iterator[Ears[Occurrence]]:
    """Follow one stream of events in a thread; an error that it raises is raised at the end."""
    ears: Ears[Occurrence] = Ears()
    with _running(ears, lambda: events.follow(ears.opened.set, ears.heard.append, ears.stopping)):
        assert ears.opened.wait(20), f"the stream did not open: {ears.raised}"
        yield ears


@contextmanager
def listening(trigger: Trigger) -> Iterator[Ears[Wake]]:
    """Run a trigger in a thread; an error that it raises is raised at the end."""
    ears: Ears[Wake] = Ears()
    with _running(ears, lambda: trigger.run(ears.heard.append, ears.stopping)):
        yield ears


@contextmanager
def _running(ears: Ears[Heard], what: Callable[[], None]) -> Iterator[None]:
    def run() -> None:
        try:
            what()
        except BaseException as error:  # noqa: BLE001 - raised again below, in the test's own thread
            ears.raised.append(error)
        finally:
            ears.ended.set()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        ears.leave()
        thread.join()
        if ears.raised:
            raise ears.raised[0]
