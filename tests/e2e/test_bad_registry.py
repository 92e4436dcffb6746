"""A registry that fails between engine and image: the documented code, and nothing that runs is touched."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.bed.fault_proxy import FaultProxy
from tests.e2e.images import forget
from tests.e2e.world import World, await_answer, published


@pytest.fixture
def url(world: World) -> str:
    """Where version 1 answers."""
    port, url = published()
    compose = f"""
    services:
      web: {{image: web, ports: ["127.0.0.1:{port}:8080"]}}
      worker: {{image: web}}
    """
    world.stack(compose, web="web:1", worker="web:1")
    world.once().expect(0)
    await_answer(url, "version=1")
    return url


@pytest.fixture
def proxy(world: World) -> Iterator[FaultProxy]:
    with FaultProxy(world.images.registry.address) as proxy:
        yield proxy
    world.remove_everything()
    forget(proxy.address)


@pytest.mark.parametrize(
    ("fault", "code", "words"),
    [
        ("429", 69, "limits our requests (429; try again in 7 s)"),
        ("401", 77, "refuses access to web (401)"),
        ("500", 69, "fails with 500"),
        ("500blob", 1, "could not pull"),
        ("reset", 1, "could not pull"),
        ("corrupt", 1, "verification failed"),
    ],
)
def test_a_registry_that_fails_ends_the_pass_before_anything_is_touched(
    world: World, url: str, proxy: FaultProxy, fault: str, code: int, words: str
) -> None:
    """Once the registry is well again, the same pass converges."""
    before = world.marks()
    wanted = f"{proxy.address}/{world.images.elsewhere('web:2')}"
    world.release(web=wanted, worker="web:2")
    proxy.fail(fault)
    result = world.once().expect(code)
    assert proxy.failed, "the fault was met"
    assert words in result.environment["error"]["problem"]
    assert wanted in result.environment["error"]["problem"]
    assert world.marks() == before
    world.expect_no_leftovers()
    proxy.recover()
    world.once().expect(0)
    assert world.container("web").image == wanted
    await_answer(url, "version=2")


def test_a_registry_that_is_down_ends_the_pass_before_anything_is_touched(
    world: World, url: str, proxy: FaultProxy
) -> None:
    before = world.marks()
    world.release(web=f"{proxy.address}/{world.images.elsewhere('web:2')}")
    proxy.stop()
    result = world.once().expect(69)
    assert proxy.address in result.environment["error"]["problem"]
    assert world.marks() == before
    await_answer(url, "version=1")


def test_a_digest_that_the_registry_does_not_have(world: World, url: str, proxy: FaultProxy) -> None:
    before = world.marks()
    missing = "sha256:" + "0" * 64
    world.images.pinned("web:2")
    world.release(web=f"{proxy.address}/web:2@{missing}")
    result = world.once().expect(1)
    assert re.search(f"has no image web with {missing}", result.environment["error"]["problem"])
    assert world.marks() == before


def test_a_moved_tag_changes_nothing(world: World, url: str, proxy: FaultProxy) -> None:
    """The digest is the truth: what the tag says meanwhile is not even asked."""
    first = f"{proxy.address}/{world.images.elsewhere('web:2')}"
    tag = first.partition("@")[0]
    world.docker("tag", world.images.pinned("web:3"), tag)
    world.release(web=first)
    world.once().expect(0)
    await_answer(url, "version=2")
    assert world.container("web").image == first


def test_a_pull_of_what_an_engine_lacks_is_a_step_of_its_own(world: World, url: str) -> None:
    wanted = f"{world.images.registry.address}/{world.images.elsewhere('web:2')}"
    world.release(web=wanted)
    result = world.once().expect(0)
    verbs = [step["verb"] for step in result.environment["steps"]]
    assert verbs.index("pull") < verbs.index("create") < verbs.index("switch") < verbs.index("gate")
    await_answer(url, "version=2")


@pytest.mark.parametrize(("fault", "code"), [("429", 69), ("401", 77), ("500", 69)])
def test_pin_commits_nothing_while_the_registry_fails(
    world: World, url: str, proxy: FaultProxy, fault: str, code: int
) -> None:
    world.images.pinned("web:2")
    head = world.git("rev-parse", "HEAD")
    proxy.fail(fault)
    world.reconcile("pin", "production", f"web={proxy.address}/web:2").expect(code)
    assert world.git("rev-parse", "HEAD") == head
    proxy.recover()
    world.reconcile("pin", "production", f"web={proxy.address}/web:no-such-tag").expect(64)
    assert world.git("status", "--porcelain") == ""
