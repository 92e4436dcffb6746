"""The daemon loses the engine's events again and again: what happened in the gaps is repaired."""

from __future__ import annotations

from itertools import cycle, islice
from pathlib import Path

from tests.bed.engine_proxy import EngineProxy
from tests.e2e.daemon import watching
from tests.e2e.world import World

GAPS = 10
SERVICES = ("one", "two", "three")
"""Several, because one that is removed too often is left alone in the end."""


def test_what_is_removed_in_ten_gaps_of_the_events_is_there_again(world: World) -> None:
    """No other look is due for an hour, but for the echoes of what was heard: each return makes one look."""
    world.stack("\n".join(["services:", *(f"  {name}: {{image: web}}" for name in SERVICES)]), **all_at("1"))
    world.once().expect(0)
    engine = Path(world.host.removeprefix("unix://"))
    with (
        EngineProxy(world.root / "proxy.sock", engine) as proxy,
        watching(world, environ={"DOCKER_HOST": proxy.host}) as daemon,
    ):
        for gap, service in enumerate(islice(cycle(SERVICES), GAPS), 1):
            with proxy.without("/events"):
                world.docker("rm", "--force", world.container(service).name)
            daemon.await_said("begins       engine-back no events were heard", times=gap)
            daemon.await_said("converged    ", times=gap)
            assert world.images_of(*SERVICES) == ["1", "1", "1"]
    world.settle()


def all_at(tag: str) -> dict[str, str]:
    return dict.fromkeys(SERVICES, f"web:{tag}")
