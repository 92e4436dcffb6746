"""Git's own daemon on loopback: a process, so that it can be killed in the middle of a push."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.bed.registry import free_port
from tests.bed.tools import wait_until


class GitDaemon:
    """Serve the repositories below `root`, to everybody, for reading and writing.

    >>> with GitDaemon(world.root) as daemon:
    ...     world.git("remote", "set-url", "origin", daemon.url("origin.git"))
    ...     daemon.kill()
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    def url(self, repository: str) -> str:
        return f"git://127.0.0.1:{self.port}/{repository}"

    def start(self) -> None:
        """Start, also again after it was killed, at the same port."""
        if self._process is not None:
            self._process.wait(10)
        command = ["git", "daemon", "--reuseaddr", "--export-all", "--enable=receive-pack"]
        command += [f"--base-path={self.root}", "--listen=127.0.0.1", f"--port={self.port}"]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        wait_until(self._listens, seconds=10, what=f"git daemon listens at port {self.port}")

    def kill(self) -> None:
        """SIGKILL, with whatever it is serving."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def kills_itself(self, repository: str, hook: str) -> None:
        """From now on it is killed by this hook of a repository: ``pre-receive`` or ``post-receive``."""
        assert self._process is not None, "it is killed after it was started"
        script = self.root / repository / "hooks" / hook
        script.parent.mkdir(exist_ok=True)
        script.write_text(f"#!/bin/sh\nrm $0\nexec kill -9 -- -{self._process.pid}\n")
        script.chmod(0o755)

    def _listens(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        except OSError:
            return False
        return True
