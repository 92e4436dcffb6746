"""What an older version left is read by this one, for ever."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from reconciler.adapters.host_state import Place, SqliteJournal
from tests.bed.journal_files import asides
from tests.golden import journal_1 as golden

ENV = golden.ENV


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A state directory that an older version left."""
    place = Place(tmp_path / "state", "unix:///engine.sock")
    place.make()
    shutil.copy(golden.FILE, place.file(ENV, "journal"))
    return place


@pytest.fixture
def journal(place: Place) -> SqliteJournal:
    return SqliteJournal(place)


def test_k_08_everything_in_it_is_read(journal: SqliteJournal) -> None:
    assert journal.runs(ENV) == (golden.KILLED.run, golden.REJECTED)
    assert journal.story(ENV, golden.REJECTED.id) == golden.STORY
    assert journal.story(ENV, golden.KILLED.run.id) == golden.KILLED
    assert journal.kept(ENV) == golden.KEPT
    assert journal.blocks(ENV) == (golden.BLOCK,)
    assert journal.unblocked(ENV) == {"api": golden.LATER}
    assert journal.good(ENV) == (golden.GOOD,)
    assert journal.undo(ENV) == golden.UNDONE
    assert journal.observation(ENV) == golden.OBSERVATION


def test_k_08_it_is_written_on_as_it_is(place: Place, journal: SqliteJournal) -> None:
    journal.block(ENV, [])
    run = journal.begin(ENV, golden.KILLED.run)
    journal.close()
    again = SqliteJournal(place)
    assert [one.id for one in again.runs(ENV)] == [run, golden.KILLED.run.id, golden.REJECTED.id]
    assert asides(place.file(ENV, "journal")) == [], "it was taken for a damaged one"


def layout(file: Path) -> list[tuple[object, ...]]:
    """The tables and the marks of a journal."""
    tables = "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY sql"
    asked = (tables, "PRAGMA application_id", "PRAGMA user_version")
    with closing(sqlite3.connect(file)) as connection:
        return [row for question in asked for row in connection.execute(question).fetchall()]


def test_the_newest_golden_journal_has_the_present_format(place: Place, tmp_path: Path) -> None:
    """A new format needs a new file, and an upgrade of the older ones."""
    assert layout(golden.write(tmp_path / "new")) == layout(place.file(ENV, "journal"))
