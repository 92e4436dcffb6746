"""Releases that are rejected, and what is there afterwards."""

from __future__ import annotations

from reconciler.domain.environment import Gate, GitPolicy, Rollback
from reconciler.domain.report import Report, Result
from tests.app.passes import Passes
from tests.app.scene import Scene
from tests.bed.fake_container import Behaviour
from tests.domain.values import check, environment, svc

PUSH = Rollback(GitPolicy.PUSH)
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
