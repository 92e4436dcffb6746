"""People are told what really happened, while one of their channels hangs."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

from tests.bed.tools import wait_until
from tests.e2e.daemon import watching
from tests.e2e.test_rejection import deployed
from tests.e2e.world import World, await_answer


def program(world: World, name: str, script: str) -> dict[str, Any]:
    file = world.root / name
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)
    return {"command": {"run": [str(file)], "timeout": "10m"}}


def told(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines() if line] if file.exists() else []


def test_the_daemon_tells_of_a_release_and_of_its_rollback_while_another_channel_hangs(world: World) -> None:
    file, pid = world.root / "told", world.root / "pid"
    world.variables["RECONCILE_ALLOW"] = "notify:host"
    url = deployed(world, checked=True)
    world.settings["notify"] = {
        "contacts": [{"name": "Ada", "reach": "+49 1"}],
        "channels": {
            "script": program(world, "tell", f"cat >>{file}; echo >>{file}"),
            "hangs": {**program(world, "hang", f"echo $$ >{pid}; exec sleep 600"), "events": ["rolled-back"]},
        },
    }
    world.commit("Tell somebody")
    with watching(world) as daemon:
        world.release(web="web:2")
        await_answer(url, "version=2")
        wait_until(lambda: len(told(file)) >= 2, seconds=60, what="the release is told")
        world.release(web="web:broken")
        wait_until(lambda: len(told(file)) >= 5, seconds=60, what="its rollback is told")
        wait_until(pid.exists, seconds=30, what="the other channel hangs")
        world.release(web="web:3")
        await_answer(url, "version=3")
        daemon.end().expect(143)
    os.kill(int(pid.read_text()), signal.SIGKILL)
    messages = told(file)
    assert [message["kind"] for message in messages] == [
        "release-started",
        "converged",
        "release-started",
        "rejected",
        "rolled-back",
    ]
    begun, _, again, rejected, back = messages
    assert len({message["incident"] for message in (again, rejected, back)}) == 1
    assert begun["incident"] != back["incident"]
    assert back["reason"].startswith("check web: 500")
    assert "# Incident: production" in back["details"]
    assert "Ada" in back["details"]
    left = world.reconcile("notify").expect(0).stdout
    assert "hangs" in left
