"""What an older version left is read by this one, for ever."""

from __future__ import annotations

import shutil
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.adapters.host_state import Place, SqliteJournal, SqliteOutbox
from reconciler.domain.events import Delivery
from reconciler.domain.told import Told
from tests.bed.journal_files import asides
from tests.golden import journal_1 as golden
from tests.golden import journal_2

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


def test_k_08_one_of_format_1_has_an_outbox_from_the_first_change_on(
    place: Place, journal: SqliteJournal
) -> None:
    outbox, file = SqliteOutbox(place), place.file(ENV, "journal")
    assert (outbox.told(ENV), outbox.due(ENV, golden.AT), outbox.waiting(ENV)) == (Told(), (), ())
    assert journal.kept(ENV) == golden.KEPT
    assert layout(file) == layout(golden.FILE), "to read it changed it"
    outbox.put(ENV, journal_2.STARTED, ["hook"])
    assert [one.event for one in outbox.due(ENV, golden.AT)] == [journal_2.STARTED]
    assert journal.story(ENV, golden.REJECTED.id) == golden.STORY
    assert journal.kept(ENV) == golden.KEPT
    assert asides(file) == [], "it was taken for a damaged one"
    assert layout(file) == layout(journal_2.FILE)


def test_k_08_one_of_format_1_is_brought_up_to_date_by_two_at_once(place: Place) -> None:
    def put(number: int) -> None:
        event = replace(journal_2.BROKEN, key=f"production/{number}")
        SqliteOutbox(place).put(ENV, event, ["hook"])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(put, range(4)))
    assert len(SqliteOutbox(place).waiting(ENV)) == 4
    assert asides(place.file(ENV, "journal")) == []


def test_k_08_an_outbox_of_format_2_is_read(tmp_path: Path) -> None:
    place = Place(tmp_path / "state", "unix:///engine.sock")
    place.make()
    shutil.copy(journal_2.FILE, place.file(ENV, "journal"))
    outbox = SqliteOutbox(place)
    assert outbox.told(ENV) == journal_2.TOLD
    assert [(one.event, one.receipt) for one in outbox.receipts(ENV, "hook", journal_2.INCIDENT)] == [
        (journal_2.STARTED, '{"id": 7}')
    ]
    assert [(one.channel, one.state, one.trouble) for one in outbox.waiting(ENV)] == [
        ("hook", Delivery.WAITING, "it does not answer"),
        ("chat", Delivery.GIVEN_UP, "410 Gone"),
    ]
    assert [one.event for one in outbox.due(ENV, journal_2.AGAIN_AT)] == [journal_2.BROKEN]
    assert SqliteJournal(place).story(ENV, golden.REJECTED.id) == golden.STORY


def test_the_newest_golden_journal_has_the_present_format(tmp_path: Path) -> None:
    """A new format needs a new file, and an upgrade of the older ones."""
    assert layout(journal_2.write(tmp_path / "new")) == layout(journal_2.FILE)
