"""The units, judged by systemd's own tools: every line is one that it knows, and the sandbox is closed."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

UNITS = Path(__file__).parents[2] / "packaging/systemd"
NAMES = {"reconcile.service": "reconcile.service", "reconcile@.service": "reconcile@production.service"}
PROGRAM = "/usr/local/bin/reconcile"
MOST_EXPOSED = 2.0
"""systemd's figure from 0 (closed) to 10; a service without any of it has 9.6."""

each = pytest.mark.parametrize("name", NAMES)


def asked(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """What `systemd-analyze` says; `scripts/bed` sees that it is there."""
    analyze = shutil.which("systemd-analyze")
    assert analyze, "systemd-analyze is missing: scripts/bed up"
    return subprocess.run([analyze, *arguments], cwd=folder, capture_output=True, text=True, timeout=60)


def installed(folder: Path, name: str, change: str = "") -> str:
    """A unit as it would be installed, except that its program is one that is there."""
    text = (UNITS / name).read_text()
    assert text.count(PROGRAM) == 1
    (folder / name).write_text(text.replace(PROGRAM, shutil.which("true") or "") + change)
    return f"./{NAMES[name]}"


@each
def test_systemd_knows_every_line(tmp_path: Path, name: str) -> None:
    done = asked("verify", installed(tmp_path, name), folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_line_that_it_does_not_know_would_be_noticed(tmp_path: Path) -> None:
    changed = installed(tmp_path, "reconcile.service", "[Service]\nProtectEverything=yes\n")
    assert "ProtectEverything" in asked("verify", changed, folder=tmp_path).stderr


@each
def test_the_sandbox_is_closed(tmp_path: Path, name: str) -> None:
    unit = installed(tmp_path, name)
    if "@" in name:
        (tmp_path / name).rename(tmp_path / NAMES[name])
    threshold = f"--threshold={MOST_EXPOSED * 10:.0f}"
    done = asked("security", "--offline=true", threshold, unit, folder=tmp_path)
    assert re.search(r"exposure level for \S+: [\d.]+ OK", done.stdout), done.stdout[-500:] + done.stderr
    assert done.returncode == 0


def test_both_units_are_the_same_but_for_the_environment() -> None:
    one, all_of_them = ((UNITS / name).read_text() for name in ("reconcile@.service", "reconcile.service"))
    sections = [text.partition("[Unit]")[2].splitlines() for text in (one, all_of_them)]
    differing = [pair for pair in zip(*sections, strict=True) if pair[0] != pair[1]]
    assert [name.partition("=")[0] for pair in differing for name in pair] == [
        *("Description", "Description"),
        *("ExecStart", "ExecStart"),
    ]


@each
def test_what_the_program_reads_is_not_hidden_from_it(name: str) -> None:
    """The lock and the heartbeat are told by the boot of the machine: /proc/sys must be there."""
    assert "ProcSubset" not in (UNITS / name).read_text()
