"""The way to an engine behind SSH: a local socket, and one ``ssh`` child per connection.

The SDK's own ``ssh://`` needs paramiko and has its own ideas of host keys and configuration. The system's
ssh is what the docker command uses (``ssh HOST docker system dial-stdio``), and what people configure.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import tempfile
import threading
from pathlib import Path
from urllib.parse import urlsplit


class SshRelay:
    """Listens on a socket of our own; every connection becomes the stdin and stdout of an ssh.

    Host keys must be known already: an unknown or a changed one is refused, never learnt.

    Args:
        url: ``ssh://[user@]host[:port]``.
        connect_seconds: how long ssh may take to connect.
    """

    def __init__(self, url: str, *, connect_seconds: float = 10.0) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="reconcile-ssh-")
        self._command = _command(url, connect_seconds, Path(self._folder.name) / "master")
        self.path = Path(self._folder.name) / "engine.sock"
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(self.path))
        self._listener.listen()
        self._complaints = tempfile.TemporaryFile()  # noqa: SIM115 - closed by close()
        self._children: list[subprocess.Popen[bytes]] = []
        self._thread = threading.Thread(target=self._serve, name="ssh-relay", daemon=True)
        self._thread.start()

    def complaint(self) -> str:
        """The last line that ssh wrote to its stderr, empty where it wrote none."""
        file = self._complaints.fileno()
        # Not seek and read: the place in the file is shared with the children that write to it.
        written = os.pread(file, 4096, max(0, os.fstat(file).st_size - 4096))
        lines = written.decode(errors="replace").strip().splitlines()
        return lines[-1].strip() if lines else ""

    def close(self) -> None:
        """End all connections."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()
        for child in self._children:
            child.terminate()
            child.wait()
        # The shared connection; where there is none, ssh says so and nobody needs to know.
        end = [*self._command[: self._command.index("--")], "-O", "exit", "--", self._command[-4]]
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            subprocess.run(end, capture_output=True, timeout=5, check=False)
        self._complaints.close()
        self._folder.cleanup()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:  # closed
                return
            self._children = [child for child in self._children if child.poll() is None]
            with connection:
                self._dial(connection.fileno())

    def _dial(self, end: int) -> None:
        try:
            child = subprocess.Popen(self._command, stdin=end, stdout=end, stderr=self._complaints)
        except OSError as error:
            self._complaints.write(f"ssh cannot be run: {error.strerror}\n".encode())
            self._complaints.flush()
            return
        self._children.append(child)


def _command(url: str, connect_seconds: float, master: Path) -> list[str]:
    """The SDK opens a connection for almost every request; they all share one through ``master``."""
    parts = urlsplit(url)
    options = [
        *("BatchMode=yes", "StrictHostKeyChecking=yes", f"ConnectTimeout={max(1, round(connect_seconds))}"),
        *("ControlMaster=auto", f"ControlPath={master}", "ControlPersist=60"),
    ]
    command = ["ssh", "-T"]
    for option in options:
        command += ["-o", option]
    if parts.port:
        command += ["-p", str(parts.port)]
    if parts.username:
        command += ["-l", parts.username]
    return [*command, "--", parts.hostname or "", "docker", "system", "dial-stdio"]
