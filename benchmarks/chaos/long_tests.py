"""The tests that scripts/test leaves out because they take long."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.figures import Figure

ROOT = Path(__file__).parents[2]


def measure(count: int) -> Iterator[Figure]:
    """All of them, ``count`` times."""
    for _ in range(count):
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-m", "long", "-q", "tests"],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
        print(done.stdout, file=sys.stderr)
        passed = re.search(r"(\d+) passed", done.stdout)
        found = f"{passed[1] if passed else 0} passed"
        last = done.stdout.strip().rpartition("\n")[2]
        yield Figure("tests marked as long", "all pass", found, last, done.returncode == 0)
