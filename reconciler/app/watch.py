"""The daemon: triggers say "look again", and each environment has a worker that does.

Nothing here decides what to do with an environment. A wake that is lost costs time, never correctness: every
worker looks by itself, too, whenever its interval is over.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from reconciler.app.worker import Worker
from reconciler.domain.triggers import Cause, Wake
from reconciler.errors import ReconcileError
from reconciler.ports import Trigger
from reconciler.ports.log import Log

TICK_SECONDS = 0.25
"""How soon a signal is noticed; its handler may do nothing but leave a mark."""
AGAIN_SECONDS = 60.0
"""How often the list of environments is read though nothing was heard."""


@dataclass(slots=True)
class Watch:
    """The daemon's main loop.

    Args:
        environments: the names of those that there are now. May raise ReconcileError.
        hire: makes the worker of one.
        triggers: what wakes them, by name. Those that are new are started, the others go on.
        log: hears what a person should know.
        beat: called a few times a second for as long as all is well: it feeds the watchdog.
        ending: whether the daemon is to end.
        hangup: whether a person asked for a look at everything since this was asked last.
    """

    environments: Callable[[], Sequence[str]]
    hire: Callable[[str], Worker]
    triggers: Callable[[], Mapping[str, Trigger]]
    log: Log
    beat: Callable[[], None]
    ending: Callable[[], bool]
    hangup: Callable[[], bool] = field(default=lambda: False)
    _workers: dict[str, Worker] = field(default_factory=dict)
    _running: dict[str, Future[None]] = field(default_factory=dict)
    _listening: dict[str, Future[None]] = field(default_factory=dict)
    _stopping: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _reread: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Until it is to end: then each pass under way finishes, or undoes, what it has in hand.

        Raises:
            Exception: a bug, which ended a thread. The others have ended in order.
        """
        try:
            self._staff()
            self._loop()
        finally:
            self._stopping.set()
            for worker in self._workers.values():
                worker.mailbox.close()
            self._await_end()
        for ended in self._threads:
            ended.result()

    def wake(self, wake: Wake) -> None:
        """Pass a wake on to those whom it concerns. Any thread may call it."""
        if wake.cause in (Cause.COMMIT, Cause.HANGUP):
            self._reread.set()
        with self._lock:
            workers = list(self._workers.values())
        for worker in workers:
            if not wake.projects or worker.project in ("", *wake.projects):
                worker.mailbox.put(wake)

    @property
    def _threads(self) -> list[Future[None]]:
        return [*self._listening.values(), *self._running.values()]

    def _loop(self) -> None:
        ticks = 0
        while not self.ending() and not self._broken():
            self.beat()
            if self.hangup():
                self.wake(Wake(Cause.HANGUP))
            if self._reread.wait(TICK_SECONDS) or ticks * TICK_SECONDS >= AGAIN_SECONDS:
                self._reread.clear()
                ticks = 0
                self._staff()
            ticks += 1

    def _broken(self) -> bool:
        """Whether a bug ended one of the threads: what is left of us is not worth trusting."""
        return any(one.done() and one.exception() is not None for one in self._threads)

    def _staff(self) -> None:
        """See that every environment has a worker, and is listened for. One that is gone ends its worker.

        Triggers come first, so that nothing falls between a look and the moment at which we hear.
        """
        for name, trigger in self.triggers().items():
            if name not in self._listening:
                self._listening[name] = _thread(f"trigger-{name}", trigger.run, self.wake, self._stopping)
        try:
            names = self.environments()
        except ReconcileError as error:
            self.log.failed("", error, AGAIN_SECONDS)
            return
        for name in names:
            if name not in self._running or self._running[name].done():
                worker = self.hire(name)
                with self._lock:
                    self._workers[name] = worker
                self._running[name] = _thread(f"environment-{name}", worker.run)

    def _await_end(self) -> None:
        """Wait for the passes under way, however long they take; the watchdog is fed meanwhile."""
        while not all(one.done() for one in self._running.values()):
            self.beat()
            threading.Event().wait(TICK_SECONDS)


def _thread(name: str, target: Callable[..., None], *arguments: object) -> Future[None]:
    """Run something in a thread of its own; what ends it is kept."""
    pool = ThreadPoolExecutor(1, thread_name_prefix=name)
    running = pool.submit(target, *arguments)
    pool.shutdown(wait=False)
    return running
