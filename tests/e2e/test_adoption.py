"""Adopting a stack that runs already, and looking at one: init, verify, status, doctor."""

from __future__ import annotations

import shutil

import pytest
import yaml

from tests.e2e.world import World, await_answer, published


@pytest.fixture
def url(world: World) -> str:
    """Where a stack answers that plain Compose started from tags; there is no state folder yet."""
    port, url = published()
    for name in ("web:1", "volume:1"):
        world.images.pinned(name)
    compose = f"""
    services:
      web:
        image: {world.images.tag("web:1")}
        ports: ["127.0.0.1:{port}:8080"]
        env_file: web.env
        depends_on: [store]
      store:
        image: {world.images.tag("volume:1")}
        container_name: {world.project}-store
      side:
        image: {world.images.tag("web:1")}
        network_mode: service:web
        environment: {{PORT: 8081}}
    """
    world.write("docker-compose.yml", compose)
    world.write("web.env", "COLOUR=blue\n")
    shutil.rmtree(world.state)
    world.by_hand("up", "--detach", files=[str(world.app / "docker-compose.yml")])
    await_answer(url, "version=1")
    return url


def adopt(world: World) -> str:
    arguments = ("-f", "docker-compose.yml", "--directory", "app", "--project", world.project)
    result = world.reconcile("init", "production", *arguments).expect(0)
    assert "wrote state/reconcile.yaml and state/production/compose.pins.yaml" in result.stdout
    world.git("add", "--all")
    world.git("commit", "--quiet", "-m", "Adopt what runs")
    return result.stdout


def test_the_first_plan_of_an_adopted_stack_says_no_changes(world: World, url: str) -> None:
    before = world.marks()
    adopt(world)
    pins = yaml.safe_load(world.pins_file.read_text())["services"]
    assert {name: pin["image"] for name, pin in pins.items()} == {
        "side": world.images.pinned("web:1"),
        "store": world.images.pinned("volume:1"),
        "web": world.images.pinned("web:1"),
    }
    assert world.reconcile("plan", "--detailed-exitcode").expect(0).stdout.startswith("No changes.")
    assert world.once().expect(0).environment["result"] == "no-op"
    assert world.marks() == before


def test_an_adopted_stack_can_be_released_and_rolled_back(world: World, url: str) -> None:
    adopt(world)
    store = world.container("store").mark
    world.images.pinned("web:2")
    settings = world.state / "reconcile.yaml"
    settings.write_text(settings.read_text().replace("soak: 10s ", "soak: 0s "))
    world.git("commit", "--all", "--quiet", "-m", "No soak")
    world.reconcile("pin", "production", "web=:2").expect(0)
    world.once().expect(0)
    await_answer(url, "version=2")
    world.reconcile("rollback", "production").expect(0)
    await_answer(url, "version=1")
    assert world.container("store").mark == store
    world.settle()


def test_what_cannot_be_pinned_is_named(world: World) -> None:
    """An image that was built here and never pushed has no digest."""
    local = f"{world.project}/local:1"
    world.docker("tag", world.images.pinned("web:1"), local)
    try:
        world.write("docker-compose.yml", f"services: {{web: {{image: {local!r}}}}}")
        shutil.rmtree(world.state)
        world.by_hand("up", "--detach", files=[str(world.app / "docker-compose.yml")])
        assert f"unpinned: web: {local} did not come from a registry" in adopt(world)
        assert world.reconcile("plan").expect(0).stdout.startswith("No changes.")
    finally:
        world.remove_everything()
        world.docker("rmi", local)


def test_init_never_overwrites(world: World, url: str) -> None:
    adopt(world)
    arguments = ("-f", "docker-compose.yml", "--directory", "app", "--project", world.project)
    assert "exists already" in world.reconcile("init", "production", *arguments).expect(64).stderr
    assert world.git("status", "--porcelain") == ""


# -- looking --------------------------------------------------------------------------------------


@pytest.fixture
def running(world: World) -> str:
    """Where version 1 answers, deployed by us."""
    port, url = published()
    world.check("web", f"{url}/health")
    compose = f"services: {{web: {{image: web, ports: ['127.0.0.1:{port}:8080']}}, worker: {{image: web}}}}"
    world.stack(compose, web="web:1", worker="web:1")
    world.once().expect(0)
    return url


def test_verify_runs_the_checks_and_deploys_nothing(world: World, running: str) -> None:
    before = world.marks()
    assert "1 check good" in world.reconcile("verify").expect(0).stdout
    world.release(web="web:2")
    world.reconcile("verify").expect(0)
    assert world.marks() == before
    world.docker("stop", "--time", "1", world.container("web").name)
    result = world.reconcile("verify", "--timeout", "1").expect(1)
    assert "web" in result.stdout
    world.docker("rm", world.container("web").name)
    assert "it is not there" in world.reconcile("verify", "--timeout", "1").expect(1).stdout


def test_status_tells_sync_and_health_apart(world: World, running: str) -> None:
    assert _axes(world) == ("synced", "healthy")
    world.release(web="web:2")
    assert _axes(world) == ("out-of-sync", "healthy")
    world.revert()
    world.docker("stop", "--time", "1", world.container("worker").name)
    assert _axes(world) == ("out-of-sync", "degraded")
    world.docker("rm", world.container("worker").name)
    assert _axes(world) == ("out-of-sync", "missing")


def _axes(world: World) -> tuple[str, str]:
    result = world.reconcile("status", "-o", "json").expect(0)
    assert result.json["kind"] == "status"
    assert [service["name"] for service in result.environment["services"]] == ["web", "worker"]
    return result.environment["sync"], result.environment["health"]


def test_status_wait_ends_when_another_pass_has_converged(world: World, running: str) -> None:
    world.release(web="web:2")
    world.reconcile("status", "--wait", "--timeout", "0").expect(1)
    waiting = world.start("status", "--wait", "--timeout", "60")
    world.once().expect(0)
    assert "synced" in waiting.result().expect(0).stdout


def test_doctor_looks_at_everything(world: World, running: str) -> None:
    said = world.reconcile("doctor").expect(0).stdout
    registry = world.images.registry.address
    for subject in ("engine", "disk", "state", "containers", "lock", f"registry {registry}"):
        assert f"ok   {subject}" in said
    world.images.registry.stop()
    try:
        result = world.reconcile("doctor").expect(69)
    finally:
        world.images.registry.start()
    assert f"FAIL registry {registry}" in result.stdout
    assert "ok   engine" in result.stdout


def test_every_document_keeps_to_the_contract(world: World, running: str) -> None:
    """Product.md section 4: names of keys, words, order; `Result.json` checks the schema as well."""
    world.release(web="web:2", worker="web:2")
    documents = {
        "plan": world.reconcile("plan", "-o", "json").expect(0),
        "status": world.reconcile("status", "-o", "json").expect(0),
        "report": world.once().expect(0),
        "history": world.reconcile("history", "-o", "json").expect(0),
    }
    for kind, result in documents.items():
        assert (result.json["kind"], result.json["version"]) == (kind, 1)
        environment = result.environment
        assert {"name", "revision", "result", "sync", "health", "exit_code", "services"} <= environment.keys()
        assert (environment["name"], environment["exit_code"]) == ("production", 0)
        names = [service["name"] for service in environment["services"]]
        assert names == sorted(names)
    for kind in ("plan", "report"):
        service = documents[kind].service("web")
        assert service["change"] == "change"
        assert service["pinned"] is True
        repository = world.images.tag("web:1").rpartition(":")[0]
        assert (service["from"]["image"], service["from"]["tag"]) == (repository, "1")
        digest = world.images.pinned("web:2").partition("@")[2]
        assert service["to"] == {"image": repository, "tag": "2", "digest": digest}
    assert documents["report"].environment["started_at"].endswith("Z")


def test_check_needs_neither_engine_nor_registry(world: World, running: str) -> None:
    nothing = {"DOCKER_HOST": f"unix://{world.root}/nobody-listens.sock"}
    assert "2 services, 2 pinned" in world.reconcile("check", environ=nothing).expect(0).stdout
    world.release(wbe="web:2")
    assert "wbe" in world.reconcile("check", environ=nothing).expect(65).stderr
