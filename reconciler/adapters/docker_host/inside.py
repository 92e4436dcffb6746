"""A command inside a running container, under a deadline; the SDK's own way waits for ever."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from typing import Any

from reconciler.adapters.docker_host.connection import Connection
from reconciler.adapters.docker_host.lifecycle import brief
from reconciler.adapters.docker_host.sdk import Client
from reconciler.adapters.docker_host.stream import limit_read, opened
from reconciler.errors import EngineFailed

MOST_BYTES = 4096
_NOT_RUN = (126, 127)  # what the engine and every shell answer for a program that they cannot run
_RUNTIME = "OCI runtime exec failed: "
_HEADER_BYTES = 8


def execute(
    connection: Connection,
    container: str,
    command: Sequence[str],
    time_limit_seconds: float,
    monotonic: Callable[[], float],
) -> tuple[int, str]:
    """Run ``command`` in a running container, as the container's own user: exit code, last of its output.

    Standard output and error come in the order in which they were written. After the time limit nobody
    listens any more, but *the command goes on in the container*: the engine has no way to end it.

    Args:
        connection: the engine.
        container: id or name.
        command: the program and its arguments, which are never part of a message: they may hold secrets.
        time_limit_seconds: how long it may run.
        monotonic: the clock for that.

    Raises:
        EngineFailed: there is no such program, the container does not run, or the time was over.
        EngineUnreachable, PermissionRefused.
    """
    program = next(iter(command), "nothing")
    deadline = Deadline(f"run {program} in container {brief(container)}", time_limit_seconds, monotonic)
    with connection.asked(deadline.doing) as client:
        started = str(client.exec_create(container, list(command))["Id"])
        with closing(_begin(client, started, deadline)) as answer:
            output = _last_of(_frames(answer, deadline))
        code = _exit_code(client, started, deadline)
    if code in _NOT_RUN:
        raise EngineFailed(f"could not {deadline.doing}: {_why(code, output)}")
    return code, output


class Deadline:
    """When the time for a command is over, and how that is said."""

    def __init__(self, doing: str, seconds: float, monotonic: Callable[[], float]) -> None:
        self.doing = doing
        self._seconds = seconds
        self._monotonic = monotonic
        self._end = monotonic() + seconds

    def left(self) -> float:
        """The seconds that are left.

        Raises:
            EngineFailed: none are.
        """
        left = self._end - self._monotonic()
        if left <= 0:
            raise self.missed()
        return left

    def missed(self) -> EngineFailed:
        """The error of a command that did not end in time."""
        return EngineFailed(
            f"could not {self.doing}: it did not end within {self._seconds:g} s",
            hint="It may still run in the container; give the check more time, or the command a limit.",
        )


def _begin(client: Client, started: str, deadline: Deadline) -> Any:
    import requests

    try:
        # Not an upgraded connection, as the SDK asks for: what comes with its head would be lost.
        body = {"Detach": False, "Tty": False}
        return opened(client, f"/exec/{started}/start", deadline.left(), json=body)
    except requests.ReadTimeout as error:
        raise deadline.missed() from error


def _frames(answer: Any, deadline: Deadline) -> Iterator[bytes]:
    """What was written to either stream, piece by piece; each comes with a head that tells its length.

    https://docs.docker.com/reference/api/engine/version/v1.41/#tag/Container/operation/ContainerAttach
    """
    from urllib3.exceptions import ReadTimeoutError

    try:
        while True:
            limit_read(answer, deadline.left())
            head = answer.raw.read(_HEADER_BYTES)
            if len(head) < _HEADER_BYTES:
                return
            yield answer.raw.read(int.from_bytes(head[4:]))
    except ReadTimeoutError as error:
        raise deadline.missed() from error


def _last_of(frames: Iterator[bytes]) -> str:
    kept = b""
    for frame in frames:
        kept = (kept + frame)[-MOST_BYTES:]
    return kept.decode(errors="replace")


def _exit_code(client: Client, started: str, deadline: Deadline) -> int:
    """The exit code; a program may close its output long before it ends."""
    pause = 0.005
    while True:
        seen = client.exec_inspect(started)
        if not seen["Running"]:
            return int(seen["ExitCode"])
        time.sleep(min(pause, deadline.left()))
        pause = min(2 * pause, 0.2)


def _why(code: int, output: str) -> str:
    """Why a program was not run: in the engine's words, which name the program alone."""
    if output.startswith(_RUNTIME):
        return " ".join(output.removeprefix(_RUNTIME).split())
    return f"exit code {code}, which means that a program is missing or cannot be run"
