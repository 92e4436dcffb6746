"""The executables of the bed: the docker client, and what scripts/bed fetched into .bed/bin."""

import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

BED = Path(os.environ.get("RECONCILE_BED") or Path(__file__).parents[2] / ".bed")


class BedError(Exception):
    """The test bed could not do what a test asked of it."""


def tool(name: str) -> Path:
    """Find an executable in .bed/bin, or else on PATH."""
    fetched = BED / "bin" / name
    if fetched.exists():
        return fetched
    if found := shutil.which(name):
        return Path(found)
    raise BedError(f"{name} is missing: run scripts/bed up")


def run(*command: str | Path, timeout: float = 120) -> str:
    """Run a command and return its standard output; a failure carries everything it said."""
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=timeout, stdin=subprocess.DEVNULL, check=False
    )
    if done.returncode != 0:
        shown = " ".join(map(str, command))
        raise BedError(f"`{shown}` exited with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def docker(*arguments: str | Path, host: str | None = None, timeout: float = 120) -> str:
    """Run the docker client against `host`, or else against the engine of the bed."""
    if "RECONCILE_BED" not in os.environ:
        raise BedError('no engine in this shell: run scripts/dev, then eval "$(scripts/dev env)"')
    return run("docker", *(("--host", host) if host else ()), *arguments, timeout=timeout)


def wait_until(condition: Callable[[], bool], *, seconds: float, what: str, every: float = 0.05) -> None:
    """Poll until `condition` holds; after `seconds`, fail with `what` was awaited."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise BedError(f"{what}: not within {seconds:g} s")
        time.sleep(every)


def terminate(process: subprocess.Popen[bytes], *, seconds: float = 10) -> None:
    """End a process of ours: SIGTERM first, SIGKILL if that is not enough."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
