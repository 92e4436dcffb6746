"""Deliver beside what reconciles: in a thread of its own, which may hang without anybody waiting for it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field

from reconciler.app.relay import Relay


@dataclass(slots=True)
class Dispatcher:
    """The delivery thread of one environment.

    Args:
        complain: hears in words why nothing is delivered, once for each reason.
        look_seconds: how soon after it was put an event is delivered; other processes put some as well.
        end_seconds: how long ``end`` waits for a delivery under way. What is cut off then is sent again.
    """

    complain: Callable[[str], None]
    look_seconds: float = 1.0
    end_seconds: float = 3.0
    _relay: Relay | None = None
    _running: Future[None] | None = None
    _stopping: threading.Event = field(default_factory=threading.Event)
    _complained: str = ""

    def over(self, relay: Relay | None) -> None:
        """Deliver by ``relay`` from now on: settings may have changed. The thread begins with the first."""
        self._relay = relay
        if self._running is not None and self._running.done():
            self._tell(self._running.exception())
            self._running = None
        if self._running is None and relay is not None and not self._stopping.is_set():
            self._running = in_a_thread("notices", self._deliver)

    def end(self) -> None:
        """End soon, whatever hangs."""
        self._stopping.set()
        if self._running is not None:
            wait([self._running], self.end_seconds)

    def _deliver(self) -> None:
        while not self._stopping.wait(self.look_seconds):
            relay = self._relay
            if relay is not None:
                relay.deliver(self._stopping.is_set)

    def _tell(self, error: BaseException | None) -> None:
        """Why the thread ended: the journal cannot be used, or a bug, which must not end the daemon."""
        words = f"people are not told: {error or 'the thread that tells them ended'}"
        if words != self._complained:
            self._complained = words
            self.complain(words)


def delivered_within(seconds: float, relays: tuple[Relay, ...]) -> list[str]:
    """Deliver what can be delivered in a time that nobody minds; the rest goes with the next run.

    Args:
        seconds: for all together. What hangs for longer is left behind in its thread.
        relays: of the environments.

    Returns why something could not even be tried.
    """
    over = threading.Event()
    running = [in_a_thread("notices", relay.deliver, over.is_set) for relay in relays]
    done, _ = wait(running, seconds)
    over.set()
    return [f"people are not told: {error}" for one in done if (error := one.exception()) is not None]


def in_a_thread(name: str, target: Callable[..., None], *arguments: object) -> Future[None]:
    """Run something that may hang; nobody has to wait for it but the end of the interpreter."""
    pool = ThreadPoolExecutor(1, thread_name_prefix=name)
    running = pool.submit(target, *arguments)
    pool.shutdown(wait=False)
    return running
