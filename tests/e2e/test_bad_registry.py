"""A registry that fails between engine and image: the documented code, and nothing that runs is touched."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bed.fault_proxy import FaultProxy
from tests.e2e.images import Images, forget
from tests.e2e.world import World, await_answer, published


@pytest.fixture
def proxy(images: Images) -> Iterator[FaultProxy]:
    """What the registry is reached through; its images go with it."""
    with FaultProxy(images.registry.address) as proxy:
        yield proxy
    forget(proxy.address)


@pytest.mark.parametrize(
    ("fault", "code", "words"),
    [
        ("429", 69, "limits our requests (429; try again in 7 s)"),
        ("401", 77, "refuses access to web (401)"),
        pytest.param("500", 69, "fails with 500", marks=pytest.mark.long),
        pytest.param("500blob", 1, "could not pull", marks=pytest.mark.long),
        ("reset", 1, "could not pull"),
        ("corrupt", 1, "verification failed"),
    ],
)
def test_a_registry_that_fails_ends_the_pass_before_anything_is_touched(
    untouched: World, proxy: FaultProxy, fault: str, code: int, words: str
) -> None:
    wanted = f"{proxy.address}/{untouched.images.elsewhere('web:2')}"
    untouched.release(web=wanted)
    proxy.fail(fault)
    result = untouched.once().expect(code)
    assert proxy.failed, "the fault was met"
    assert words in result.environment["error"]["problem"]
    assert wanted in result.environment["error"]["problem"]


def test_once_the_registry_is_well_again_the_same_pass_converges(
    images: Images, tmp_path: Path, proxy: FaultProxy
) -> None:
    with World(tmp_path, images) as world:
        world.stack("services: {web: {image: web}, worker: {image: web}}", web="web:1", worker="web:1")
        world.once().expect(0)
        before = world.marks()
        wanted = f"{proxy.address}/{world.images.elsewhere('web:2')}"
        world.release(web=wanted, worker="web:2")
        proxy.fail("corrupt")
        world.once().expect(1)
        assert world.marks() == before
        proxy.recover()
        world.once().expect(0)
        assert world.container("web").image == wanted
        assert world.images_of("worker") == ["2"]


def test_a_registry_that_is_down_ends_the_pass_before_anything_is_touched(
    untouched: World, proxy: FaultProxy
) -> None:
    untouched.release(web=f"{proxy.address}/{untouched.images.elsewhere('web:2')}")
    proxy.stop()
    result = untouched.once().expect(69)
    assert proxy.address in result.environment["error"]["problem"]


def test_a_digest_that_the_registry_does_not_have(untouched: World, proxy: FaultProxy) -> None:
    missing = "sha256:" + "0" * 64
    untouched.images.pinned("web:2")
    untouched.release(web=f"{proxy.address}/web:2@{missing}")
    result = untouched.once().expect(1)
    assert f"has no image web with {missing}" in result.environment["error"]["problem"]


def test_a_moved_tag_changes_nothing_and_a_pull_comes_before_everything_else(world: World) -> None:
    """The digest is the truth: what the tag says meanwhile is not even asked."""
    port, url = published()
    world.stack(f"services: {{web: {{image: web, ports: ['127.0.0.1:{port}:8080']}}}}", web="web:1")
    world.once().expect(0)
    wanted = f"{world.images.registry.address}/{world.images.elsewhere('web:2')}"
    world.docker("tag", world.images.pinned("web:3"), wanted.partition("@")[0])
    world.release(web=wanted)
    result = world.once().expect(0)
    verbs = [step["verb"] for step in result.environment["steps"]]
    assert verbs.index("pull") < verbs.index("create") < verbs.index("switch") < verbs.index("gate")
    await_answer(url, "version=2")
    assert world.container("web").image == wanted


@pytest.mark.parametrize(("fault", "code"), [("429", 69), ("401", 77), ("500", 69)])
def test_pin_commits_nothing_while_the_registry_fails(
    untouched: World, proxy: FaultProxy, fault: str, code: int
) -> None:
    world = untouched
    world.images.pinned("web:2")
    head = world.git("rev-parse", "HEAD")
    proxy.fail(fault)
    world.reconcile("pin", "production", f"web={proxy.address}/web:2").expect(code)
    assert world.git("rev-parse", "HEAD") == head
    proxy.recover()
    world.reconcile("pin", "production", f"web={proxy.address}/web:no-such-tag").expect(64)
    assert world.git("status", "--porcelain") == ""
