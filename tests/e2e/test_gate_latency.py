"""How much slower than its predecessor a release may be: the worked example's own limits, 50 % and 20 %."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.gated import for_a_while, gated, kept, rolled_back, ruling
from tests.e2e.images import Images
from tests.e2e.origin import Origin
from tests.e2e.world import World


@pytest.fixture(scope="module")
def common(images: Images, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Origin]:
    with World(tmp_path_factory.mktemp("latency"), images) as world:
        origin = gated(world, web="web:slow0")
        world.check("web", f"{world.url}/health")
        worse = {"of": "web", "worse_than": {"high": "50%", "low": "20%"}, "samples": 8}
        world.check("latency", {"latency": worse})
        yield origin


@pytest.fixture
def origin(common: Origin) -> Iterator[Origin]:
    with for_a_while(common):
        yield common


def test_slower_by_60_percent_goes_back(origin: Origin) -> None:
    environment = rolled_back(origin, "check latency: p50", web="web:slow60")
    found = ruling(environment, "latency")
    assert (found["severity"], found["verdict"]) == ("high", "fail")
    assert "slower than before" in found["detail"]


def test_slower_by_30_percent_is_kept_with_an_alert(origin: Origin) -> None:
    environment = kept(origin, web="web:slow30")
    found = ruling(environment, "latency")
    assert (found["severity"], found["verdict"]) == ("medium", "fail")
    assert found["reaction"]["response"] == "alert"
    assert "slower than before" in found["detail"]
    assert "medium check latency failed: alert" in environment["judgement"]["decision"]["rule"]


def test_slower_by_10_percent_is_kept_in_silence(origin: Origin) -> None:
    environment = kept(origin, web="web:slow10")
    found = ruling(environment, "latency")
    assert (found["verdict"], found["reaction"]["response"]) == ("pass", "keep")
    assert "than before" in found["detail"]
    assert environment["judgement"]["decision"]["rule"] == "every check passed: keep"
