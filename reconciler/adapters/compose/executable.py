"""The Compose executable: where it is, which version it has, how it is run."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from reconciler.adapters.compose.conceal import conceal
from reconciler.errors import ComposeFailed

OLDEST = (2, 24)
"""``!reset`` in an override file works from here on."""

_PLUGIN_FOLDERS = (
    "/usr/local/lib/docker/cli-plugins",
    "/usr/local/libexec/docker/cli-plugins",
    "/usr/lib/docker/cli-plugins",
    "/usr/libexec/docker/cli-plugins",
)


@dataclass(frozen=True, slots=True)
class Output:
    """What a finished child left behind; ``code`` is its exit code."""

    code: int
    stdout: str
    stderr: str


@dataclass(frozen=True, slots=True)
class Executable:
    """How Compose is called: ``command`` is the start of every argument list."""

    command: tuple[str, ...]
    deadline_seconds: float = 120.0

    @classmethod
    def find(cls, environ: Mapping[str, str]) -> Executable:
        """The plugin's own file where there is one: calling it through ``docker`` costs 30 ms more.

        Raises:
            ComposeFailed: there is no Compose.
        """
        home = environ.get("DOCKER_CONFIG") or str(Path(environ.get("HOME", "/root")) / ".docker")
        for folder in (f"{home}/cli-plugins", *_PLUGIN_FOLDERS):
            file = Path(folder) / "docker-compose"
            if file.is_file() and os.access(file, os.X_OK):
                return cls((str(file),))
        import shutil

        standalone = shutil.which("docker-compose", path=environ.get("PATH"))
        if standalone:
            return cls((standalone,))
        raise ComposeFailed(
            "Docker Compose is not installed",
            hint=f"Install the Compose plugin, version {OLDEST[0]}.{OLDEST[1]} or newer",
        )

    def run(
        self, arguments: Sequence[str], environ: Mapping[str, str], folder: Path, text: str = ""
    ) -> Output:
        """Run Compose in ``folder`` and wait for it; its whole process group ends at the deadline.

        What it complains about holds no values of variables. It reads ``text`` where its arguments
        say ``-f -``: what must not be written to a disk.

        Raises:
            ComposeFailed: it cannot be started, or does not end in time.
        """
        try:
            child = subprocess.Popen(
                [*self.command, *arguments],
                stdin=subprocess.PIPE if text else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=dict(environ),
                cwd=folder,
                start_new_session=True,
            )
        except OSError as error:
            raise ComposeFailed(f"{self.command[0]} cannot be started: {error.strerror}") from error
        try:
            out, err = child.communicate(text.encode() or None, timeout=self.deadline_seconds)
        except subprocess.TimeoutExpired as error:
            os.killpg(child.pid, signal.SIGKILL)
            child.communicate()
            raise ComposeFailed(f"Docker Compose did not end within {self.deadline_seconds:g} s") from error
        said = err.decode(errors="replace")
        if child.returncode:
            said = conceal(said, arguments, environ, folder)
        return Output(child.returncode, out.decode(errors="replace"), said)

    def version(self, environ: Mapping[str, str], folder: Path) -> str:
        """Its version, ``2.26.1``, without a distribution's suffix.

        Raises:
            ComposeFailed: it is version 1, or older than 2.24.
        """
        printed = self.run(["version", "--short"], environ, folder).stdout.strip()
        match = re.match(r"v?(\d+)\.(\d+)(?:\.(\d+))?", printed)
        if match is None:
            raise ComposeFailed(f"{self.command[0]} does not tell its version")
        if (int(match[1]), int(match[2])) < OLDEST:
            raise ComposeFailed(
                f"Docker Compose {match[0]} is too old",
                hint=f"Install the Compose plugin, version {OLDEST[0]}.{OLDEST[1]} or newer",
            )
        return match[0].removeprefix("v")
