"""The socket of a service manager, and what it was told."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PATIENCE_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Manager:
    """Listens where `NOTIFY_SOCKET` says."""

    address: str
    listener: socket.socket

    def environ(self, **more: str) -> dict[str, str]:
        """What it starts its services with."""
        return {"NOTIFY_SOCKET": self.address, **more}

    def next(self) -> dict[str, str]:
        """The next datagram; waits for it."""
        self.listener.settimeout(PATIENCE_SECONDS)
        return self._read(self.listener.recv(65536))

    def told(self) -> list[dict[str, str]]:
        """What is there by now, in order."""
        self.listener.settimeout(0)
        found = []
        while True:
            try:
                found.append(self._read(self.listener.recv(65536)))
            except BlockingIOError:
                return found

    def _read(self, datagram: bytes) -> dict[str, str]:
        return dict(line.split("=", 1) for line in datagram.decode().split("\n"))


@contextmanager
def manager(address: str) -> Iterator[Manager]:
    """One that listens at `address`: a path, or an abstract name that begins with `@`."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(f"\0{address[1:]}" if address.startswith("@") else address)
        yield Manager(address, listener)


def addresses(folder: Path) -> list[str]:
    """One of each kind."""
    return [str(folder / "notify"), f"@reconcile-test-{os.getpid()}-{folder.name}"]
