"""Programs that are killed at any point of a pass over a bad release, and what must be true in the end."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from reconciler.domain.desired import Order, Service
from reconciler.domain.environment import Gate, GitPolicy, Rollback
from reconciler.domain.report import Result, Sync
from tests.app.passes import Passes
from tests.app.rejections import CRASHES
from tests.app.scene import Scene
from tests.bed.fake_engine import FakeWorld, Killed
from tests.bed.fake_outside import BAD, GOOD
from tests.domain.values import check, environment, image, svc

PUSH = Rollback(GitPolicy.PUSH)
OFF = Rollback(GitPolicy.OFF)
BRANCH = Rollback(GitPolicy.BRANCH)


@dataclass(frozen=True)
class Rejected:
    """What runs at version 1, which versions 2 of it are pinned then, and which of those are broken."""

    services: tuple[Service, ...]
    release: tuple[str, ...] = ("web",)
    broken: tuple[str, ...] = ("web",)
    rollback: Rollback = PUSH
    checked: bool = False

    def stage(self) -> Passes:
        gate = Gate(5.0, 0.0, (check(),) if self.checked else ())
        passes = Passes(Scene(self.services, env=environment(gate=gate, rollback=self.rollback))).up()
        for name in self.broken:
            passes.scene.behave(name, "2", CRASHES)
        if self.checked:
            running, bad = passes.scene.world.running, image("web", "2")
            passes.scene.answer("front", lambda _: BAD if bad in running().values() else GOOD)
        passes.release("The release", **dict.fromkeys(self.release, "2"))
        return passes


CASES = {
    "one": Rejected((svc("web"),)),
    "always": Rejected((svc("web", restart="always"),)),
    "start-first": Rejected((svc("web", order=Order.START_FIRST),)),
    "replicas": Rejected((svc("web", replicas=2),)),
    "two": Rejected((svc("db"), svc("web", needs=["db"])), ("db", "web")),
    "joined": Rejected((svc("vpn"), svc("web", network_of="vpn")), ("vpn", "web")),
    "a check": Rejected((svc("api"), svc("web")), broken=(), checked=True),
    "a check of two": Rejected((svc("api"), svc("web")), ("api", "web"), broken=(), checked=True),
    "git off": Rejected((svc("web"),), rollback=OFF),
    "for review": Rejected((svc("web"),), rollback=BRANCH),
}


def killed_at(
    passes: Passes, call: int, *, after: bool, act: Callable[[Passes], object] = Passes.once
) -> bool:
    """One pass that is killed around the `call`-th change on the host; False where it ends before."""
    passes.scene.world.die_at(call, after=after)
    try:
        act(passes)
    except Killed:
        return True
    finally:
        passes.scene.world.revive()
    return False


def settled(passes: Passes) -> None:
    """Further passes, until nothing more happens; it must not take many."""
    for _ in range(5):
        if passes.once().result is Result.NO_OP:
            break
    calls, commits = len(passes.scene.world.calls), len(passes.repository.line)
    for _ in range(3):
        assert passes.once().result is Result.NO_OP
        passes.scene.clock.passed += 3600.0
    assert (len(passes.scene.world.calls), len(passes.repository.line)) == (calls, commits)


def all_well(passes: Passes, case: Rejected, *, late: bool = False) -> None:
    """What ran before runs, alone; what was rejected is blocked; Git was told at most once, and agrees.

    What failed ``late`` was good before it did.
    """
    scene = passes.scene
    assert scene.leftovers() == []
    assert {service.rpartition("=")[2] for service in scene.running().split()} == {"1"}
    assert len(scene.containers) == sum(service.replicas for service in case.services)
    assert scene.world.cut_off() == ()
    assert not passes.leases.turns.kept, "nobody's turn is left over"
    good = {good.image.partition("@")[0][-1] for good in passes.journal.good(scene.env)}
    assert good == ({"1", "2"} if late else {"1"}), "what was rejected is never called good"
    assert {block.service for block in passes.journal.blocked} == set(case.release)
    reverts = [subject for subject in passes.commits() if subject.startswith("Revert")]
    pinned = {passes.pinned()[name] for name in case.release}
    if case.rollback is PUSH:
        assert (reverts, pinned) == (['Revert "The release"'], {"1"})
        assert passes.once().sync is Sync.SYNCED
    else:
        assert (reverts, pinned) == ([], {"2"})
        assert passes.once().sync is Sync.OUT_OF_SYNC
    if case.rollback is BRANCH:
        assert len(passes.repository.pushed) == 1


WRITES = ("begin", "keep", "block", "note_good", "note_undo", "finish", "begin_step", "step", "commit")


@dataclass
class Dying:
    """Passes every call on, and dies around the n-th that writes."""

    real: Any
    writes: list[str]
    at: int
    after: bool
    dead: list[bool]
    world: FakeWorld

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.real, name)
        return self._around(name, found) if name in WRITES else found

    def _around(self, name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        def around(*arguments: Any, **named: Any) -> Any:
            self.writes.append(name)
            mine = len(self.writes) == self.at
            if self.dead or (mine and not self.after):
                self._die()
            answer = method(*arguments, **named)
            if mine:
                self._die()
            return answer

        return around

    def _die(self) -> None:
        self.dead.append(True)
        self.world.die_at(1)
        raise Killed


def killed_writing(
    passes: Passes, at: int, *, after: bool, act: Callable[[Passes], object] = Passes.once
) -> bool:
    """One pass that is killed around the n-th write to journal or Git; False where it ends before."""
    with mortal(passes, at, after=after) as dead:
        act(passes)
    return bool(dead)


def killed_at_failpoint(
    passes: Passes, name: str, time: int, *, act: Callable[[Passes], object] = Passes.once
) -> bool:
    """One pass that is killed when it comes to a failpoint for the n-th time; False where it ends before."""
    times = itertools.count(1)
    with mortal(passes) as dead:

        def failpoint(reached: str) -> None:
            if dead or (reached == name and next(times) == time):
                dead.append(True)
                passes.scene.world.die_at(1)
                raise Killed

        passes.scene.failpoint = failpoint
        act(passes)
    return bool(dead)


@contextmanager
def mortal(passes: Passes, at: int = 0, *, after: bool = False) -> Iterator[list[bool]]:
    """A pass that may be killed, perhaps around the n-th write to journal or Git.

    What is given is empty until it is dead. From then on nothing of it reaches journal, Git or host.
    """
    journal, repository, world = passes.journal, passes.repository, passes.scene.world
    writes, dead = list[str](), list[bool]()
    passes.journal = Dying(journal, writes, at, after, dead, world)  # type: ignore[assignment]
    passes.repository = Dying(repository, writes, at, after, dead, world)  # type: ignore[assignment]
    try:
        yield dead
    except Killed:
        pass
    finally:
        passes.journal, passes.repository = journal, repository
        passes.scene.failpoint = lambda _name: None
        world.revive()
