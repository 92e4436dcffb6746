"""Reconcilers of several hosts on one environment, and what shows that they took turns.

Each host has a state directory, and so a lock and a journal, of its own. Who acted when is told by three that
do not know of each other: the engine's events, the journals, and the daemons' logs.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import combinations
from pathlib import Path

from reconciler.adapters.docker_host import DockerHost
from reconciler.adapters.host_state import Place, SqliteJournal
from tests.bed.tools import wait_until
from tests.domain.values import environment
from tests.e2e.daemon import Daemon, watching
from tests.e2e.recorder import PROJECT, Event, Recorder
from tests.e2e.runs import Run
from tests.e2e.world import World

LEASE, WHO = "reconcile.lease", "reconcile.lease.holder"
LOUD = ("--log-format", "json", "--log-level", "debug")
STACK = "services: {web: {image: web, stop_grace_period: 1s}, worker: {image: web, stop_grace_period: 1s}}"
TAGS = ("1", "2", "3")
CI = "ci"
JOBS_END_WITH = frozenset({0, 65, 75})
"""How jobs may end: with 65 who looks while a commit is being written, with 75 who is overtaken by one."""
CLOCK_SECONDS = 0.01
"""How exactly the times of different witnesses can be compared."""
STUCK_SECONDS = 60.0

Span = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Turn:
    """A lease: whose it was, from when to when; seconds since 1970."""

    who: str
    span: Span


@dataclass(slots=True)
class Together:
    """Two daemons, and CI beside them.

    Args:
        begin: how many events were there before: the engine's stream begins with a whole second, so some may
            be of the release before, whose lease is not among them.
    """

    world: World
    recorder: Recorder
    daemons: dict[str, Daemon]
    jobs: list[Run] = field(default_factory=list)
    begin: int = 0

    @property
    def turns(self) -> list[Turn]:
        """Those that are over, in their order."""
        return turns(self.recorder.events, self.world.project)

    def turns_of(self, name: str) -> list[Turn]:
        """Those of a host."""
        runs = self.jobs if name == CI else [self.daemons[name].run]
        own = {f"process {run.process.pid} " for run in runs}
        return [turn for turn in self.turns if turn.who.startswith(tuple(own))]

    def commit(self, *bad: str) -> None:
        """Commit other pins than those of now: of tags that work, or of these ones too."""
        world, now = self.world, tags(self.world)
        then = {name: random.choice((*TAGS, *bad)) for name in now}
        if then == now:
            name = random.choice(sorted(now))
            then[name] = random.choice([tag for tag in TAGS if tag != now[name]])
        world.release(**{name: f"web:{tag}" for name, tag in then.items()})

    def start_ci(self) -> None:
        """A job of CI, unless the last one still runs."""
        if not self.jobs or self.jobs[-1].process.poll() is not None:
            environ = {"RECONCILE_STATE_DIR": str(state(self.world, CI))}
            self.jobs.append(self.world.start("--lock-wait", "60", "--once", environ=environ))

    def await_news(self) -> None:
        """Wait until somebody's turn has begun since, or is over; or until there is nothing left to do."""
        wanted, before = random.choice(["create", "destroy"]), len(self.recorder.events)

        def happened() -> bool:
            news = self.recorder.events[before:]
            return any(one.action == wanted and self._lease(one) for one in news) or self._rests()

        wait_until(happened, seconds=STUCK_SECONDS, what=f"{wanted} of a lease", every=0.2)

    def settle(self) -> None:
        """Wait until the last pins run, and nobody acts any more."""
        for job in self.jobs:
            job.result()
        wait_until(self._rests, seconds=STUCK_SECONDS, what="the last pins run, and nobody has the lease")

    def wrong(self) -> list[str]:
        """What contradicts that one acted after the other, and each in its own turn."""
        self.recorder.mark()
        found = mixed(self.recorder.events[self.begin :], self.world.project)
        for name in (*self.daemons, CI):
            found += untimely(name, passes(self.world, name), self.turns_of(name))
        steps = {name: acted(daemon) for name, daemon in self.daemons.items()}
        for (one, its), (other, others) in combinations(steps.items(), 2):
            found += [f"steps of {one} and {other}: {a}, {b}" for a in its for b in others if overlap(a, b)]
        return found

    def _rests(self) -> bool:
        world, wanted = self.world, tags(self.world)
        lease = ("ps", "--all", "--quiet", "--filter", f"label={LEASE}={world.project}")
        return world.images_of(*wanted) == [*wanted.values()] and not world.docker(*lease)

    def _lease(self, event: Event) -> bool:
        return event.attributes.get(LEASE) == self.world.project


def staged(world: World) -> None:
    """Version 1 of two services runs; nothing is observed after its gate."""
    world.settings["severity"] = {"critical": "rollback", "high": "rollback", "medium": "report"}
    for tag in TAGS:
        world.images.pinned(f"web:{tag}")
    world.stack(STACK, web="web:1", worker="web:1")
    world.once().expect(0)


def tags(world: World) -> dict[str, str]:
    """What is pinned, by service."""
    return {name: pin.partition("@")[0].rpartition(":")[2] for name, pin in sorted(world.pins.items())}


@contextmanager
def together(world: World) -> Iterator[Together]:
    """Daemons of two hosts over a world that runs."""
    with ExitStack() as stack:
        recorder = stack.enter_context(Recorder(world.host))
        begin = recorder.mark()
        daemons = {
            name: stack.enter_context(
                watching(world, *LOUD, environ={"RECONCILE_STATE_DIR": str(state(world, name))})
            )
            for name in ("here", "there")
        }
        yield Together(world, recorder, daemons, begin=begin)


def state(world: World, name: str) -> Path:
    """The state directory of a host."""
    return world.root / f"state-{name}"


def turns(events: Sequence[Event], project: str) -> list[Turn]:
    """The leases that ended, as the engine's events tell."""
    found, begun = list[Turn](), dict[str, Event]()
    for one in events:
        if one.attributes.get(LEASE) == project and one.action == "create":
            begun[one.id] = one
        elif one.action == "destroy" and one.id in begun:
            first = begun.pop(one.id)
            found.append(Turn(first.attributes[WHO], (first.at, one.at)))
    return found


def mixed(events: Sequence[Event], project: str) -> list[str]:
    """By the engine's own order of events: two leases at once, and changes in nobody's turn."""
    found, holders = list[str](), dict[str, str]()
    for one in events:
        if one.attributes.get(LEASE) == project and one.action in ("create", "destroy"):
            if one.action == "create":
                found += [f"{one.attributes[WHO]} has it, and so has {other}" for other in holders.values()]
                holders[one.id] = one.attributes[WHO]
            else:
                holders.pop(one.id, None)
        elif one.kind == "container" and one.attributes.get(PROJECT) == project and one.changes:
            found += [] if holders else [f"{one} in nobody's turn"]
    return found


def passes(world: World, name: str) -> list[Span]:
    """From when to when a host's passes went on that did something, by its journal."""
    env = replace(environment(), project=world.project)
    journal = SqliteJournal(Place(state(world, name), DockerHost(world.host).name))
    runs = journal.runs(env)
    journal.close()
    return [(at := run.started_at.timestamp(), at + (run.seconds or 0.0)) for run in runs]


def untimely(name: str, spans: Sequence[Span], had: Sequence[Turn]) -> list[str]:
    """Passes that did something without exactly one turn of their own."""
    found = []
    for began, ended in spans:
        own = [
            turn
            for turn in had
            if began - CLOCK_SECONDS <= turn.span[0] and turn.span[1] <= ended + CLOCK_SECONDS
        ]
        if len(own) != 1:
            found.append(f"a pass of {name} from {began:.3f} to {ended:.3f} had {len(own)} turns")
    return found


def acted(daemon: Daemon) -> list[Span]:
    """From when to when each step of a daemon went on, by its log."""
    begun, found = dict[tuple[str, str], float](), list[Span]()
    for line in daemon.said.splitlines():
        told = json.loads(line)
        if told["event"] in ("step_begun", "step_ended"):
            at = datetime.fromisoformat(told["at"]).timestamp()
            which = told["verb"], told["subject"]
            if told["event"] == "step_begun":
                begun[which] = at
            else:
                found.append((begun.pop(which), at))
    return found


def overlap(one: Span, other: Span) -> bool:
    """Whether both went on at the same time."""
    return one[0] < other[1] and other[0] < one[1]
