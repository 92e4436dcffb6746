"""Killed on a real engine: the program, the engine, the registry, the Git server; then one fresh pass.

A few of each; ``scripts/chaos kills failpoints engine-restarts outages`` does the same as often as one likes,
and at every failpoint.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bed.git_daemon import GitDaemon
from tests.bed.private_engine import PrivateEngine
from tests.bed.registry import Registry
from tests.e2e.engine_killing import INSIDE, engine_tried
from tests.e2e.images import Images
from tests.e2e.killing import After, Failpoint, Kind, Trial, staged, tried
from tests.e2e.killing_scenes import OF_OTHER_KINDS, OF_TWO_SERVICES, Scene, staged_of_other_kinds
from tests.e2e.origin import Origin
from tests.e2e.outages import git_killed, registry_killed
from tests.e2e.test_private_engine import world_on
from tests.e2e.world import World


@pytest.fixture(scope="module")
def shop(images: Images, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Origin]:
    """Two services; every test leaves them serving, and Git pinning what runs."""
    with World(tmp_path_factory.mktemp("shop"), images) as world:
        yield staged(world)


def expect_good(trial: Trial) -> None:
    assert not trial.broken, "\n".join([*trial.killed, *trial.broken, trial.story])


@pytest.mark.parametrize(
    ("kind", "point"),
    [
        (Kind.GOOD, "compose.create_templates:after"),
        (Kind.GOOD, "engine.rename:before#2"),
        (Kind.GOOD, "journal.note_good:before"),
        (Kind.BAD, "engine.stop:after#3"),
        (Kind.BAD, "repository.commit:after"),
    ],
)
def test_killed_at_a_failpoint_one_pass_makes_good(shop: Origin, kind: Kind, point: str) -> None:
    trial = tried(shop, kind, [Failpoint(point)])
    expect_good(trial)
    assert trial.killed == (f"{point}: killed",)


@pytest.mark.parametrize(("kind", "seconds"), [(Kind.GOOD, 1.2), (Kind.BAD, 1.8), (Kind.GONE, 0.6)])
def test_killed_at_any_moment_one_pass_makes_good(shop: Origin, kind: Kind, seconds: float) -> None:
    expect_good(tried(shop, kind, [After(seconds)]))


def test_only_the_program_itself_is_killed_and_what_it_started_goes_on(shop: Origin) -> None:
    expect_good(tried(shop, Kind.GOOD, [After(0.9, alone=True)]))


def test_it_is_killed_again_while_it_makes_good(shop: Origin) -> None:
    expect_good(tried(shop, Kind.BAD, [Failpoint("step.gate:after"), Failpoint("step.restore:before")]))


@pytest.mark.long
@pytest.mark.parametrize("scenes", [OF_TWO_SERVICES, OF_OTHER_KINDS], ids=["two-services", "other-kinds"])
def test_what_else_may_be_under_way_is_killed_and_one_pass_makes_good(
    images: Images, tmp_path: Path, scenes: tuple[Scene, ...]
) -> None:
    """A pull, a repair, a release that waits or is observed; what joins, follows, starts first, or never."""
    with World(tmp_path, images) as world:
        origin = staged(world) if scenes is OF_TWO_SERVICES else staged_of_other_kinds(world)
        for scene in scenes:
            point = f"{scene.points[0]}:after"
            trial = scene.killed(origin, point)
            expect_good(trial)
            assert trial.killed == (f"{point}: killed",)


@pytest.mark.parametrize("options", [(), ("--live-restore",)], ids=["containers-die-too", "live-restore"])
def test_the_engine_is_killed_and_no_predecessor_comes_back(
    images: Images, tmp_path: Path, options: tuple[str, ...]
) -> None:
    with PrivateEngine(options=options) as engine, world_on(engine, tmp_path / "world", images) as world:
        expect_good(engine_tried(engine, staged(world, INSIDE), Kind.GOOD, 1.3))


def test_the_engine_is_killed_and_what_cannot_be_replaced_runs_again(images: Images, tmp_path: Path) -> None:
    """It does not start what says ``unless-stopped`` again, and the release cannot be pulled."""
    with PrivateEngine() as engine, world_on(engine, tmp_path / "world", images) as world:
        expect_good(engine_tried(engine, staged(world, INSIDE), Kind.GONE, 0.5))


def test_the_registry_is_killed_in_a_pull_and_no_request_is_lost(tmp_path: Path) -> None:
    with Registry() as registry:
        images = Images(registry)
        with World(tmp_path, images) as world:
            expect_good(registry_killed(staged(world), 0.6))
        images.close()


@pytest.mark.parametrize("hook", [pytest.param("pre-receive", marks=pytest.mark.long), "post-receive"])
def test_the_git_server_is_killed_in_the_push_of_the_revert(shop: Origin, hook: str) -> None:
    with GitDaemon(shop.world.root) as daemon:
        shop.world.git("remote", "set-url", "origin", daemon.url(shop.bare.name))
        try:
            expect_good(git_killed(shop, daemon, hook))
        finally:
            shop.world.git("remote", "set-url", "origin", f"file://{shop.bare}")
