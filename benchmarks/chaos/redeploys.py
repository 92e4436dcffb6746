"""T-6: what was rejected is not deployed again, however often a pass looks at it."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks import bed
from benchmarks.child import run
from benchmarks.figures import Figure
from benchmarks.gap import free_port
from benchmarks.passes import passed
from benchmarks.stack import Stack, service, stack
from benchmarks.undo import settings
from reconciler.domain.report import Result
from tests.app.passes import Passes
from tests.app.scene import Scene
from tests.bed.fake_container import Behaviour
from tests.domain.values import svc

FAKE_PASSES = 10_000


def measure(count: int) -> Iterator[Figure]:
    """``count`` passes on the real engine, 10,000 on the fake one. Git keeps the bad pin all the time."""
    calls = _fake(FAKE_PASSES)
    yield Figure("T-6 fake engine", "0 calls that change", f"{calls}", f"{FAKE_PASSES:,} passes", not calls)
    touched = _real(count)
    yield Figure("T-6 real engine", "0 passes that touch", f"{touched}", f"{count} passes", not touched)


def _fake(count: int) -> int:
    """How many changing calls there are after the release was rejected once."""
    scene = Scene((svc("web"), svc("db")))
    passes = Passes(scene)
    scene.behave("web", "2", Behaviour(crashes=1))
    passes.reconciler.run_once()
    passes.release(web="2")
    rejected = passes.reconciler.run_once()
    if rejected.result is not Result.ROLLED_BACK or "web-1=1" not in scene.running():
        raise RuntimeError(f"the release was not rejected: {rejected}")
    scene.world.calls.clear()
    for _ in range(count):
        report = passes.reconciler.run_once()
        if report.result is not Result.NO_OP:
            raise RuntimeError(f"a pass after the rejection came to {report.result}")
        scene.clock.passed = 0.0
    return len(scene.world.calls)


def _real(count: int) -> int:
    """How many passes left anything different after the release was rejected once."""
    good = bed.build("benchmark/web", "good", bed.JUDGED)
    bad = bed.build("benchmark/web", "bad", bed.JUDGED, "ENV STATUS=500")
    port, touched = free_port(), 0
    published = f'ports: ["127.0.0.1:{port}:8080"]'
    with stack(service("web", good.tag, published), {"web": good.pin}, settings(port)) as made:
        made.reconcile()
        made.commit({"web": bad.pin})
        passed(made, Result.ROLLED_BACK)
        before = _marks(made)
        for _ in range(count):
            made.commit({})  # also a new commit, that pins the same, changes nothing
            passed(made, Result.NO_OP)
            touched += _marks(made) != before
    return touched


def _marks(made: Stack) -> str:
    """All containers of the project, with what stays the same while nobody touches them."""
    label = f"label=com.docker.compose.project={made.project}"
    ids = run("docker", "ps", "--all", "--quiet", "--no-trunc", "--filter", label).split()
    return run("docker", "inspect", "--format", "{{.Id}} {{.Name}} {{.State.StartedAt}}", *ids)
