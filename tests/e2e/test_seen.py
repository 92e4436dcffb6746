"""What people see of a rejected release: in a workflow of GitHub, on a terminal, and afterwards."""

from __future__ import annotations

import os
import re
import subprocess
import threading

from tests.bed.screen import Screen
from tests.e2e.runs import program
from tests.e2e.world import World, published

STACK = """
    services:
      web:
        image: web
        ports: ["127.0.0.1:{port}:8080"]
    """


def deployed(world: World) -> None:
    port, url = published()
    world.check("web", f"{url}/health?key=${{CANARY_TOKEN}}")
    world.settings["gate"]["timeout"] = "5s"
    world.stack(STACK.format(port=port), web="web:1")
    world.once().expect(0)


def test_a_rejected_release_in_a_workflow(world: World) -> None:
    deployed(world)
    output, summary = world.root / "output", world.root / "summary"
    workflow = {
        "GITHUB_ACTIONS": "true",
        "GITHUB_OUTPUT": str(output),
        "GITHUB_STEP_SUMMARY": str(summary),
        "GITHUB_WORKSPACE": str(world.repository),
    }
    world.release(web="web:broken")
    said = world.reconcile("--once", environ=workflow).expect(10).stdout
    assert said.startswith("::group::production\n::stop-commands::")
    [error] = [line for line in said.split("\n") if line.startswith("::error ")]
    place = "file=state/production/compose.pins.yaml,line=3,col=12"
    assert error.startswith(f"::error {place},title=production%3A web rolled-back::web broken was not kept")
    told = dict(re.findall(r"^([a-z-]+)<<\S+\n(.*)\n", output.read_text(), re.MULTILINE))
    run = told.pop("run-id")
    assert told == {"changed": "true", "result": "rolled-back", "exit-code": "10"}
    written = summary.read_text()
    assert "| web | 1 → broken | rolled back |" in written
    assert f"<details><summary>Last lines of {world.project}-web-1</summary>" in written

    shown = world.reconcile("history", "show", run).expect(0).stdout
    assert f"production  run {run}  rolled-back" in shown
    assert "check web" in world.reconcile("explain", "production").expect(0).stdout
    assert "web is blocked" in world.reconcile("status").expect(0).stdout
    assert f"rejected in run {run}" in world.reconcile("unblock", "production", "web").expect(0).stdout
    world.reconcile("unblock", "production").expect(1)
    for text in (said, written, output.read_text(), shown):
        assert world.canaries["CANARY_TOKEN"] not in text


def test_progress_on_a_terminal_leaves_finished_steps_alone(world: World) -> None:
    deployed(world)
    world.release(web="web:broken")
    master, slave = os.openpty()
    written = bytearray()

    def read() -> None:
        try:
            while part := os.read(master, 65536):
                written.extend(part)
        except OSError:
            pass  # the other end was closed

    reader = threading.Thread(target=read)
    reader.start()
    process = subprocess.run(
        [program(), "--once"],
        cwd=world.repository,
        env={**world.environ, "TERM": "xterm"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=slave,
        check=False,
        timeout=120,
    )
    os.close(slave)
    reader.join()
    os.close(master)
    text = written.decode()
    assert process.returncode == 10, text
    assert re.search(r"production  gate     \ds of 5s: \d of 2 good, check web: ", text)
    screen = Screen()
    screen.feed(text)
    steps = [line.split()[1] for line in screen.text.split("\n")]
    assert steps == ["create", "switch", "gate", "restore", "remove", "verify"], screen.text
    assert " of 5s" not in screen.text
