"""A command on this host."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from reconciler.adapters.notify import make
from reconciler.domain.channels import Command
from reconciler.domain.events import Kind
from reconciler.errors import NoticeRefused, NoticeUnreachable
from tests.adapters.notify.events import Conversation, event
from tests.bed.tools import wait_until


def channel(*command: str, seconds: float = 20.0) -> Conversation:
    return Conversation(make(Command(command, seconds), {"TOKEN": "a secret token"}))


def python(code: str, *arguments: str, seconds: float = 20.0) -> Conversation:
    return channel(sys.executable, "-c", code, *arguments, seconds=seconds)


def test_the_event_is_on_its_standard_input_and_nowhere_else(tmp_path: Path) -> None:
    code = "import json, sys; json.dump([json.load(sys.stdin), sys.argv[1:]], open(sys.argv[1], 'w'))"
    python(code, str(tmp_path / "out"), "$(touch x); `y`").tell(event(Kind.REJECTED))
    told, arguments = json.loads((tmp_path / "out").read_text())
    assert (told["kind"], told["environment"], told["severity"]) == ("rejected", "production", "critical")
    assert arguments[1] == "$(touch x); `y`"


def test_a_command_that_does_not_read_has_taken_it() -> None:
    channel("true").tell(event(Kind.REJECTED, details="x" * 60_000))


def test_a_command_that_fails_is_tried_again_and_says_why() -> None:
    with pytest.raises(NoticeUnreachable, match=r"ended with 3: no route to pager$"):
        python("print('trying'); print('no route to pager'); raise SystemExit(3)").tell(event(Kind.REJECTED))


@pytest.mark.parametrize("command", [("/nowhere/at/all",), ("sh", "-c", "exit 127"), ("/etc/passwd",), ()])
def test_what_cannot_be_run_is_refused(command: tuple[str, ...]) -> None:
    with pytest.raises(NoticeRefused):
        channel(*command).tell(event(Kind.REJECTED))


def test_at_the_limit_it_is_killed_with_everything_that_it_started(tmp_path: Path) -> None:
    script = f"sleep 1000 & echo $! > {tmp_path}/child; sleep 1000"
    with pytest.raises(NoticeUnreachable, match="was killed: it did not end within 1 s"):
        channel("sh", "-c", script, seconds=1.0).tell(event(Kind.REJECTED))
    child = int((tmp_path / "child").read_text())
    wait_until(lambda: gone(child), seconds=10, what="the child of the command ended")


def test_a_child_that_is_left_behind_does_not_keep_us(tmp_path: Path) -> None:
    channel("sh", "-c", f"sleep 1000 & echo $! > {tmp_path}/child").tell(event(Kind.REJECTED))
    child = int((tmp_path / "child").read_text())
    wait_until(lambda: gone(child), seconds=10, what="the child of the command ended")


def test_what_it_says_is_bounded_harmless_and_without_secrets() -> None:
    code = "print('x' * 30_000_000); print('\\x1b[2J::error::a secret token\\u202e ' + 'y' * 5000); exit(1)"
    with pytest.raises(NoticeUnreachable) as error:
        python(code).tell(event(Kind.REJECTED))
    said = str(error.value)
    assert len(said) < 1000
    assert "a secret token" not in said
    assert said.isprintable()


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    # A zombie whose parent is gone waits for init, which may be no one in a container.
    return " Z " in Path(f"/proc/{pid}/stat").read_text()
