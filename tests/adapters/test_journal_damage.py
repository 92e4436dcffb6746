"""Damage to the file of a journal: set aside, begun anew, and never a crash."""

from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.adapters.host_state import Place, SqliteJournal
from reconciler.adapters.host_state.damage import set_aside
from reconciler.adapters.host_state.ownership import identity
from reconciler.domain.journal import Run, Story
from reconciler.errors import PermissionRefused
from tests.bed.journal_files import ENGINE, HASHES, asides, closed, finished
from tests.bed.journal_values import AT, ENV, block, full_story, run


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "state", ENGINE)


@pytest.fixture
def journal(place: Place) -> Iterator[SqliteJournal]:
    opened = SqliteJournal(place)
    yield opened
    opened.close()


Damage = Callable[[bytes], bytes]


def cut(length: int) -> Damage:
    return lambda whole: whole[: length if length > 0 else len(whole) + length]


def flip(offset: int, bit: int = 0x40) -> Damage:
    return lambda whole: whole[:offset] + bytes([whole[offset] ^ bit]) + whole[offset + 1 :]


def page_of_noise(number: int) -> Damage:
    begin, end = (number - 1) * 4096, number * 4096
    return lambda whole: whole[:begin] + bytes(range(256)) * 16 + whole[end:]


DAMAGED: dict[str, Damage] = {
    **{f"cut to {length}": cut(length) for length in (15, 16, 50, 100, 512, 4095, 4096, 8192, -4096)},
    **{f"byte {offset} flipped": flip(offset) for offset in (0, 9, 16, 17, 19, 21, 22, 29, 47, 68, 71)},
    "version 0": flip(63, 2),
    "noise at the beginning": page_of_noise(1),
    "text": lambda _: b'{"version": 1, "hashes": {"web": "1"}}\n' * 200,
    "another's database": lambda _: foreign_database(),
    "a column renamed": lambda whole: whole.replace(b", hash TEXT", b", hush TEXT"),
}


def foreign_database() -> bytes:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE run (id TEXT)")
    content = connection.serialize()
    connection.close()
    return content


@pytest.mark.parametrize("first", ["read", "write"])
@pytest.mark.parametrize("how", DAMAGED)
def test_a_damaged_journal_is_set_aside_once(
    place: Place, journal: SqliteJournal, caplog: pytest.LogCaptureFixture, how: str, first: str
) -> None:
    file = closed(place)
    damaged = DAMAGED[how](file.read_bytes())
    file.write_bytes(damaged)
    if first == "read":
        assert journal.kept(ENV) == {}
        assert not file.exists(), "reading makes no file"
    journal.keep(ENV, {"web": "2"})
    story = finished(journal)
    assert SqliteJournal(place).kept(ENV) == {"web": "2"}
    assert SqliteJournal(place).story(ENV, story.run.id) == story
    (aside,) = [one for one in asides(file) if not one.name.endswith("-wal")]
    assert aside.read_bytes() == damaged
    assert aside.stat().st_mode & 0o777 == 0o600
    warnings = [one for one in caplog.records if one.levelno == logging.WARNING]
    assert [aside.name in one.getMessage() for one in warnings] == [True]


def test_noise_in_any_page_is_never_a_crash(place: Place) -> None:
    """The rest is right, or set aside; what is written afterwards is right in any case."""
    file = closed(place)
    whole = file.read_bytes()
    for number in range(1, len(whole) // 4096 + 1):
        file.write_bytes(page_of_noise(number)(whole))
        journal = SqliteJournal(place)
        assert journal.kept(ENV) in ({}, HASHES)
        assert journal.blocks(ENV) in ((), (block("web", "2"),))
        for known in journal.runs(ENV):
            journal.story(ENV, known.id)
        story = finished(journal, 60)
        assert journal.story(ENV, story.run.id) == story
        journal.close()
        for left in file.parent.iterdir():
            left.unlink()


def test_who_finds_the_damage_late_leaves_the_new_one(place: Place, journal: SqliteJournal) -> None:
    file = closed(place)
    file.write_bytes(b"damaged")
    damaged = identity(file)
    assert damaged is not None
    journal.keep(ENV, {"web": "2"})
    set_aside(file, damaged, "found by a slower process")
    assert len(asides(file)) == 1
    assert SqliteJournal(place).kept(ENV) == journal.kept(ENV) == {"web": "2"}


def test_the_log_of_a_damaged_journal_goes_with_it(place: Place) -> None:
    """Left in its place, it would be replayed into the new one."""
    file = closed(place)
    log, shared = (file.with_name(f"{file.name}{ending}") for ending in ("-wal", "-shm"))
    log.write_bytes(b"what is not in the database yet")
    shared.touch()
    damaged = identity(file)
    assert damaged is not None
    set_aside(file, damaged, "it is damaged")
    aside, its_log = asides(file)
    assert its_log.name == f"{aside.name}-wal"
    assert its_log.read_bytes() == b"what is not in the database yet"
    assert sorted(file.parent.iterdir()) == [aside, its_log]


def test_some_that_were_damaged_within_a_second(place: Place, journal: SqliteJournal) -> None:
    file = closed(place)
    for number in range(3):
        file.write_bytes(b"damaged" * 1000)
        os.utime(file, (1e9, 1e9))
        assert journal.kept(ENV) == {}
        journal.keep(ENV, HASHES)
        journal.close()
        assert len(asides(file)) == number + 1


def test_an_entry_that_says_nothing_is_damage(place: Place, journal: SqliteJournal) -> None:
    file = closed(place)
    for data in ("", "{}", "[]", "null", '{"service": 1', "\udcff".encode(errors="replace").decode()):
        with sqlite3.connect(file) as connection:
            connection.execute("UPDATE block SET data = ?", (data,))
        connection.close()
        assert journal.blocks(ENV) == ()
        journal.block(ENV, [block("web", "2")])
        journal.close()
    assert len([one for one in asides(file) if not one.name.endswith("-wal")]) == 6


def test_what_older_versions_did_not_write_has_its_default(place: Place, journal: SqliteJournal) -> None:
    name = journal.begin(ENV, run())
    journal.finish(ENV, full_story(replace(run(), id=name)))
    least = f'{{"id": "{name}", "environment": "production", "started_at": "2026-09-30T14:04:31+00:00"}}'

    def change(db: sqlite3.Connection) -> None:
        db.execute("UPDATE run SET data = ?, story = ?", (least, '{"from": "the future"}'))
        db.execute("DELETE FROM step")
        db.execute("DELETE FROM exhibit")

    journal._of(ENV).write(change)
    begun = Run(name, "production", AT.replace(microsecond=0))
    assert journal.story(ENV, name) == Story(begun)


@pytest.mark.parametrize("application", [True, False], ids=["ours", "damaged"])
def test_one_of_a_newer_version_is_left_alone(
    place: Place, journal: SqliteJournal, *, application: bool
) -> None:
    file = closed(place)
    with sqlite3.connect(file) as connection:
        connection.execute("PRAGMA user_version = 3")
        connection.execute("CREATE TABLE more (things TEXT)")
        if not application:
            connection.execute("PRAGMA application_id = 1")
    connection.close()
    before = file.read_bytes()
    if not application:
        assert journal.kept(ENV) == {}
        assert len(asides(file)) == 1
        return
    for action in (
        lambda: journal.kept(ENV),
        lambda: journal.keep(ENV, {}),
        lambda: journal.begin(ENV, run()),
    ):
        with pytest.raises(
            PermissionRefused, match="written by a newer version of reconcile: its format is 3"
        ):
            action()
    journal.close()
    assert file.read_bytes() == before
    assert [one.name for one in file.parent.iterdir()] == [file.name]
