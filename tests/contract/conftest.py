"""The benches: the fake world, the engine of the bed, and an engine of one's own that can be restarted."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.adapters.docker_host import DockerHost
from tests.bed.engine import required_engine
from tests.bed.private_engine import PrivateEngine
from tests.contract.bench import CRASH_CODE, Bench
from tests.contract.fake_bench import FakeBench
from tests.contract.real_bench import RealBench
from tests.contract.turns_bench import FakeTurnsBench, TurnsBench, real_turns
from tests.images.build import build

IMAGES = f"reconcile-contract{os.environ.get('PYTEST_XDIST_WORKER', '')}"
"""Each worker has its own: two that build the same image at once end up with two images and one name."""


@pytest.fixture(scope="session")
def engine_host() -> str:
    """The URL of the bed's engine, with the images of the suite on it; a test that needs it fails without."""
    host = required_engine()
    for variant in ("web", "volume", "health"):
        build(f"{IMAGES}/{variant}:1", variant=variant)
    build(f"{IMAGES}/crash:1", CRASH=str(CRASH_CODE))
    return host


@pytest.fixture
def real(engine_host: str, tmp_path: Path) -> Iterator[RealBench]:
    """A bench over the engine of the bed."""
    bench = RealBench(tmp_path, engine_host, IMAGES, DockerHost(engine_host))
    yield bench
    bench.close()


@pytest.fixture(params=["fake", "real"])
def bench(request: pytest.FixtureRequest) -> Bench:
    """Either bench: what is asked of it must hold for both."""
    if request.param == "fake":
        return FakeBench()
    found: Bench = request.getfixturevalue("real")
    return found


@pytest.fixture(params=["fake", "real"])
def turns(request: pytest.FixtureRequest) -> Iterator[TurnsBench]:
    """Either bench of leases and pauses."""
    if request.param == "fake":
        yield FakeTurnsBench()
        return
    bench = real_turns(required_engine())
    yield bench
    bench.close()


@pytest.fixture(params=["fake", "real"])
def restartable(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    """Either bench, whose engine may be restarted."""
    if request.param == "fake":
        yield FakeBench()
        return
    with PrivateEngine() as engine:
        build_on(engine)

        def restart() -> None:
            engine.stop()
            engine.start()

        bench = RealBench(tmp_path, engine.host, IMAGES, DockerHost(engine.host), restart)
        yield bench
        bench.close()


def build_on(engine: PrivateEngine) -> None:
    """Bring the suite's plain image to another engine."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("DOCKER_HOST", engine.host)
        build(f"{IMAGES}/web:1")
