"""What the figures were measured on."""

from __future__ import annotations

import os
import platform
from pathlib import Path

from benchmarks.child import run


def described() -> str:
    """Cores, memory, engine, Compose, Git and Python, on one line each."""
    memory = Path("/proc/meminfo").read_text().split()[1]
    engine = run("docker", "version", "--format", "{{.Server.Version}}").strip()
    driver = run("docker", "info", "--format", "{{.Driver}}, cgroup v{{.CgroupVersion}}").strip()
    compose = run("docker", "compose", "version", "--short").strip()
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    return "\n".join(
        (
            f"machine   {os.cpu_count()} cores, {int(memory) / 2**20:.0f} GiB, load before {load}",
            f"system    {platform.platform(terse=True)}, {run('git', 'version').strip()}",
            f"engine    {engine} ({driver})",
            f"Compose   {compose}",
            f"Python    {platform.python_version()}",
        )
    )
