"""Faults of registries and images: rows R-07, R-09, R-10, R-12, R-15, and X-01."""

from __future__ import annotations

import hashlib
import http.client
import json
from collections.abc import Callable
from typing import Any

from reconciler.app.host import Host
from reconciler.app.prepare import bring_images
from reconciler.domain.desired import Pin, Service
from reconciler.domain.image import ImageRef
from reconciler.domain.report import Result, Step
from reconciler.errors import PullFailed
from tests.bed.fake_engine import FakeWorld
from tests.bed.fault_proxy import FaultProxy
from tests.bed.registry import Registry
from tests.e2e.world import World
from tests.faults.inside import forget, inside

TWO = "services: {web: {image: web}, worker: {image: web}}"
LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def ask(registry: Registry, method: str, path: str, body: bytes = b"", kind: str = MANIFEST) -> bytes:
    """One request to a registry that has to succeed."""
    connection = http.client.HTTPConnection(registry.address, timeout=10)
    connection.request(method, path, body=body or None, headers={"Content-Type": kind, "Accept": kind})
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    assert answer.status in (200, 201), content
    return content


def index(world: World, reference: str, *platforms: str) -> str:
    """Put a manifest list of a pushed image under the tag `multi`; returns it pinned."""
    registry = world.images.registry
    repository, _, rest = reference.partition(":")
    manifest = ask(registry, "GET", f"/v2/{repository}/manifests/{rest.partition('@')[2]}")
    digest = f"sha256:{hashlib.sha256(manifest).hexdigest()}"
    entries: list[dict[str, Any]] = [
        {
            "mediaType": MANIFEST,
            "size": len(manifest),
            "digest": digest,
            "platform": {"architecture": platform, "os": "linux"},
        }
        for platform in platforms
    ]
    body = json.dumps({"schemaVersion": 2, "mediaType": LIST, "manifests": entries}).encode()
    tag = f"multi-{'-'.join(platforms)}"
    ask(registry, "PUT", f"/v2/{repository}/manifests/{tag}", body, LIST)
    return f"{registry.address}/{repository}:{tag}@sha256:{hashlib.sha256(body).hexdigest()}"


def here(world: World) -> str:
    """The engine's architecture, as images call it."""
    machine = world.docker("info", "--format", "{{.Architecture}}").strip()
    return ARCHITECTURES.get(machine, machine)


def test_r_07_a_stalled_pull_ends_and_the_others_arrive(world: World) -> None:
    """What runs is not touched; the other image is there for the next pass."""
    world.stack(TWO, web="web:1", worker="web:1")
    world.once().expect(0)
    before = world.marks()
    stalled, other = (world.images.elsewhere("web:1") for _ in range(2))
    with FaultProxy(world.images.registry.address) as proxy:
        pins = {"web": f"{proxy.address}/{stalled}", "worker": f"{world.images.registry.address}/{other}"}
        world.release(**pins)
        proxy.fail("stall")
        with inside(world, progress_seconds=1.5) as reconciler:
            report = reconciler.run_once()
            missing = reconciler.host.engine.missing([ImageRef.parse(image) for image in pins.values()])
        assert isinstance(report.error, PullFailed)
        assert "no progress for 1.5 s" in str(report.error)
        assert world.marks() == before
        assert missing == (ImageRef.parse(pins["web"]),)
        proxy.recover()
        with inside(world) as reconciler:
            assert reconciler.run_once().result is Result.CONVERGED
        world.remove_everything()
        forget(proxy.address)


def test_r_09_the_digest_of_an_index_is_the_image_that_was_made_from_it(world: World) -> None:
    """No endless redeploys, also when the same image becomes known under its platform's digest as well."""
    plain = world.images.elsewhere("web:1")
    pinned = index(world, plain, here(world), "riscv64")
    world.stack("services: {web: {image: web}}", web=pinned)
    world.once().expect(0)
    assert world.container("web").image == pinned
    world.settle()
    world.docker("pull", "--quiet", f"{world.images.registry.address}/{plain}")
    world.settle()


def test_r_10_no_image_for_this_platform(world: World) -> None:
    world.stack("services: {web: {image: web}}", web="web:1")
    world.once().expect(0)
    before = world.marks()
    world.release(web=index(world, world.images.elsewhere("web:1"), "riscv64"))
    result = world.once().expect(1)
    assert "no matching manifest" in result.said
    assert world.marks() == before


def test_r_12_an_image_that_is_pruned_between_pull_and_create(world: World) -> None:
    """The pass ends with nothing changed; the next one pulls again."""
    world.stack("services: {web: {image: web}}", web="web:1")
    world.once().expect(0)
    before = world.marks()
    new = f"{world.images.registry.address}/{world.images.elsewhere('web:1')}"
    world.release(web=new)

    def prune(step: Step) -> None:
        if step.verb == "pull":
            world.docker("rmi", new)

    with inside(world, progress=prune) as reconciler:
        report = reconciler.run_once()
    assert report.result is Result.FAILED, report
    assert world.marks() == before
    world.expect_no_leftovers()
    world.once().expect(0)
    assert world.container("web").image == new
    world.settle()


def test_r_13_undoing_a_release_needs_no_registry(world: World) -> None:
    world.stack("services: {web: {image: web}}", web="web:1")
    world.once().expect(0)
    serving = world.container("web").id
    world.release(web="web:crash")
    world.images.registry.stop()
    try:
        world.once().expect(10)
    finally:
        world.images.registry.start()
    assert world.container("web").id == serving
    assert world.runs("web", "1")


def test_r_15_two_services_that_share_an_image_pull_it_once(world: World) -> None:
    with FaultProxy(world.images.registry.address) as proxy:
        image = f"{proxy.address}/{world.images.elsewhere('web:1')}"
        world.stack(TWO, web=image, worker=image)
        pulls: list[Step] = []

        def note(step: Step) -> None:
            if step.verb == "pull":
                pulls.append(step)

        with inside(world, progress=note) as reconciler:
            assert reconciler.run_once().result is Result.CONVERGED
        assert len(pulls) == 1
        assert len({container.image_id for container in world.containers()}) == 1
        world.remove_everything()
        forget(proxy.address)


def test_x_01_below_the_reserve_no_pull_begins() -> None:
    """The figure is named, nothing is pulled, nothing that runs is touched."""
    image = ImageRef("r.test/web", "2", f"sha256:{'2' * 64}")
    service = Service("web", str(image), "hash", pin=Pin("web", image, 1, 1))
    world = FakeWorld([service])
    world.free = 100 * 2**20
    complaint = refusal(lambda: bring_images(_host(world), [service], 256 * 2**20))
    assert complaint.startswith(
        "100 MiB are free where the engine keeps its images, and 256 MiB are the reserve"
    )
    assert world.calls == []
    world.free = 300 * 2**20
    bring_images(_host(world), [service], 256 * 2**20)
    assert world.missing([image]) == ()


def refusal(action: Callable[[], None]) -> str:
    try:
        action()
    except PullFailed as error:
        return str(error)
    raise AssertionError("it was not refused")


def _host(world: FakeWorld) -> Host:
    from reconciler.adapters.clock import SystemClock
    from reconciler.adapters.probe import OutsideProbe
    from reconciler.adapters.registry import HttpRegistry

    return Host(world, world, HttpRegistry(lambda _host: None), OutsideProbe({}), SystemClock())
