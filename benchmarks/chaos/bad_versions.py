"""T-4: bad versions of several kinds are rolled back, each time, and soon; also without any network."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

from benchmarks import bed
from benchmarks.child import run
from benchmarks.client import client
from benchmarks.figures import Figure, percentile
from benchmarks.gap import free_port
from benchmarks.passes import forgive, passed
from benchmarks.stack import Stack, service, stack
from benchmarks.undo import first
from reconciler.domain.report import Result
from reconciler.domain.undo import UndoState
from tests.bed.registry import Registry

REPOSITORY = "benchmark/web"
MOST_SECONDS = 3.0
NETLESS_SHARE = 4
"""Of so many releases one is repeated without network."""
EAT = "sleep 1; eaten=$(printf '%*s' $((64 * 1024 * 1024)) ''); exit 1"


@dataclass(frozen=True, slots=True)
class Kind:
    """A way to be bad: the image, by script and Dockerfile lines, and the gate that finds it."""

    name: str
    script: str
    gate: str
    lines: tuple[str, ...] = ()


def kinds(port: int) -> tuple[Kind, ...]:
    """All kinds, for a service at ``port``. The good version passes each of their gates."""
    version = f'checks: {{version: {{http: {{url: "http://127.0.0.1:{port}/", match: "^(good|bad)"}}}}}}'
    return (
        Kind("never healthy", bed.JUDGED, "timeout: 30s", ("ENV STATUS=500", bed.HEALTHCHECK)),
        Kind("crash after 5 s", _then("sleep 5; exit 1"), "timeout: 30s, soak: 7s"),
        Kind("wrong version", bed.WEB, f"timeout: 30s, {version}", ("ENV VERSION=0.9",)),
        Kind("out of memory", _then(EAT), "timeout: 30s, soak: 3s"),
    )


def _then(end: str) -> str:
    """A web server that ends so."""
    return f"{bed.WEB.removesuffix('& wait')}& {end}"


def measure(count: int) -> Iterator[Figure]:
    """``count`` releases of each kind, then some of them with registry and Git remote out of reach."""
    for netless, number in ((False, count), (True, -(-count // NETLESS_SHARE))):
        back, wanted = list[float](), 0
        for index in range(len(kinds(0))):
            wanted += number
            back += _released(index, number, netless=netless)
        where = ", no network" if netless else ""
        done = len(back) == wanted
        detail = f"{number} of each of {len(kinds(0))} kinds"
        yield Figure(f"T-4 rolled back{where}", "all", f"{len(back)} of {wanted}", detail, done)
        if not back:
            continue
        slow = percentile(back, 99)
        found = f"p99 {slow:.2f} s"
        detail = f"p50 {percentile(back, 50):.2f} s, from the verdict to the first good answer"
        yield Figure(f"T-4 serving again{where}", "p99 ≤ 3 s", found, detail, slow <= MOST_SECONDS)


def _released(index: int, number: int, *, netless: bool) -> list[float]:
    """Seconds from verdict to service, of each release that was rolled back."""
    port = free_port()
    kind = kinds(port)[index]
    with ExitStack() as inside:
        if netless:
            own = inside.enter_context(Registry())
            inside.callback(os.environ.update, RECONCILE_BED_REGISTRY=bed.registry())
            os.environ["RECONCILE_BED_REGISTRY"] = own.address
            inside.callback(bed.forget, [REPOSITORY])
        good, bad = (
            bed.build(REPOSITORY, "good", bed.JUDGED),
            bed.build(REPOSITORY, f"bad{index}", kind.script, *kind.lines),
        )
        lines = (f'ports: ["127.0.0.1:{port}:8080"]', "mem_limit: 24m")
        settings = (f"gate: {{{kind.gate}}}", f"rollback: {{git: {'push' if netless else 'off'}}}")
        made = inside.enter_context(stack(service("web", good.tag, *lines), {"web": good.pin}, settings))
        made.reconcile()
        made.commit({"web": bad.pin})
        if netless:
            own.stop()
            nowhere = f"http://127.0.0.1:{free_port()}/origin.git"
            run("git", "remote", "add", "origin", nowhere, folder=made.folder)
        return _repeated(made, port, number, netless=netless)


def _repeated(made: Stack, port: int, number: int, *, netless: bool) -> list[float]:
    """The same bad release again and again, until one does not end as it should."""
    back: list[float] = []
    for _ in range(number):
        try:
            back.append(_back(made, port, netless=netless))
        except RuntimeError as error:
            print(error, file=sys.stderr)
            break
    return back


def _back(made: Stack, port: int, *, netless: bool) -> float:
    forgive(made)
    with client("follow.py", str(port), "/") as seen:
        done = passed(made, Result.ROLLED_BACK)
    undo = done.report.undo
    if netless and (undo is None or undo.state is not UndoState.PENDING):
        raise RuntimeError(f"Git cannot be reached, and yet it is said to know: {undo}")
    return first(seen["seen"], "good", done.verdict_at) - done.verdict_at
