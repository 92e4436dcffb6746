"""Whole processes, timed."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

LAUNCH = Path(__file__).with_name("launch.py")


@dataclass(frozen=True, slots=True)
class Cost:
    """What one run of a command took; ``peak_mib`` is that of its largest single process."""

    seconds: float
    peak_mib: float


def timed(command: Sequence[str], folder: Path, *, code: int = 0) -> Cost:
    """Run ``command`` in ``folder`` until it exits with ``code``.

    Raises:
        RuntimeError: it ended otherwise; with everything that it said.
    """
    with tempfile.NamedTemporaryFile("r", prefix="reconcile-cost-") as report:
        done = subprocess.run(
            [sys.executable, "-I", "-S", str(LAUNCH), report.name, *command],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=True,
        )
        seconds, peak, found = report.read().split()
    if int(found) != code:
        raise RuntimeError(f"{' '.join(command)} exited with {found}:\n{done.stdout}{done.stderr}")
    return Cost(float(seconds), int(peak) / 1024)


def run(*command: str | Path, folder: Path | None = None) -> str:
    """The output of a command that has to succeed.

    Raises:
        RuntimeError: it failed; with everything that it said.
    """
    done = subprocess.run(
        command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))} failed:\n{done.stdout}{done.stderr}")
    return done.stdout
