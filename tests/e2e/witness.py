"""An outside witness: what a release did is judged by what could be seen, not by what the program says.

Whoever looks on: a client of the published port every 20 ms, a reader of the engine's events, a look at the
engine before and after, somebody who reads the command lines of all children, and some bystanders.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from docker import APIClient

from tests.bed.tools import BedError, wait_until
from tests.e2e import invariants
from tests.e2e.bystanders import Bystanders
from tests.e2e.canaries import Spy, places, sung
from tests.e2e.invariants import Claim
from tests.e2e.leftovers import leftovers
from tests.e2e.prober import Prober
from tests.e2e.recorder import PROJECT, Event, Recorder
from tests.e2e.runs import Run
from tests.e2e.snapshot import Scope, Snapshot, take
from tests.e2e.undone import pinned, undone
from tests.e2e.world import World

RESULTS = {0: "converged", 10: "rolled-back", 11: "rollback-failed"}
ON_PURPOSE = frozenset(("blocked", "held", "unmanaged", "orphan"))


class Witness:
    """Look on while a block does what it does; at its end the invariants I-1 to I-8 hold, or the test fails.

    Args:
        url: what a client of the service asks; it must answer when the block begins. Nobody asks without it.
        never_without: services of which some instance must run at every moment, as with start-first.
        again: whether one more pass at the end must do nothing (I-6); as the report says it by default:
            a pass that converged, or that rejected a release, must be followed by one without changes.

    >>> with Witness(world, url) as witness:
    ...     world.release(web="web:2")
    ...     world.once().expect(0)
    >>> witness.gap_seconds, witness.versions
    """

    def __init__(
        self, world: World, url: str = "", *, never_without: Sequence[str] = (), again: bool | None = None
    ) -> None:
        self.world = world
        self.never_without = never_without
        self.again = again
        self.prober = Prober(url) if url else None
        self.remotes: list[Path] = []
        self._stack = ExitStack()
        self._first_run = len(world.started)

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._client = APIClient(base_url=self.world.host, version="auto")
            stack.callback(self._client.close)
            self.bystanders = stack.enter_context(self._company())
            self.recorder = stack.enter_context(Recorder(self.world.host))
            self.scope = Scope(
                project=self.world.project,
                label=self.bystanders.label,
                registry=self.world.images.registry.address,
                alone=self.world.host != os.environ["DOCKER_HOST"],
            )
            self.spy = stack.enter_context(Spy(self._running))
            self.before = self.look()
            self._begin = self.recorder.mark()
            if self.prober:
                stack.enter_context(self.prober)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            broken = self.judge() if kind is None else []
        finally:
            self._stack.__exit__(kind, error, trace)
        assert not broken, "\n".join([*broken, self.story()])

    # -- what was seen ----------------------------------------------------------------------------

    @property
    def events(self) -> list[Event]:
        """The engine's events since the block began."""
        return self.recorder.events[self._begin :]

    @property
    def own_events(self) -> list[Event]:
        """Those of the project's containers that changed something."""
        own = f"{self.world.project}-"
        return [one for one in self.events if one.changes and one.attributes.get("name", "").startswith(own)]

    @property
    def versions(self) -> tuple[str, ...]:
        """What the port answered, in turn."""
        return self.prober.versions if self.prober else ()

    @property
    def gap_seconds(self) -> float:
        """The longest time without a good answer."""
        return self.prober.longest_gap_seconds if self.prober else 0.0

    def look(self) -> Snapshot:
        return take(self._client, self.scope)

    def story(self) -> str:
        """What a failure wants to know beside the invariant."""
        lines = [f"{one.at:.3f} {one}" for one in self.own_events]
        return "\n".join([f"versions: {self.versions}, longest gap {self.gap_seconds:.2f} s", *lines])

    # -- the judgement ----------------------------------------------------------------------------

    def judge(self) -> list[str]:
        """Everything that is wrong by now."""
        broken = self._outside()
        self.recorder.mark()
        after = self.look()
        broken += self._engine(after)
        claims = self.claims()
        for claim in claims[-1:]:
            broken += invariants.as_claimed(claim, self.before.running(), after.running())
        if len(claims) == 1:
            broken += invariants.as_before(claims[0], self.before.running(), after.running())
        if self.again or (self.again is None and claims and claims[-1].result != "failed"):
            broken += self.one_more_pass()
        broken += leftovers(self.world, self.look(), self._mounted(after))
        seen = places(self.world, after, self.events, self.spy.seen, *self.remotes)
        return broken + sung(self.world.canaries, seen)

    def one_more_pass(self) -> list[str]:
        """What one more pass does, which should be nothing (I-6)."""
        begin, before = self.recorder.mark(), self.world.marks()
        ids = self._ids(self.look())
        result = self.world.reconcile("--once")
        end = self.recorder.mark()
        broken = invariants.quiet(self.world.project, ids, self.recorder.events[begin:end])
        if self.world.marks() != before:
            broken.append("I-6: one more pass left other containers")
        # What Git does not know yet is said before.
        if result.code or not any(line.startswith("No changes.") for line in result.stdout.splitlines()):
            broken.append(f"I-6: one more pass exited with {result.code} and said: {result.said}")
        return broken

    def claims(self) -> list[Claim]:
        """What the passes of the block said of themselves, in turn."""
        runs = self.world.started[self._first_run :]
        return [self._claim(run) for run in runs if run.process.returncode is not None and _acts(run)]

    def expect_undone(self, remote: Path, release: str, *, branch: str = "main") -> None:
        """The release was undone in Git as on the host (I-5); the remote is searched for canaries too."""
        self.remotes.append(remote)
        broken = undone(remote, release, self.look().running(), branch=branch)
        assert not broken, "\n".join([*broken, self.story()])

    def _outside(self) -> list[str]:
        if not self.prober:
            return []
        url, samples = self.prober.url, self.prober.samples
        try:
            wait_until(lambda: self.prober is not None and self.prober.serves, seconds=5, what="an answer")
        except BedError:
            return invariants.answers_again(url, samples)
        return []

    def _engine(self, after: Snapshot) -> list[str]:
        own = [one for one in self.events if one.attributes.get(PROJECT) == self.world.project]
        without = [invariants.never_without(name, self.before, own) for name in self.never_without]
        return [
            *invariants.serves_again(self.before, after),
            *(line for lines in without for line in lines),
            *invariants.never_two(self.before, after, own),
            *invariants.to_and_fro(self.versions, own),
            *invariants.one_generation(after),
            *invariants.foreign_untouched(self.before, after),
            *invariants.foreign_silent(self.bystanders.ids, self.events),
        ]

    def _claim(self, run: Run) -> Claim:
        document = _report(run)
        revision = (document.get("revision") or {}).get("commit") or "HEAD"
        pins = self.world.git("show", f"{revision}:state/production/compose.pins.yaml")
        return Claim(
            result=document.get("result") or RESULTS.get(run.process.returncode, "failed"),
            requested=pinned(f"{pins}\n".encode()),
            excused=frozenset(one["name"] for one in document.get("services", ()) if _on_purpose(one)),
        )

    def _company(self) -> Bystanders:
        return Bystanders(self._client, self.world.project, self.world.images.pinned("web:1"))

    def _running(self) -> list[int]:
        return [run.process.pid for run in list(self.world.started) if run.process.returncode is None]

    def _ids(self, now: Snapshot) -> frozenset[str]:
        """As events name what is the project's."""
        others = [one["Id"] for one in now.networks] + [one["Name"] for one in now.volumes]
        return frozenset((*others, *(one.id for one in now.containers)))

    def _mounted(self, after: Snapshot) -> set[str]:
        """The volumes that any container of the project had in the meantime."""
        ids = {one.id for one in self.events if one.attributes.get(PROJECT) == self.world.project}
        ids |= self._ids(self.before) | self._ids(after)
        return {
            one.id for one in self.events if one.kind == "volume" and one.attributes.get("container") in ids
        }


def _acts(run: Run) -> bool:
    """Whether a run was a pass, by its arguments."""
    words = set(run.arguments)
    return "--once" in words or ("rollback" in words and "--no-converge" not in words)


def _on_purpose(service: Mapping[str, Any]) -> bool:
    """Whether the report says that a service is meant to be something else than Git pins.

    One of which an interrupted pass left something is drift, rejected or not.
    """
    return service["change"] in ON_PURPOSE or "was rejected here in run" in service["cause"]


def _report(run: Run) -> dict[str, Any]:
    """The report on the world's environment; empty where the run printed text."""
    try:
        document = json.loads((run.folder / "stdout").read_text())
    except ValueError:
        return {}
    found = [one for one in document.get("environments", ()) if one["name"] == "production"]
    return found[0] if found else {}
