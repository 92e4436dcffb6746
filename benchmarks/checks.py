"""Many checks at once: how long one round of a gate takes, against its slowest check."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

from benchmarks.figures import Figure, spread
from reconciler.adapters.clock import SystemClock
from reconciler.adapters.probe import OutsideProbe
from reconciler.app.gatekeeper import gate
from reconciler.app.host import Host
from reconciler.app.samplers import Scope
from reconciler.domain.check import Check, Http, Request
from reconciler.domain.environment import Gate
from reconciler.domain.severity import Verdict
from reconciler.ports import Compose, Engine, Registry

CHECKS, SLOW = 100, 5
SLOWEST_SECONDS = 1.0
MOST = 1.5


def measure(runs: int, _services: int) -> Iterator[Figure]:
    """A gate without soak ends when each check was good once: that is one round."""
    with _server() as port:
        # A process that asks for the first time also has to import the client.
        cold, *warm = [_round(port) for _ in range(runs + 1)]
    for name, seconds in ((f"{CHECKS} checks, first round", [cold]), (f"{CHECKS} checks, later", warm)):
        worst = max(seconds) / SLOWEST_SECONDS
        target = f"≤ {MOST:g} x the slowest (1 s), each time"
        yield Figure(name, target, f"{worst:.2f} x", spread(seconds), worst <= MOST)


def _round(port: int) -> float:
    """Seconds until a gate of 100 checks has spoken; five of them take a second, the others 5 to 99 ms."""
    delays = [int(SLOWEST_SECONDS * 1000) if n < SLOW else n for n in range(CHECKS)]
    questions = [Http(Request(f"http://127.0.0.1:{port}/{delay}")) for delay in delays]
    how = Gate(30.0, 0.0, tuple(Check(f"c{n:02d}", question) for n, question in enumerate(questions)))
    host = Host(cast(Engine, None), cast(Compose, None), cast(Registry, None), OutsideProbe(), SystemClock())
    started = time.monotonic()
    judgement = gate(host, (), how, Scope())
    seconds = time.monotonic() - started
    if judgement.verdict is not Verdict.PASS:
        raise RuntimeError(f"the checks were not good: {judgement.reason}")
    return seconds


@contextmanager
def _server() -> Iterator[int]:
    script = Path(__file__).with_name("slow_server.py")
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.terminate()
