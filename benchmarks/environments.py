"""Ten environments in one daemon: a pass of each, all at once, where there is nothing to do."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median

from benchmarks import bed
from benchmarks.figures import Figure, alternating, ratio, seconds, spread
from benchmarks.fleet import Fleet, fleet
from benchmarks.listing import listing
from benchmarks.workers import Counted, fake_worker, turn
from reconciler.app.worker import Worker
from reconciler.interface.checkouts import OwnCheckout
from reconciler.interface.settings import Settings
from reconciler.interface.watch_wiring import WatchWiring
from reconciler.interface.wiring import Wiring

ENVIRONMENTS = 10
MOST = 1.5
ROUNDS = 20


def measure(runs: int, services: int) -> Iterator[Figure]:
    """On the real engine against its list call; in memory against one environment alone."""
    image, rounds = bed.build("benchmark/idle", "1", bed.IDLE), max(runs, ROUNDS)
    with fleet(ENVIRONMENTS, services, image) as made:
        yield _real(made, services, rounds)
    yield _fake(services, rounds)


def _real(made: Fleet, services: int, rounds: int) -> Figure:
    """All are on one engine: what counts is the call that lists them all, once.

    Beside it is told how long it takes to list one of them alone.
    """
    log = Counted()
    one = seconds(listing(next(iter(made.projects.values()))))
    with _workers(made, log) as workers:
        turn(workers)
        passes, lists, alone = alternating(rounds, seconds(lambda: turn(workers)), seconds(listing()), one)
    log.require_nothing_done()
    found = median(passes) / median(lists)
    detail = f"{spread(passes)} / {spread(lists)}; one project's list {spread(alone)}"
    name = f"no-op, {ENVIRONMENTS} x {services} services"
    return Figure(name, f"≤ {MOST:g} x the engine's list call", f"{found:.2f} x", detail, found <= MOST)


@contextmanager
def _workers(made: Fleet, log: Counted) -> Iterator[list[Worker]]:
    """The daemon's workers, as ``reconcile watch`` makes them."""
    state, here = made.folder / ".git" / "host", made.folder / "state"
    wiring = Wiring(Settings(folder=here, environ=dict(os.environ), state_directory=state))
    parts = WatchWiring(wiring, OwnCheckout(wiring), log)
    hired = [parts.hire(name) for name in made.projects]
    try:
        yield hired
    finally:
        for worker in hired:
            worker.end()


def _fake(services: int, rounds: int) -> Figure:
    """Without an engine's time: ten at once take as long as one after the other."""
    log = Counted()
    workers = [fake_worker(log, number, services) for number in range(ENVIRONMENTS)]
    turn(workers)
    together, alone = alternating(rounds, seconds(lambda: turn(workers)), seconds(lambda: turn(workers[:1])))
    log.require_nothing_done()
    name = f"{ENVIRONMENTS} x {services} on fake engines"
    return ratio(name, together, [ENVIRONMENTS * one for one in alone], MOST, f"{ENVIRONMENTS} x one of them")
