"""A release while every channel is down and a thousand events wait for each, against one without channels."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import cycle
from pathlib import Path

from benchmarks import bed
from benchmarks.figures import Figure, alternating, ratio
from benchmarks.stack import ENVIRONMENT, USUAL, Stack, service, stack
from reconciler.adapters.host_state import Place, SqliteOutbox
from reconciler.domain.environment import Environment
from reconciler.domain.events import Event, Kind
from reconciler.domain.outgoing import MOST_WAITING
from reconciler.domain.severity import Severity

CHANNELS = ("first", "second", "third")
SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
"""Signs messages that nobody ever gets."""
NOBODY = "http://127.0.0.1:9/"
"""Port 9, discard: nothing listens there."""


def measure(runs: int, _services: int) -> Iterator[Figure]:
    """How long a release takes until its report is there."""
    images = [bed.build("benchmark/web", version, bed.WEB) for version in "12"]
    one = "{webhook: {url: '" + NOBODY + "', secret: '${BENCHMARK_SECRET}', allow_private: true}}"
    told = f"notify: {{channels: {{{', '.join(f'{name}: {one}' for name in CHANNELS)}}}}}"
    text, pins = service("web", images[0].tag), {"web": images[0].pin}
    os.environ["BENCHMARK_SECRET"] = SECRET
    with stack(text, pins, (*USUAL, told)) as telling, stack(text, pins) as silent:
        for made in (telling, silent):
            made.up()
        fill(telling)
        ways = [_released(made, cycle((images[1].pin, images[0].pin))) for made in (telling, silent)]
        for way in ways:
            way()
        ours, theirs = alternating(runs, *ways)
    yield ratio("release, every channel down", ours, theirs, 1.05, "without channels")


def fill(made: Stack) -> None:
    """Have as many events wait for each channel as may wait."""
    outbox = SqliteOutbox(Place(state_of(made), os.environ["DOCKER_HOST"]))
    environment = Environment(ENVIRONMENT, "", made.project, ".", ())
    at = datetime.now(UTC)
    for number in range(MOST_WAITING):
        key = f"{ENVIRONMENT}/{number}"
        event = Event(key, Kind.CONVERGED, ENVIRONMENT, at, Severity.LOW, "web 1 runs")
        outbox.put(environment, event, CHANNELS)
    outbox.close()


def state_of(made: Stack) -> Path:
    """The state directory of a stack."""
    return made.folder / ".git" / "host"


def _released(made: Stack, pins: Iterator[str]) -> Callable[[], float]:
    def release() -> float:
        made.commit({"web": next(pins)})
        environ = {**os.environ, "RECONCILE_STATE_DIR": str(state_of(made))}
        began = time.perf_counter()
        with subprocess.Popen(
            [*made.prefix, "reconcile", "--quiet", "--once"],
            cwd=made.folder,
            env=environ,
            stdout=subprocess.PIPE,
        ) as child:
            assert child.stdout is not None
            child.stdout.read(1)  # the report is printed as a whole
            seconds = time.perf_counter() - began
            child.stdout.read()
        assert child.returncode == 0, f"it exited with {child.returncode}"
        return seconds

    return release
