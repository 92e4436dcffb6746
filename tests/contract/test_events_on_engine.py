"""Events of a real engine that is killed and started again."""

from __future__ import annotations

import random
from contextlib import closing

from reconciler.adapters.clock import SystemClock
from reconciler.adapters.docker_host import DockerHost
from reconciler.app.engine_trigger import EngineTrigger
from reconciler.domain.triggers import Cause, Wake
from tests.bed.ears import listening
from tests.bed.private_engine import PrivateEngine
from tests.bed.tools import docker
from tests.contract.conftest import IMAGES, build_on

PROJECT = "events"


def create(engine: PrivateEngine, name: str) -> None:
    label = f"com.docker.compose.project={PROJECT}"
    docker("create", "--name", name, "--label", label, f"{IMAGES}/web:1", host=engine.host)


def details(heard: list[Wake], cause: Cause) -> list[str]:
    return [wake.detail for wake in heard if wake.cause is cause]


def test_an_engine_that_is_killed_and_started_again_is_heard_again() -> None:
    with PrivateEngine() as engine, closing(DockerHost(engine.host)) as host:
        build_on(engine)
        trigger = EngineTrigger(host.events, lambda: frozenset({PROJECT}), SystemClock(), random.random)
        with listening(trigger) as ears:
            create(engine, "before")
            ears.wait_for(lambda heard: details(heard, Cause.ENGINE) == ["create before"], "an event")
            engine.kill()
            engine.start()
            ears.wait_for(lambda heard: details(heard, Cause.ENGINE_BACK), "the engine is back")
            create(engine, "after")
            ears.wait_for(lambda heard: "create after" in details(heard, Cause.ENGINE), "an event again")
    assert {wake.projects for wake in ears.heard} == {frozenset({PROJECT})}
    assert len(details(ears.heard, Cause.ENGINE_BACK)) == 1
