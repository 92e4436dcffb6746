"""Releases whose program is killed, and what must be true after one more pass, whoever makes it.

The invariants I-1 to I-8 are the witness's. What is asked here beside them is known only to who releases:
what must run in the end, and that nothing is called good that no gate has passed.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from tests.bed.tools import BedError
from tests.e2e.origin import Origin
from tests.e2e.runs import Result, Run
from tests.e2e.snapshot import Snapshot
from tests.e2e.undone import pinned, undone
from tests.e2e.witness import Witness
from tests.e2e.world import World, await_answer, published
from tests.faults.inside import inside

STACK = """
    services:
      web:
        image: web
        ports: ["127.0.0.1:{port}:8080"]
        restart: unless-stopped
        stop_grace_period: 2s
      worker:
        image: web
        container_name: {project}-the-worker
        restart: always
        stop_grace_period: 2s
    """
NOWHERE = f"web:gone@sha256:{'0' * 64}"
PASS = ("-o", "json", "--once")


class Kind(StrEnum):
    """What is released: both services, of which web may be the one that is bad."""

    GOOD = "good"
    BAD = "bad health"
    GONE = "cannot be pulled"


class Kill(Protocol):
    """A pass that is killed somewhere."""

    def __call__(self, world: World) -> str:
        """Start a pass and kill it; returns how it ended, in a few words."""


@dataclass(frozen=True, slots=True)
class After:
    """Killed so many seconds after its start, with all that it started; ``alone``, its children go on."""

    seconds: float
    alone: bool = False

    def __call__(self, world: World) -> str:
        run = started(world, self.seconds)
        if run.process.returncode is None:
            run.signal(signal.SIGKILL) if self.alone else os.killpg(run.process.pid, signal.SIGKILL)
        return f"{'alone ' if self.alone else ''}after {self.seconds:.3f} s: {ending(run)}"


@dataclass(frozen=True, slots=True)
class Failpoint:
    """Killed by itself, at a failpoint: ``step.start:before``, or ``step.start:before#2`` the second time."""

    name: str
    arguments: tuple[str, ...] = PASS

    def __call__(self, world: World) -> str:
        run = world.start(*self.arguments, environ={"RECONCILE_FAILPOINT": self.name})
        return f"{self.name}: {ending(run)}"


def started(world: World, seconds: float) -> Run:
    """A pass that began so many seconds ago, or has ended since."""
    run = world.start(*PASS)
    with suppress(subprocess.TimeoutExpired):
        run.process.wait(seconds)
    return run


@contextmanager
def noted(broken: list[str]) -> Iterator[None]:
    """What fails in the block is written down."""
    try:
        yield
    except (AssertionError, BedError, subprocess.TimeoutExpired) as error:
        broken += str(error).splitlines()


def ending(run: Run) -> str:
    """How a run ended."""
    code = run.result().code
    return "killed" if code == -signal.SIGKILL else f"exited with {code}"


Converge = Callable[[World], Result]
Begin = Callable[[Origin, Kind], AbstractContextManager[str]]
"""Makes it so that one pass has something to do, and gives the commit that it does it for."""


def fresh_once(world: World) -> Result:
    """Who makes good: a fresh ``reconcile --once``."""
    return world.once()


@dataclass(frozen=True, slots=True)
class Trial:
    """One release that was killed and what it came to.

    Args:
        killed: how each pass ended that was to be killed.
        seconds: how long the pass took that made good.
        broken: what is wrong in the end; nothing is good.
        story: what a failure wants to know.
    """

    kind: Kind
    killed: tuple[str, ...]
    seconds: float
    broken: tuple[str, ...]
    story: str = field(repr=False, default="")


def staged(world: World, question: Mapping[str, Any] | None = None) -> Origin:
    """Version 1 of both services runs, and Git has a remote.

    Args:
        question: what the gate asks web; at its port by default.
    """
    port, world.url = published()
    world.settings["gate"] = {"timeout": "10s", "soak": "0s"}
    world.settings["rollback"] = {"git": "push"}
    world.check("front", question or f"{world.url}/health")
    world.stack(STACK.format(port=port, project=world.project), web="web:1", worker="web:1")
    world.once().expect(0)
    if not question:
        await_answer(world.url, "version=1")
    return Origin.of(world)


def release(origin: Origin, kind: Kind) -> str:
    """Pin the other version of both services; returns the commit."""
    world = origin.world
    (tag,) = set(world.images_of("web", "worker"))
    other = "web:1" if tag == "2" else "web:2"
    nowhere = f"{world.images.registry.address}/{NOWHERE}"
    web = {Kind.GOOD: other, Kind.BAD: "web:broken", Kind.GONE: nowhere}[kind]
    return origin.release(web=web, worker=other)


@contextmanager
def released(origin: Origin, kind: Kind) -> Iterator[str]:
    """What a pass is to do: a release, whose commit it is. Afterwards Git pins what runs again."""
    yield release(origin, kind)
    taken_back(origin, kind)


def tried(
    origin: Origin,
    kind: Kind,
    kills: Sequence[Kill],
    converge: Converge = fresh_once,
    begin: Begin = released,
) -> Trial:
    """Begin something, kill, and let somebody make good; then everything is as before it, or as released."""
    world = origin.world
    world.reconcile("unblock", "production")  # exits with 1 where nothing was blocked
    with begin(origin, kind) as commit:
        before, killed, seconds, broken = world.marks(), list[str](), 0.0, list[str]()
        with noted(broken), Witness(world, world.url) as witness:
            killed += [kill(world) for kill in kills]
            began = time.monotonic()
            fresh = converge(world)
            seconds = time.monotonic() - began
            broken += wrong(origin, kind, commit, fresh, witness.before, witness.look())
            if kind is Kind.GONE:
                broken += untouched(world, before, witness)
        return Trial(kind, tuple(killed), seconds, tuple(broken), story(world) if broken else "")


def wrong(
    origin: Origin, kind: Kind, commit: str, fresh: Result, before: Snapshot, after: Snapshot
) -> list[str]:
    """What is wrong with how the pass that made good ended, and with what runs then."""
    said = f"the next pass exited with {fresh.code}: {fresh.said}"
    if kind is Kind.GOOD:
        return [*([said] if fresh.code else []), *unverified(origin.world, commit, after)]
    found = as_before(before, after)
    if kind is Kind.GONE:
        return found if fresh.code not in (0, 10, 11) else [*found, said]
    if fresh.code not in (0, 10):
        found.append(said)
    return found + undone(origin.bare, commit, after.running())


def unverified(world: World, commit: str, after: Snapshot) -> list[str]:
    """I-4: what was requested runs, and the journal says of each pin that a gate has passed it."""
    requested = pinned(world.git("show", f"{commit}:state/production/compose.pins.yaml").encode() + b"\n")
    running = after.running()
    found = [
        f"I-4: {name} does not run what was requested"
        for name, digest in requested.items()
        if digest not in running.get(name, frozenset())
    ]
    with inside(world) as reconciler:
        good = {one.service: one.image for one in reversed(reconciler.journal.good(reconciler.environment))}
    return found + [
        f"I-4: no gate has passed {name} as it runs, says the journal: {good.get(name)}"
        for name, digest in requested.items()
        if not good.get(name, "").endswith(digest)
    ]


def as_before(before: Snapshot, after: Snapshot) -> list[str]:
    """A release that failed leaves everything running what it ran."""
    now = after.running()
    return [
        f"I-4: {name} does not run what it ran before the release failed"
        for name, digests in before.running().items()
        if now.get(name) != digests
    ]


def untouched(world: World, before: dict[str, tuple[str, ...]], witness: Witness) -> list[str]:
    """A release that cannot be pulled costs no request and no container."""
    failed = witness.prober.failed if witness.prober else 0
    found = [f"T-3: {failed} requests failed, and nothing could be released"] if failed else []
    return found if world.marks() == before else [*found, "T-3: what runs was touched"]


def taken_back(origin: Origin, kind: Kind) -> None:
    """Git pins what runs again."""
    if kind is Kind.BAD:
        origin.pull()
    elif kind is Kind.GONE:
        origin.world.revert()
        origin.pushed()


def story(world: World) -> str:
    """Containers, journal, and what the last runs said."""
    lines = ["containers:"]
    lines += [
        f"  {c.name} {c.status} {c.image.partition('@')[0].rpartition('/')[2]} {c.mark[-1]} {c.id[:12]}"
        for c in world.containers()
    ]
    with inside(world) as reconciler:
        lines.append("journal, newest first:")
        for one in reconciler.journal.runs(reconciler.environment, limit=4):
            told = reconciler.journal.story(reconciler.environment, one.id)
            steps = " ".join(f"{s.verb}:{s.subject}" for s in told.steps) if told else ""
            lines.append(f"  {one.id} {one.revision[:8]} {one.result} {one.reason} [{steps}]")
    for run in world.started[-4:]:
        said = [(run.folder / name).read_text() for name in ("stderr", "stdout")]
        lines += [f"run {' '.join(run.arguments)} exited with {run.process.returncode}:", *said]
    return "\n".join(lines)
