"""Words to the service manager that started us: ready, status, alive, stopping.

The protocol is one datagram of ``NAME=value`` lines to the socket that ``NOTIFY_SOCKET`` names.
https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.domain.foreign import foreign

LONGEST_STATUS = 200
PATIENCE_SECONDS = 1.0
"""How long a manager may be busy. Nothing of what it is told is worth waiting longer for."""


@dataclass(frozen=True, slots=True)
class ServiceManager:
    """The service manager; one that is not there is told nothing.

    Args:
        address: its socket, a path or an abstract name that begins with ``@``; empty where there is none.
        watchdog_seconds: how long it waits for a sign of life before it kills us; 0 where it does not.
    """

    address: str = ""
    watchdog_seconds: float = 0.0

    @classmethod
    def of(cls, environ: Mapping[str, str], pid: int) -> ServiceManager:
        """The one that the environment names.

        Args:
            environ: the process's environment.
            pid: our process id: a watchdog may be another process's.
        """
        address, period = environ.get("NOTIFY_SOCKET", ""), environ.get("WATCHDOG_USEC", "")
        ours = environ.get("WATCHDOG_PID", str(pid)) == str(pid)
        known = address if address[:1] in ("/", "@") else ""  # other kinds are for virtual machines
        return cls(known, int(period) / 1e6 if ours and known and period.isdecimal() else 0.0)

    def ready(self, status: str = "") -> bool:
        """We are up, or back from a reload. What is returned, here and below, is whether it was heard."""
        return self._tell("READY=1", *_status(status))

    def status(self, status: str) -> bool:
        """What ``systemctl status`` shows of us."""
        return self._tell(*_status(status))

    def alive(self) -> bool:
        """A sign of life for the watchdog."""
        return self._tell("WATCHDOG=1")

    def reloading(self) -> bool:
        """We read everything anew; ``ready`` ends that."""
        return self._tell("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self, status: str = "") -> bool:
        """We are about to end, after what is in hand."""
        return self._tell("STOPPING=1", *_status(status))

    def needs_longer(self, seconds: float) -> bool:
        """We need this much more time to start or to end; to be said again before it is over."""
        return self._tell(f"EXTEND_TIMEOUT_USEC={round(seconds * 1e6)}")

    def _tell(self, *lines: str) -> bool:
        if not self.address or not lines:
            return False
        address = f"\0{self.address[1:]}" if self.address.startswith("@") else self.address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as connection:
                connection.settimeout(PATIENCE_SECONDS)
                connection.sendto("\n".join(lines).encode(errors="replace"), os.fsencode(address))
        except OSError:
            return False  # a manager that does not listen must not end what it manages
        return True


def _status(words: str) -> list[str]:
    """A status is one line, and must not become another word to the manager."""
    return [f"STATUS={foreign(words, LONGEST_STATUS)}"] if words else []
