"""Answers that do not arrive, and people who do the same at once. Fault rows E-01 to E-07, E-21."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.adapters.docker_host import DockerHost
from reconciler.domain.brakes import Pause
from reconciler.domain.observed import Instance, State
from reconciler.errors import EngineFailed, EngineUnreachable
from tests.bed.engine_proxy import EngineProxy
from tests.bed.tools import docker, wait_until
from tests.contract.bench import Spec
from tests.contract.conftest import IMAGES
from tests.contract.real_bench import RealBench
from tests.domain.values import environment as made_environment

HASH = "b" * 64

# All that a socket proxy in front of the engine has to allow; build, commit and the like are not in it.
ENDPOINTS = {
    "GET /version",
    "GET /info",
    "GET /containers/json",
    "GET /containers/{}/json",
    "GET /containers/{}/logs",
    "GET /containers/{}/stats",
    "POST /containers/create",
    "POST /containers/{}/start",
    "POST /containers/{}/unpause",
    "POST /containers/{}/stop",
    "POST /containers/{}/wait",
    "POST /containers/{}/rename",
    "POST /containers/{}/update",
    "DELETE /containers/{}",
    "POST /networks/{}/connect",
    "GET /images/json",
    "GET /images/{}/json",
    "POST /images/{}/tag",
    "POST /images/create",
    "DELETE /images/{}",
    "GET /volumes",
    "POST /volumes/create",
    "DELETE /volumes/{}",
}
# And these where a gate has checks of the kind `exec`.
ENDPOINTS_OF_COMMANDS = {
    "POST /containers/{}/exec",
    "POST /exec/{}/start",
    "GET /exec/{}/json",
}


@pytest.fixture
def proxy(engine_host: str, tmp_path: Path) -> Iterator[EngineProxy]:
    with EngineProxy(tmp_path / "engine.sock", Path(engine_host.removeprefix("unix://"))) as proxy:
        yield proxy


@pytest.fixture
def engine(proxy: EngineProxy) -> Iterator[DockerHost]:
    """The engine behind the proxy."""
    engine = DockerHost(proxy.host)
    yield engine
    engine.close()


def state(real: RealBench, container: str) -> State:
    vitals = real.engine.inspect(container)
    assert vitals is not None
    return vitals.state


def running(real: RealBench) -> Instance:
    real.define(Spec())
    instance = real.create()
    real.engine.start(instance.id)
    return instance


def test_a_lost_start_has_started(real: RealBench, proxy: EngineProxy, engine: DockerHost) -> None:
    real.define(Spec())
    instance = real.create()
    proxy.lose("POST", "/start")
    engine.start(instance.id)
    assert state(real, instance.id) is State.RUNNING


def test_a_lost_stop_has_stopped(real: RealBench, proxy: EngineProxy, engine: DockerHost) -> None:
    instance = running(real)
    proxy.lose("POST", "/stop")
    engine.stop(instance.id, 5.0)
    assert state(real, instance.id) is State.EXITED


def test_a_lost_rename_has_renamed(real: RealBench, proxy: EngineProxy, engine: DockerHost) -> None:
    instance = running(real)
    proxy.lose("POST", "/rename")
    engine.rename(instance.id, f"{instance.name}.predecessor")
    assert real.engine.observe(real.project).instances[0].serving_name == instance.name


def test_a_lost_removal_has_removed(real: RealBench, proxy: EngineProxy, engine: DockerHost) -> None:
    real.define(Spec())
    instance = real.create()
    proxy.lose("DELETE", instance.id)
    engine.remove(instance.id)
    assert real.engine.inspect(instance.id) is None


def test_a_lost_creation_is_found_by_its_name(
    real: RealBench, proxy: EngineProxy, engine: DockerHost
) -> None:
    instance = running(real)
    template = real.template()
    proxy.lose("POST", "/create")
    made = engine.succeed(template, instance, f"{instance.name}.successor", HASH, {})
    ids = {found.id for found in real.engine.observe(real.project).instances}
    assert ids == {instance.id, template.id, made}


def test_nothing_is_left_of_a_successor_whose_networks_are_not_certain(
    real: RealBench, proxy: EngineProxy, engine: DockerHost
) -> None:
    web = {"image": f"{IMAGES}/web:1", "networks": ["one", "two"]}
    real.define_raw({"web": web}, networks={"one": {}, "two": {}})
    instance = real.create()
    template = real.template()
    proxy.lose("POST", "/connect")
    with pytest.raises(EngineUnreachable):
        engine.succeed(template, instance, f"{instance.name}.successor", HASH, {})
    assert {found.id for found in real.engine.observe(real.project).instances} == {instance.id, template.id}


def test_eight_removals_at_once_are_one(real: RealBench) -> None:
    real.define(Spec())
    container = real.create().id
    together = threading.Barrier(8)

    def remove(_: int) -> None:
        together.wait(10)
        real.engine.remove(container)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(remove, range(8)))
    assert real.engine.inspect(container) is None


def test_one_engine_serves_many_threads_at_once(real: RealBench) -> None:
    instance = running(real)
    together = threading.Barrier(8)

    def look(_: int) -> State:
        together.wait(10)
        for _ in range(20):
            real.engine.observe(real.project)
            vitals = real.engine.inspect(instance.id)
        assert vitals is not None
        return vitals.state

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(look, range(8))) == {State.RUNNING}


def test_listing_never_fails_while_others_create_and_remove(real: RealBench) -> None:
    """Row E-09: the SDK's own list fails in a third of its calls here."""
    real.define(Spec())
    real.create()
    done = threading.Event()

    def churn() -> None:
        for _ in range(15):
            label = f"com.docker.compose.project={real.project}"
            docker("run", "--rm", "--label", label, f"{IMAGES}/web:1", "true", host=real.host)
        done.set()

    with ThreadPoolExecutor(1) as pool:
        churning = pool.submit(churn)
        while not done.is_set() and not churning.done():
            real.engine.observe(real.project)
        churning.result()


def test_an_engine_that_falls_silent_is_unreachable(
    real: RealBench, proxy: EngineProxy, tmp_path: Path
) -> None:
    instance = running(real)
    engine = DockerHost(proxy.host, timeout_seconds=0.8)
    engine.observe(real.project)
    environment = replace(made_environment(), project=real.project)
    proxy.fall_silent()
    calls = (
        lambda: engine.observe(real.project),
        lambda: engine.inspect(instance.id),
        lambda: engine.start(instance.id),
        lambda: engine.stop(instance.id, 0.0),
        lambda: engine.rename(instance.id, "other"),
        lambda: engine.remove(instance.id),
        lambda: engine.logs(instance.id, 5),
        lambda: engine.execute(instance.id, ["true"], 20.0),
        lambda: engine.usage(instance.id),
        lambda: engine.description(instance.id),
        lambda: engine.tags("web"),
        lambda: engine.untag("web", "rollback"),
        lambda: engine.leases.holder(environment),
        lambda: engine.leases.take(environment, "this host", 0.0).__enter__(),
        lambda: engine.pauses.pause(environment),
        lambda: engine.pauses.begin(environment, Pause("why", "ada", real.now())),
        lambda: engine.pauses.end(environment),
    )
    for call in calls:
        with pytest.raises(EngineUnreachable, match="in time"):
            call()
    engine.close()


def test_a_slow_stop_outlives_the_usual_time_out(real: RealBench, engine_host: str) -> None:
    """Row E-05: the grace is added to the time-out."""
    web = {"image": f"{IMAGES}/web:1", "environment": {"IGNORE_TERM": "1"}}
    real.define_raw({"web": web})
    instance = real.create()
    engine = DockerHost(engine_host, timeout_seconds=1.0)
    engine.start(instance.id)
    wait_until(lambda: "listens" in engine.logs(instance.id, 5), seconds=10, what="the trap is set")
    engine.stop(instance.id, 1.5)
    vitals = engine.inspect(instance.id)
    assert vitals is not None
    assert (vitals.state, vitals.exit_code) == (State.EXITED, 137)
    engine.close()


def test_only_the_documented_endpoints_are_used(
    real: RealBench, proxy: EngineProxy, engine: DockerHost
) -> None:
    """Row 9 of the security checklist: everything that the port offers, and what it asks the engine for."""
    two = {"image": f"{IMAGES}/web:1", "networks": ["one", "two"]}
    real.define_raw({"web": two}, networks={"one": {}, "two": {}})
    old = real.create()
    template = real.template()
    engine.observe(real.project)
    engine.inspect(old.id)
    new = engine.succeed(template, old, f"{old.name}.successor", HASH, {})
    engine.start(new)
    real.pause(new)
    engine.start(new)
    engine.usage(new)
    engine.stop(new, 1.0)
    engine.set_restart_policy(new, engine.restart_policy(old.id))
    engine.rename(new, f"{old.name}.other")
    engine.logs(new, 5)
    engine.description(old.id)
    engine.remove(template.id, fresh_volumes=True)
    engine.taken_ports()
    engine.free_bytes()
    engine.version()
    engine.tag(old.image_id, f"{real.project}/web", "rollback")
    assert engine.tags(f"{real.project}/web")
    engine.untag(f"{real.project}/web", "rollback")
    image = real.published()
    engine.missing([image])
    engine.pull(image)
    environment = replace(made_environment(), project=real.project)
    engine.pauses.begin(environment, Pause("why", "ada", real.now()))
    assert engine.pauses.end(environment)
    with engine.leases.take(environment, "this host", 0.0) as lease:
        lease.check()
        assert engine.leases.holder(environment)
    assert proxy.endpoints | {"POST /containers/{}/wait"} == ENDPOINTS
    engine.start(old.id)
    engine.execute(old.id, ["true"], 20.0)
    assert proxy.endpoints - ENDPOINTS == ENDPOINTS_OF_COMMANDS
    with pytest.raises(EngineFailed):
        engine.start("f" * 64)
