"""Rows H-16 and T-01 (clocks), and K-06 and K-07 (what the host remembers is damaged or gone)."""

from __future__ import annotations

import ast
from pathlib import Path

from reconciler.adapters.host_state import Place, SqliteJournal
from reconciler.domain.environment import Environment

ROOT = Path(__file__).parents[2] / "reconciler"
HASHES = {"web": "a" * 64, "worker": "b" * 64}
ENVIRONMENT = Environment("production", pins="p", project="shop", directory=".", compose=("c.yml",))


def test_t_01_the_wall_clock_decides_nothing() -> None:
    """It is read for the times that reports show, and where channels demand it; waits are monotonic."""
    readers = {
        file.relative_to(ROOT).as_posix()
        for file in ROOT.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Attribute)
        and ast.unparse(node) in ("time.time", "datetime.now", "datetime.utcnow", "date.today")
    }
    demanded = {
        "adapters/notify/outgoing.py",  # Retry-After may be a date
        "adapters/notify/webhook.py",  # the moment of the attempt is signed
    }
    assert readers == {"adapters/clock.py", *demanded}


def test_k_06_a_damaged_journal_is_set_aside(tmp_path: Path) -> None:
    """Cut off anywhere: nothing is known, nothing fails, and one is begun anew; see test_journal_damage."""
    place = Place(tmp_path, "unix:///engine.sock")
    file = place.file(ENVIRONMENT, "journal")
    for length in (1, 100, 4096, 20_000):
        journal = SqliteJournal(place)
        journal.keep(ENVIRONMENT, HASHES)
        journal.close()
        file.write_bytes(file.read_bytes()[:length])
        assert SqliteJournal(place).kept(ENVIRONMENT) == {}
    SqliteJournal(place).keep(ENVIRONMENT, HASHES)
    assert SqliteJournal(place).kept(ENVIRONMENT) == HASHES


def test_k_07_a_state_directory_that_is_gone_is_made_anew(tmp_path: Path) -> None:
    place = Place(tmp_path / "gone" / "state", "unix:///engine.sock")
    assert SqliteJournal(place).kept(ENVIRONMENT) == {}
    SqliteJournal(place).keep(ENVIRONMENT, HASHES)
    assert SqliteJournal(place).kept(ENVIRONMENT) == HASHES
    assert (tmp_path / "gone" / "state").stat().st_mode & 0o777 == 0o700
    assert place.file(ENVIRONMENT, "journal").stat().st_mode & 0o777 == 0o600
