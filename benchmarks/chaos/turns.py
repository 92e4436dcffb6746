"""T-10: reconcilers of several hosts act on one environment in turn, killed and stopped as they may be."""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks.child import run
from benchmarks.figures import Figure
from reconciler.adapters.docker_host import DockerHost
from reconciler.adapters.docker_host.lease_container import name_of
from reconciler.domain.turns import Pace
from tests.bed.tools import BedError, wait_until
from tests.bed.turn_takers import Place, TurnTaker, interleavings

RECONCILERS = 8
PACE = Pace(ttl_seconds=2.0, renew_seconds=0.3)
AT_ONCE = 4
STUCK_SECONDS = 30.0
ENDLESS = 1_000


def measure(count: int) -> Iterator[Figure]:
    """``count`` turns of each of 8 reconcilers; a quarter as many holders are killed, and stopped."""
    some, wanted = max(count // 4, 1), RECONCILERS * count
    with place() as here:
        taken = _raced(here, count)
        mixed = len(interleavings(here.lines()))
    detail = f"{RECONCILERS} reconcilers, {count} turns each"
    yield Figure("T-10 turns taken", "all", f"{taken} of {wanted}", detail, taken == wanted)
    yield Figure("T-10 turns that mixed", "0", f"{mixed}", detail, not mixed)
    with place() as here:
        went_on = _killed(here, some)
        mixed = len(interleavings(here.lines()))
        detail = f"{here.turns()} turns; half of the killed come back on another host"
    yield Figure("T-10 turns go on after kill -9", "all", f"{went_on} of {some}", detail, went_on == some)
    yield Figure("T-10 turns that mixed, killed", "0", f"{mixed}", detail, not mixed)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        fenced = sum(pool.map(_fenced, range(some)))
    detail = "stopped, taken over, and woken with a change in mind"
    yield Figure("T-10 zombies fenced", "all", f"{fenced} of {some}", detail, fenced == some)


@contextmanager
def place() -> Iterator[Place]:
    """A project of its own on the bed's engine, without a lease in the end."""
    project = f"benchmark-{secrets.token_hex(4)}"
    host = DockerHost().endpoint.url
    with tempfile.TemporaryDirectory(prefix="reconcile-benchmark-") as folder:
        yield Place(host, project, Path(folder) / "log", PACE)
    left = run("docker", "ps", "--all", "--quiet", "--filter", f"name=^{name_of(project)}$").split()
    if left:  # of those that were killed in the end
        run("docker", "rm", *left)


def _raced(here: Place, count: int) -> int:
    """How many turns were taken and ended well, of ``count`` for each reconciler."""
    with ExitStack() as running:
        takers = [running.enter_context(here.taker(f"host {number}")) for number in range(RECONCILERS)]
        for taker in takers:
            taker.tell("turn", count)
        return sum(taker.finish(count * STUCK_SECONDS).count("left") for taker in takers)


def _killed(here: Place, count: int) -> int:
    """After how many of ``count`` killed holders the others took their turns."""
    went_on = 0
    with ExitStack() as running:
        begun = [_endless(running, here, f"host {number}") for number in range(RECONCILERS)]
        takers = {taker.pid: taker for taker in begun}
        for number in range(count):
            wait_until(lambda: here.holder() in takers, seconds=STUCK_SECONDS, what="a turn")
            killed = takers.pop(here.holder(), None) or takers.popitem()[1]
            killed.kill()
            again = _endless(running, here, killed.identity if number % 2 else f"new host {number}")
            takers[again.pid] = again
            went_on += _goes_on(here)
    return went_on


def _endless(running: ExitStack, here: Place, identity: str) -> TurnTaker:
    taker = running.enter_context(here.taker(identity))
    taker.tell("turn", ENDLESS)
    return taker


def _goes_on(here: Place) -> bool:
    before = here.turns()
    try:
        wait_until(lambda: here.turns() > before, seconds=STUCK_SECONDS, what="the next turn")
    except BedError:
        return False
    return True


def _fenced(_number: int) -> bool:
    """Whether a holder that was stopped, and taken over, does nothing any more when it goes on."""
    with place() as here, here.taker("zombie") as zombie, here.taker("other") as other:
        zombie.ask("take")
        zombie.stop()
        zombie.tell("act")
        took = other.ask("take")
        zombie.go_on()
        lost = zombie.answer()
        return (took, lost, other.ask("act"), interleavings(here.lines())) == ("took", "lost", "acted", [])
