"""Rows H-16 and T-01 (clocks), and K-06 and K-07 (what the host remembers is damaged or gone)."""

from __future__ import annotations

import ast
from pathlib import Path

from reconciler.adapters.host_state import MemoryFile, Place
from reconciler.domain.environment import Environment

ROOT = Path(__file__).parents[2] / "reconciler"
HASHES = {"web": "a" * 64, "worker": "b" * 64}


def test_t_01_the_wall_clock_decides_nothing() -> None:
    """It is read in one place, for the times that reports show; waits and deadlines are monotonic."""
    readers = {
        file.relative_to(ROOT).as_posix()
        for file in ROOT.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Attribute)
        and ast.unparse(node) in ("time.time", "datetime.now", "datetime.utcnow", "date.today")
    }
    assert readers == {"adapters/clock.py"}


def test_k_06_a_damaged_memory_is_no_memory(tmp_path: Path) -> None:
    """Cut off anywhere, or of another version: nothing is known, nothing fails, it is written anew."""
    environment = Environment("production", pins="p", project="shop", directory=".", compose=("c.yml",))
    place = Place(tmp_path, "unix:///engine.sock")
    MemoryFile(place).keep(environment, HASHES)
    file = place.file(environment, "json")
    whole = file.read_bytes()
    damaged = [whole[:length] for length in range(len(whole))]
    damaged += [whole.replace(b'"version": 1', b'"version": 2'), b"\xff", b"[]", b'{"version": 1}']
    for content in damaged:
        file.write_bytes(content)
        assert MemoryFile(place).kept(environment) == {}, content
    MemoryFile(place).keep(environment, HASHES)
    assert MemoryFile(place).kept(environment) == HASHES
    assert [entry.name for entry in tmp_path.iterdir()] == [file.name]


def test_k_07_a_state_directory_that_is_gone_is_made_anew(tmp_path: Path) -> None:
    environment = Environment("production", pins="p", project="shop", directory=".", compose=("c.yml",))
    place = Place(tmp_path / "gone" / "state", "unix:///engine.sock")
    assert MemoryFile(place).kept(environment) == {}
    MemoryFile(place).keep(environment, HASHES)
    assert MemoryFile(place).kept(environment) == HASHES
    assert (tmp_path / "gone" / "state").stat().st_mode & 0o777 == 0o700
    assert place.file(environment, "json").stat().st_mode & 0o777 == 0o600
