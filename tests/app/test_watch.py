"""The daemon's threads: triggers wake workers, each environment by itself, and all of them end."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from reconciler.adapters.clock import SystemClock
from reconciler.app.watch import Watch
from reconciler.app.worker import Ready, Worker
from reconciler.domain.schedule import Schedule
from reconciler.domain.triggers import Cause, Wake
from reconciler.errors import InvalidSettings, ReconcileError
from tests.app.passes import Passes
from tests.app.scene import Scene
from tests.bed.fake_log import FakeLog
from tests.bed.tools import wait_until
from tests.domain.values import environment, svc

LONG = Schedule(3600.0)


@dataclass
class Bell:
    """A trigger that rings when a test says so."""

    wake: Callable[[Wake], None] = field(default=lambda _wake: None)
    ended: threading.Event = field(default_factory=threading.Event)

    def run(self, wake: Callable[[Wake], None], stopping: threading.Event) -> None:
        self.wake = wake
        stopping.wait()
        self.ended.set()


@dataclass
class Daemon:
    """A watch over environments in memory, in a thread of its own.

    `stuck` environments wait in their turn until they are let go; `broken` ones have a bug.
    """

    names: list[str] = field(default_factory=lambda: ["production", "staging"])
    stuck: dict[str, threading.Event] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    unreadable: ReconcileError | None = None
    log: FakeLog = field(default_factory=FakeLog)
    bell: Bell = field(default_factory=Bell)
    turns: dict[str, int] = field(default_factory=dict)
    beats: int = 0
    _end: bool = False
    _hangup: bool = False
    _failed: list[BaseException] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.passes: dict[str, Passes] = {}
        self.watch = Watch(
            self.environments,
            self.hire,
            lambda: {"bell": self.bell},
            self.log,
            self.beat,
            lambda: self._end,
            self.hangup,
        )
        self.thread = threading.Thread(target=self._run)

    def __enter__(self) -> Daemon:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        for event in self.stuck.values():
            event.set()
        self._end = True
        self.thread.join(20)
        assert not self.thread.is_alive()

    def _run(self) -> None:
        try:
            self.watch.run()
        except BaseException as error:  # noqa: BLE001  # it is what the test asks about
            self._failed.append(error)

    def environments(self) -> Sequence[str]:
        if self.unreadable is not None:
            raise self.unreadable
        return list(self.names)

    def hire(self, name: str) -> Worker:
        scene = Scene((svc("web"),), env=replace(environment(), name=name, project=f"{name}-shop"))
        self.passes.setdefault(name, Passes(scene))
        return Worker(name, partial(self.ready, name), self.log, SystemClock(), lambda: 0.5, LONG)

    def ready(self, name: str) -> Ready | None:
        self.turns[name] = self.turns.get(name, 0) + 1
        if name in self.broken:
            raise ZeroDivisionError("a bug")
        if name in self.stuck:
            self.stuck[name].wait()
        return Ready(self.passes[name].reconciler) if name in self.names else None

    def beat(self) -> None:
        self.beats += 1

    def hangup(self) -> bool:
        asked, self._hangup = self._hangup, False
        return asked

    def await_line(self, begins: str) -> None:
        lines = self.log.lines
        wait_until(lambda: any(line.startswith(begins) for line in lines), seconds=20, what=begins)

    def await_turns(self, name: str, count: int) -> None:
        wait_until(lambda: self.turns.get(name, 0) >= count, seconds=20, what=f"turn {count} of {name}")


def test_every_environment_is_looked_at_when_the_daemon_starts() -> None:
    with Daemon() as daemon:
        daemon.await_turns("production", 1)
        daemon.await_turns("staging", 1)


def test_a_wake_for_one_project_wakes_no_other() -> None:
    with Daemon() as daemon:
        wait_until(lambda: len(daemon.log.reports) == 2, seconds=20, what="both have begun")
        daemon.bell.wake(Wake(Cause.ENGINE, frozenset({"staging-shop"}), "die web-1"))
        daemon.await_turns("staging", 2)
    assert daemon.turns["production"] == 1


def test_one_environment_that_hangs_delays_no_other() -> None:
    with Daemon(stuck={"production": threading.Event()}) as daemon:
        daemon.await_turns("production", 1)
        for turn in (2, 3):
            daemon.await_turns("staging", turn - 1)
            daemon.bell.wake(Wake(Cause.COMMIT, detail=str(turn)))
            daemon.await_turns("staging", turn)
        assert daemon.turns["production"] == 1


def test_a_hangup_looks_at_everything() -> None:
    with Daemon() as daemon:
        daemon.await_turns("production", 1)
        daemon.await_turns("staging", 1)
        daemon._hangup = True
        daemon.await_turns("production", 2)
        daemon.await_turns("staging", 2)


def test_an_environment_that_is_added_is_taken_on_and_one_that_goes_is_let_go() -> None:
    with Daemon(names=["production"]) as daemon:
        daemon.await_turns("production", 1)
        daemon.names[:] = ["staging"]
        daemon.bell.wake(Wake(Cause.COMMIT))
        daemon.await_turns("staging", 1)
        daemon.await_line("production: it is not in reconcile.yaml any more")
        daemon.names[:] = ["production", "staging"]
        daemon.bell.wake(Wake(Cause.COMMIT, detail="again"))
        daemon.await_turns("production", 3)


def test_a_list_that_cannot_be_read_ends_nothing() -> None:
    with Daemon() as daemon:
        daemon.await_turns("production", 1)
        daemon.unreadable = InvalidSettings("reconcile.yaml cannot be used")
        daemon.bell.wake(Wake(Cause.COMMIT))
        daemon.await_turns("production", 2)
        daemon.await_line(": reconcile.yaml cannot be used")


def test_told_to_end_everything_ends_the_pass_in_hand_first() -> None:
    daemon = Daemon(stuck={"production": threading.Event()})
    with daemon:
        daemon.await_turns("production", 1)
        daemon._end = True
        assert daemon.bell.ended.wait(20)
        before = daemon.beats
        wait_until(lambda: daemon.beats > before, seconds=20, what="the watchdog is fed while it drains")
        assert daemon.thread.is_alive()
        daemon.stuck["production"].set()
    assert any(report.environment == "production" for report in daemon.log.reports)


def test_a_bug_in_one_thread_ends_the_daemon_and_is_not_hidden() -> None:
    with Daemon(broken={"production"}) as daemon:
        daemon.thread.join(20)
        assert not daemon.thread.is_alive()
    assert [type(error) for error in daemon._failed] == [ZeroDivisionError]
