"""Run a command and say what it cost: a tiny parent, so that its own memory is not what is measured.

A child's peak memory counts from before its exec, when it still is a copy of its parent. So this file
imports next to nothing and is run with ``python -I -S``: ``launch.py REPORT COMMAND…`` writes seconds, peak
memory (KiB) of the largest single process below it, and the exit code to REPORT.
"""

import os
import sys
import time

report, command = sys.argv[1], sys.argv[2:]
started = time.monotonic()
child = os.posix_spawnp(command[0], command, os.environ)
_, status, usage = os.wait4(child, 0)
seconds = time.monotonic() - started
with open(report, "w") as file:  # noqa: PTH123  # pathlib costs memory
    file.write(f"{seconds} {usage.ru_maxrss} {os.waitstatus_to_exitcode(status)}")
