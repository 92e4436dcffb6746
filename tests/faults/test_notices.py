"""People are told though we are killed, and a channel that hangs holds up nothing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.adapters.host_state import Place, SqliteOutbox
from reconciler.domain.events import Delivery
from tests.bed.fake_clock import START
from tests.bed.git_world import GitWorld
from tests.bed.journal_values import ENV
from tests.bed.notice_values import event
from tests.interface.test_commands import COMPOSE, PINS, SETTINGS

ROOT = Path(__file__).parents[2]
EVENTS = 4
RECONCILE = Path(sys.executable).with_name("reconcile")


@pytest.mark.parametrize("moment", ["connect", "send", "sent", "recorded"])
def test_o_03_killed_again_and_again_nothing_is_lost_and_each_kill_repeats_one_at_most(
    tmp_path: Path, moment: str
) -> None:
    folder, file = tmp_path / "state", tmp_path / "told"
    outbox = SqliteOutbox(Place(folder, "unix:///engine.sock"))
    for number in range(EVENTS):
        outbox.put(ENV, event(str(number), at=START), ["hook"])
    outbox.close()
    deaths = 0
    for passed in range(3):
        deaths += died(folder, file, 40.0 * passed, moment)
    assert died(folder, file, 4000.0, "never") == 0
    told = [line.split() for line in file.read_text().splitlines()]
    keys = [key for key, _, _ in told]
    assert list(dict.fromkeys(keys)) == [f"production/{number}" for number in range(EVENTS)], "all, in order"
    assert deaths == 3
    if moment == "sent":
        assert len(keys) == EVENTS + deaths, "what was sent may have arrived: it is sent again"
        assert [how for key, _, how in told if key == "production/0"][1:] == ["again"] * 3
    else:
        assert len(keys) == EVENTS
    assert SqliteOutbox(Place(folder, "unix:///engine.sock")).waiting(ENV) == ()


def died(folder: Path, file: Path, passed: float, moment: str) -> int:
    """Deliver in a process that dies at a moment; returns whether it did."""
    command = [sys.executable, "-m", "tests.faults.killed_while_telling"]
    arguments = [str(folder), str(file), str(passed), moment]
    ended = subprocess.run([*command, *arguments], cwd=ROOT, timeout=60, check=False)
    assert ended.returncode in (0, -signal.SIGKILL)
    return int(ended.returncode != 0)


# --- a single run ----------------------------------------------------------------------------------------


class Run:
    """`reconcile --once` where the engine is away, and somebody is told so by a program."""

    def __init__(self, folder: Path) -> None:
        self.world = GitWorld.new(folder)
        self.repository = self.world.init("repository")
        self.told, self.folder = folder / "told", folder

    def channel(self, script: str) -> None:
        """What the channel does with a message."""
        program = self.folder / "tell"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        notify = json.dumps({"channels": {"script": {"command": {"run": [str(program)], "timeout": "10m"}}}})
        files = {
            "state/reconcile.yaml": f"{SETTINGS.rstrip()}\n    notify: {notify}\n",
            "state/production/compose.pins.yaml": PINS,
            "app/compose.yaml": COMPOSE,
        }
        self.world.commit(self.repository, files, "tell somebody")

    def once(self) -> subprocess.CompletedProcess[str]:
        environ = {**os.environ, **self.world.environ}
        environ |= {
            "DOCKER_HOST": "unix:///nowhere/docker.sock",
            "RECONCILE_ALLOW": "notify:host",
            "RECONCILE_STATE_DIR": str(self.folder / "s"),
        }
        environ = {k: v for k, v in environ.items() if not k.startswith("GITHUB_") and k != "DOCKER_CONTEXT"}
        return subprocess.run(
            [str(RECONCILE), "--once"],
            cwd=self.repository,
            env=environ,
            timeout=300,
            check=False,
            text=True,
            capture_output=True,
        )


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    yield Run(tmp_path)
    pid = tmp_path / "pid"
    if pid.exists():
        os.kill(int(pid.read_text()), signal.SIGKILL)


def test_o_01_a_single_run_tells_once_that_it_failed(run: Run) -> None:
    run.channel(f"cat >>{run.told}; echo >>{run.told}")
    assert [run.once().returncode for _ in range(2)] == [69, 69]
    (message,) = run.told.read_text().splitlines()
    assert '"failed"' in message


def test_o_01_a_channel_that_hangs_holds_up_no_single_run(run: Run) -> None:
    """It is cut off after the budget, which is far below its own limit, and was an attempt that failed."""
    pid = run.folder / "pid"
    run.channel(f"echo $$ >{pid}; echo tried >>{run.told}; exec sleep 600")
    first = run.once()
    assert (first.returncode, first.stderr) == (69, "")
    assert "production" in first.stdout
    outbox = SqliteOutbox(Place(run.folder / "s", "unix:///nowhere/docker.sock"))
    (message,) = outbox.waiting(replace(ENV, project="kompass-production"))
    assert (message.state, message.attempts) == (Delivery.SENDING, 1)
    assert message.again_at is not None, "the next run would hang as well"
