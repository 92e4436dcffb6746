"""Nothing is changed but under a lease that is still ours."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from reconciler.app.fenced import CHANGES, DATA_CHANGES, SEARCH_CHANGES
from reconciler.app.guarded import guarded
from reconciler.domain.environment import Rollback
from reconciler.domain.journal import Run
from reconciler.domain.report import Result
from reconciler.errors import LeaseLost, Locked
from reconciler.ports import Compose, Documents, Engine, Hooks, SearchServer
from tests.app.crashes import CASES, killed_at
from tests.app.passes import Passes
from tests.app.scene import Scene
from tests.bed.fake_clock import START
from tests.bed.fake_engine import FakeWorld
from tests.bed.fake_repository import FakeRepository
from tests.bed.fake_turns import FakeLeases
from tests.domain.values import environment, svc

READS = frozenset(
    {"name", "observe", "inspect", "image_id", "digest_of", "version", "missing", "restart_policy", "logs"}
    | {"execute", "usage", "description", "tags", "taken_ports", "free_bytes"}
    | {"files", "inputs", "stamp", "resolve", "hashes"}
    | {"databases", "state", "leaves", "read", "security", "note", "warm"}
    | {"indexes", "exchanged", "last_task", "failed_since"}
)
"""What changes nothing; a new method of a port belongs here, or behind the fence."""


def methods(port: type) -> list[str]:
    return [name for name, _ in inspect.getmembers(port, callable) if not name.startswith("_")]


def changing(port: type) -> list[str]:
    return [name for name in methods(port) if name not in READS]


PORTS = {"engine": Engine, "compose": Compose, "hooks": Hooks, "documents": Documents, "search": SearchServer}
FENCED = (*CHANGES, *DATA_CHANGES, *SEARCH_CHANGES)
CHANGING = [f"{name}.{method}" for name, port in PORTS.items() for method in changing(port)]


@pytest.mark.parametrize("change", CHANGING)
def test_every_change_asks_the_lease_first(change: str) -> None:
    told: list[str] = []

    class World:
        def __getattr__(self, method: str) -> Any:
            return lambda *_arguments, **_named: told.append(f"done {method}")

    @contextmanager
    def guard(asked: str) -> Iterator[None]:
        told.append(f"asked {asked}")
        yield

    port, _, method = change.partition(".")
    getattr(guarded(World(), port, FENCED, guard), method)("web", 10.0)
    assert told == [f"asked {change}", f"done {method}"]


def test_the_list_of_changes_is_complete() -> None:
    assert sorted(FENCED) == sorted(CHANGING)


def up(*names: str) -> Passes:
    return Passes(Scene(tuple(svc(name) for name in names))).up()


def test_a_pass_with_nothing_to_do_takes_no_lease() -> None:
    passes = up("web")
    taken = passes.leases.taken
    assert passes.once().result is Result.NO_OP
    assert passes.leases.taken == taken


def test_a_turn_of_another_host_is_not_ended_because_our_own_last_pass_was_killed() -> None:
    passes = up("web")
    passes.journal.begin(passes.scene.env, Run("", passes.scene.env.name, START))
    passes.leases.other = "process 4711 on ci-7"
    taken = passes.leases.taken
    assert passes.once().result is Result.NO_OP
    assert passes.leases.taken == taken


def test_an_environment_that_another_host_holds_is_not_touched() -> None:
    passes = up("web")
    passes.release(web="2")
    passes.leases.other = "process 4711 on ci-7"
    report = passes.once()
    assert isinstance(report.error, Locked)
    assert "ci-7" in report.error.problem
    assert passes.scene.world.calls == []
    passes.leases.other = ""
    assert passes.once().result is Result.CONVERGED


def test_what_another_host_did_while_we_waited_is_seen() -> None:
    """The plan was made before the lease was ours; what is done is what is to be done then."""
    passes = up("web")
    passes.release(web="2")
    other = Passes(passes.scene, passes.repository)

    class AfterTheOther(FakeLeases):
        def take(self, *arguments: Any) -> Any:
            assert other.once().result is Result.CONVERGED
            passes.scene.world.calls.clear()
            return super().take(*arguments)

    passes.leases = AfterTheOther()
    assert passes.once().result is Result.NO_OP
    assert passes.scene.world.calls == []


@dataclass
class Losing:
    """A lease that is taken over after so many changes."""

    real: FakeLeases
    world: FakeWorld
    changes: int
    taken_over: None = None

    @contextmanager
    def take(self, *arguments: Any) -> Iterator[Losing]:
        with self.real.take(*arguments):
            yield self

    def check(self) -> None:
        if len(self.world.calls) >= self.changes:
            raise LeaseLost("somebody else took over")


@pytest.mark.parametrize("changes", range(12))
def test_a_pass_that_lost_its_lease_does_nothing_more(changes: int) -> None:
    """Whoever took over goes on from what is there."""
    passes = up("web", "db")
    passes.release(web="2", db="2")
    leases = passes.leases
    passes.leases = Losing(leases, passes.scene.world, changes)  # type: ignore[assignment]
    report = passes.once()
    assert isinstance(report.error, LeaseLost)
    assert len(passes.scene.world.calls) == changes
    passes.leases = leases
    assert passes.once().result is Result.CONVERGED
    assert passes.scene.running() == "db-1=2 web-1=2"
    assert passes.scene.leftovers() == []


@dataclass
class Asked:
    """A lease that notes before which changes it was looked at."""

    real: FakeLeases
    world: FakeWorld
    before: set[int] = field(default_factory=set)
    taken_over: None = None

    @contextmanager
    def take(self, *arguments: Any) -> Iterator[Asked]:
        with self.real.take(*arguments):
            yield self

    def check(self) -> None:
        self.before.add(len(self.world.calls))


def test_whatever_a_release_changes_the_lease_was_looked_at_before() -> None:
    """Down to the names of images that are older than what is to be kept."""
    passes = Passes(Scene((svc("web"),), env=environment(rollback=Rollback(keep=1)))).up()
    for version in "23":
        passes.release(web=version)
        passes.once()
    passes.scene.world.calls.clear()
    asked = Asked(passes.leases, passes.scene.world)
    passes.leases = asked  # type: ignore[assignment]
    passes.release(web="4")
    assert passes.once().result is Result.CONVERGED
    changes = [call[0] for call in passes.scene.world.calls]
    assert changes[-1] == "untag"
    assert [change for number, change in enumerate(changes) if number not in asked.before] == []


@dataclass
class Committing:
    """A repository; whether the lease was held is noted with each commit."""

    real: FakeRepository
    leases: FakeLeases
    held: list[bool] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:
        if name == "commit":
            self.held.append(self.leases.held)
        return getattr(self.real, name)


def test_the_lease_is_kept_until_git_was_told() -> None:
    """Whoever comes next may learn of a rejection from Git alone."""
    passes = CASES["one"].stage()
    repository = Committing(passes.repository, passes.leases)
    passes.repository = repository  # type: ignore[assignment]
    assert passes.once().result is Result.ROLLED_BACK
    assert repository.held == [True]
    assert not passes.leases.held


def test_that_somebody_who_is_gone_was_followed_is_in_the_report() -> None:
    passes = up("web")
    passes.release(web="2")
    assert killed_at(passes, 1, after=True)
    report = passes.once()
    assert report.result is Result.CONVERGED
    assert any(note.endswith("is gone: taken over") for note in report.notes)
    assert passes.once().notes == ()
