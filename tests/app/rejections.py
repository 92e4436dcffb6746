"""Releases that are rejected, and what is there afterwards."""

from __future__ import annotations

from reconciler.domain.blocking import Block
from reconciler.domain.environment import Gate, GitPolicy, Rollback
from reconciler.domain.plan import Change
from reconciler.domain.report import Report, Result
from tests.app.passes import Passes
from tests.app.scene import Scene
from tests.bed.fake_container import Behaviour
from tests.domain.values import check, environment, svc

PUSH = Rollback(GitPolicy.PUSH)
OFF = Rollback(GitPolicy.OFF)
CRASHES = Behaviour(crashes=3)


def stage(*names: str, rollback: Rollback = PUSH, checked: bool = True) -> Passes:
    """Services at version 1, with a check of the front."""
    gate = Gate(5.0, 0.0, (check(),) if checked else ())
    services = tuple(svc(name) for name in names or ("web",))
    return Passes(Scene(services, env=environment(gate=gate, rollback=rollback))).up()


def rejected(passes: Passes, **versions: str) -> Report:
    """A release of these versions, which crash."""
    for name, version in versions.items():
        passes.scene.behave(name, version, CRASHES)
    passes.release(**versions)
    report = passes.once()
    assert report.result in (Result.ROLLED_BACK, Result.ROLLBACK_FAILED)
    return report


def blocked(passes: Passes) -> list[tuple[str, str]]:
    return [(block.service, block.image) for block in passes.journal.blocked]


def quiet(passes: Passes, times: int = 10) -> None:
    """Further passes change nothing, neither on the host nor in Git."""
    calls, commits = len(passes.scene.world.calls), len(passes.repository.line)
    for _ in range(times):
        report = passes.once()
        assert (report.result, report.error) == (Result.NO_OP, None)
        passes.scene.clock.passed += 60.0
    assert passes.scene.world.calls[calls:] == []
    assert len(passes.repository.line) == commits


def held(*names: str) -> Passes:
    """Services at version 1, where version 2 of `web` was rejected; Git still pins it."""
    passes = stage(*names or ("web",), rollback=OFF)
    rejected(passes, web="2")
    passes.scene.world.calls.clear()
    return passes


def blocks_late(passes: Passes) -> None:
    """What runs now is blocked, as a release that fails late is just before it is taken back."""
    desired = passes.reconciler.look().desired
    service, now = desired.service("web"), passes.scene.clock.now()
    late = Block("web", service.image, service.config_hash, desired.compose_version, "", "it leaks", now)
    passes.journal.block(passes.scene.env, [late])


def entry(passes: Passes) -> tuple[Change, str]:
    """What the plan says of the service whose pin is blocked."""
    entries = passes.reconciler.look().plan.entries
    found = next(one for one in entries if one.name in ("web", "app") and "rejected" in one.cause)
    return found.change, found.cause
