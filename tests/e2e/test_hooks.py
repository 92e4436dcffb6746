"""Hooks and the data contract on a real engine."""

from __future__ import annotations

import signal
from pathlib import Path

from tests.bed.engine_proxy import EngineProxy
from tests.bed.tools import docker, wait_until
from tests.e2e.world import World, await_answer, published
from tests.faults.test_security import documented, endpoint

STACK = """
    services:
      web:
        image: web
        ports: ["127.0.0.1:{port}:8080"]
        environment: {{SECRET: "${{SECRET}}"}}
        volumes: ["data:/data"]
        restart: unless-stopped
    volumes:
      data:
    """


def deployed(world: World) -> str:
    port, url = published()
    world.write(".env", "SECRET=correct-horse-battery\n")
    world.settings["gate"]["timeout"] = "4s"
    world.stack(STACK.format(port=port), web="web:1")
    world.once().expect(0)
    await_answer(url, "version=1")
    return url


def one_offs(world: World) -> list[str]:
    mine = f"label=com.docker.compose.project={world.project}"
    return docker("ps", "--all", "--quiet", "--filter", "label=reconcile.hook", "--filter", mine).split()


def test_a_release_is_told_to_commands_in_containers_of_its_image_and_on_the_host(world: World) -> None:
    url = deployed(world)
    told = 'env | sed -n "s/^\\(RECONCILE_[A-Z]*\\)=.*/\\1/p"'
    code = f'{told}; echo "$RECONCILE_MOMENT $VERSION" >> /data/log; echo $SECRET'
    world.settings["hooks"] = {
        "before-release": [
            {"run": ["/bin/sh", "-c", code], "service": "web"},
            {"run": ["/bin/sh", "-c", "echo on $RECONCILE_ENVIRONMENT; pwd"]},
        ],
        "after-release": [{"run": ["/bin/sh", "-c", code], "service": "web"}],
    }
    world.release(web="web:2")
    world.once().expect(77)
    world.variables["RECONCILE_ALLOW"] = "production/hooks:host"
    environment = world.once().expect(0).environment
    await_answer(url, "version=2")
    steps = {step["subject"]: step["detail"] for step in environment["steps"] if step["verb"] == "hook"}
    assert steps["before-release 2"] == f"on the host: /bin/sh\non production\n{world.app.resolve()}"
    said = steps["before-release 1"].split("\n")
    assert said[0] == "web: /bin/sh"
    assert {"RECONCILE_RUN", "RECONCILE_REVISION", "RECONCILE_SERVICES"} <= set(said)
    assert said[-1] == "${SECRET}"
    assert "correct-horse" not in world.reconcile("history", "show", environment["run"]).expect(0).said
    name = world.container("web").name
    log = docker("exec", name, "cat", "/data/log").split("\n")
    assert [line.split()[:2] for line in log if line] == [["before-release", "2"], ["after-release", "2"]]
    assert one_offs(world) == []
    world.settle()


def test_a_hook_that_hangs_is_ended_and_its_container_goes_also_when_we_are_killed(
    world: World, tmp_path: Path
) -> None:
    """Through a proxy that tells what is asked of the engine for all that."""
    with EngineProxy(tmp_path / "engine.sock", Path(world.host.removeprefix("unix://"))) as proxy:
        world.settings |= {"engine": {"host": proxy.host}}
        hangs(world)
        asked = {endpoint(request) for request in proxy.requests}
    lists = ("Asked by reconcile", "Asked by Docker Compose", "Asked for hooks in containers")
    assert asked <= set().union(*map(documented, lists))
    assert documented("Asked for hooks in containers") <= asked


def hangs(world: World) -> None:
    url = deployed(world)
    hook = {"run": ["/bin/sleep", "600"], "service": "web", "timeout": "500s"}
    world.settings["hooks"] = {"before-release": [hook]}
    world.release(web="web:2")
    run = world.start("-o", "json", "--once")
    wait_until(lambda: bool(one_offs(world)), seconds=60, what="the hook runs")
    run.process.send_signal(signal.SIGKILL)
    run.process.wait()
    hook["timeout"] = "2s"
    world.commit("Less patience")
    said = world.reconcile("--once").expect(1).said
    assert "hook before-release: /bin/sleep in a container of web did not end within 2 s" in said
    assert one_offs(world) == []
    await_answer(url, "version=1")
    del world.settings["hooks"]
    world.commit("No hook")
    world.once().expect(0)
    world.settle()


def test_an_image_that_says_irreversible_stays_although_it_is_rejected(world: World) -> None:
    url = deployed(world)
    world.check("web", f"{url}/health")
    labelled = world.images.elsewhere("web:broken", "LABEL reconcile.data=irreversible\n")
    world.release(web=f"{world.images.registry.address}/{labelled}")
    result = world.once().expect(11)
    assert "because the release is irreversible" in " ".join(result.environment["notes"])
    kept = world.container("web").id
    status = world.reconcile("-o", "json", "status").expect(0).environment
    assert status["services"][0]["change"] == "blocked"
    docker("stop", kept)
    world.once()
    assert world.container("web").id == kept
    world.release(web="web:3")
    world.once().expect(0)
    await_answer(url, "version=3")
    world.settle()
