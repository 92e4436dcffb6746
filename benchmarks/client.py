"""A client in a process of its own, so that it does not wait for what is measured."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def client(script: str, *arguments: str, within: str = "") -> Iterator[dict[str, Any]]:
    """Run ``script`` beside the block, in the network of process ``within``; then it says what it saw."""
    seen: dict[str, float] = {}
    network = ["nsenter", "--target", within, "--net"] if within else []
    command = [*network, sys.executable, str(Path(__file__).with_name(script)), *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            if not process.stdout.readline():
                raise RuntimeError(f"{' '.join(command)}: no answer within 20 s")
            yield seen
            time.sleep(0.3)
        finally:
            process.terminate()
            said = process.stdout.read()
            process.wait(10)
    seen.update(json.loads(said))
