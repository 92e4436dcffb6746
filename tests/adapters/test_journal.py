"""What only a journal in a file has: processes that die, writers side by side, and a size that is bounded."""

from __future__ import annotations

import signal
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from datetime import timedelta, timezone
from pathlib import Path

import pytest

from reconciler.adapters.host_state import Place, SqliteJournal, codec, passes, pinned, schema, story_codec
from reconciler.domain.journal import Observation, Story
from reconciler.domain.report import Result, Step
from reconciler.errors import PermissionRefused
from tests.bed.journal_files import ENGINE, HASHES, asides, child, finished, said
from tests.bed.journal_values import AT, ENV, block, full_story, good, run


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "state", ENGINE)


@pytest.fixture
def file(place: Place) -> Path:
    return place.file(ENV, "journal")


@pytest.fixture
def journal(place: Place) -> Iterator[SqliteJournal]:
    opened = SqliteJournal(place)
    yield opened
    opened.close()


# --- processes ---------------------------------------------------------------------------------------

KILLED = """
name = journal.begin(ENV, run())
journal.step(ENV, name, Step("pull", "web", 1.0))
def half(db):
    passes.add_step(db, name, Step("switch", "web", 1.0))
    db.execute("DELETE FROM kept")
    tell(name)
    sys.stdin.read()
journal._of(ENV).write(half)
"""


def test_killed_in_the_middle_of_a_transaction(place: Place, journal: SqliteJournal) -> None:
    journal.keep(ENV, HASHES)
    process = child(place, KILLED)
    assert process.stdout is not None
    name = process.stdout.readline().strip()
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    for reader in (journal, SqliteJournal(place)):
        assert reader.kept(ENV) == HASHES
        assert reader.story(ENV, name) == Story(replace(run(), id=name), steps=(Step("pull", "web", 1.0),))
    assert finished(journal).run.result is Result.ROLLED_BACK, "it can be written at once"


def test_killed_while_nothing_was_begun(place: Place) -> None:
    """What is left of a beginning is an empty database, which is begun by whoever comes next."""
    place.make()
    file = place.file(ENV, "journal")
    with sqlite3.connect(file) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
    connection.close()
    file.chmod(0o600)
    journal = SqliteJournal(place)
    assert journal.kept(ENV) == {}
    journal.keep(ENV, HASHES)
    assert SqliteJournal(place).kept(ENV) == HASHES
    assert asides(file) == []


def test_a_beginning_is_seen_whole_or_not_at_all(tmp_path: Path) -> None:
    """Made between two of our looks, a new journal would be taken for a damaged one."""
    looking, making = (sqlite3.connect(tmp_path / "new", isolation_level=None) for _ in range(2))
    making.execute("PRAGMA journal_mode = WAL")
    made: list[str] = []

    def make(statement: str) -> None:
        if "sqlite_master" in statement and not made:
            made.append(statement)
            schema.create(making)

    looking.set_trace_callback(make)
    assert not schema.exists(looking)
    assert made
    assert schema.exists(looking)
    looking.close()
    making.close()


WRITER = """
tell("ready"); sys.stdin.readline()
for minute in range(40):
    journal.note_good(ENV, [good(sys.argv[1], str(minute))])
    tell(finished(journal, minute).run.id)
"""


def test_processes_that_begin_and_write_at_once(place: Place, journal: SqliteJournal) -> None:
    """None waits in vain, none gets another's id, and nothing that was acknowledged is lost."""
    writers = [child(place, WRITER) for _ in range(3)]
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
    with ThreadPoolExecutor(len(writers)) as pool:
        ids = [name for answer in pool.map(said, writers) for name in answer.split()]
    assert len(ids) == len(set(ids)) == 120
    assert sorted(one.id for one in journal.runs(ENV)) == sorted(ids)
    assert all(one.result is Result.ROLLED_BACK for one in journal.runs(ENV))
    assert asides(place.file(ENV, "journal")) == []


def test_threads_share_a_journal(place: Place, journal: SqliteJournal) -> None:
    others = [journal, journal, SqliteJournal(place), SqliteJournal(place)]
    with ThreadPoolExecutor(8) as pool:
        stories = list(pool.map(lambda n: finished(others[n % 4]), range(80)))
    assert len({story.run.id for story in stories}) == 80
    assert all(journal.story(ENV, story.run.id) == story for story in stories)


def test_one_that_is_written_can_be_read(place: Place, journal: SqliteJournal) -> None:
    """And who only reads never waits for a writer."""
    journal.keep(ENV, HASHES)
    reader = SqliteJournal(place)

    def change(db: sqlite3.Connection) -> None:
        db.execute("DELETE FROM kept")
        assert reader.kept(ENV) == HASHES

    journal._of(ENV).write(change)
    assert reader.kept(ENV) == {}


def test_a_locked_journal_is_refused_and_stays(
    place: Place, journal: SqliteJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reconciler.adapters.host_state.database.PATIENCE_SECONDS", 0.0)
    journal.keep(ENV, HASHES)
    other = SqliteJournal(place)
    assert other.kept(ENV) == HASHES

    def change(_: sqlite3.Connection) -> None:
        with pytest.raises(PermissionRefused, match="another process keeps it locked"):
            other.keep(ENV, {})

    journal._of(ENV).write(change)
    assert asides(place.file(ENV, "journal")) == []
    other.keep(ENV, {"web": "2"})
    assert journal.kept(ENV) == {"web": "2"}


def test_what_must_survive_a_power_cut_waits_for_the_disk(journal: SqliteJournal) -> None:
    """The rest does not: it is on the way of a switch."""
    name = journal.begin(ENV, run())
    story = full_story(replace(run(), id=name))
    undone = story.undo
    assert undone is not None
    normal, full = 1, 2
    writes: tuple[tuple[Callable[[], None], int], ...] = (
        (lambda: journal.step(ENV, name, Step("pull", "web", 1.0)), normal),
        (lambda: journal.block(ENV, [block("web", "2")]), full),
        (lambda: journal.keep(ENV, HASHES), normal),
        (lambda: journal.note_undo(ENV, undone), full),
        (lambda: journal.note_good(ENV, [good("web", "1")]), normal),
        (lambda: journal.finish(ENV, story), full),
    )
    for write, expected in writes:
        write()
        connection = journal._of(ENV)._connection
        assert connection is not None
        assert connection.execute("PRAGMA synchronous").fetchone() == (expected,)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


# --- size --------------------------------------------------------------------------------------------


def test_old_passes_go_and_old_exhibits_before_them(
    journal: SqliteJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (passes.MOST_RUNS, passes.MOST_EXHIBITED) == (1000, 100)
    monkeypatch.setattr(passes, "MOST_RUNS", 6)
    monkeypatch.setattr(passes, "MOST_EXHIBITED", 2)
    stories = []
    for minute in (5, 1, 9, 2, 8, 3, 7, 4):  # a clock that jumps
        name = journal.begin(ENV, run(AT + timedelta(minutes=minute)))
        story = full_story(replace(run(), id=name))
        journal.note_undo(ENV, story.undo)  # type: ignore[arg-type]  # a full story has one
        journal.finish(ENV, story)
        stories.append(story)
    assert [one.id for one in journal.runs(ENV)] == [story.run.id for story in stories[:1:-1]]
    for story in stories[-2:]:
        assert journal.story(ENV, story.run.id) == story
    for story in stories[2:-2]:
        assert journal.story(ENV, story.run.id) == replace(story, exhibits=())
    assert rows(journal, "step") == 2 * 6, "steps go with their pass"
    assert rows(journal, "undo") == 6


def rows(journal: SqliteJournal, table: str) -> int:
    return journal._of(ENV).read(lambda db: int(db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]), 0)


def test_old_good_pins_go(journal: SqliteJournal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pinned, "MOST_GOOD", 3)
    for version in range(9):
        journal.note_good(ENV, [good("api", "1"), good("web", str(version))])
    assert journal.good(ENV) == (good("api", "1"), *(good("web", version) for version in "876"))


def test_environments_have_files_of_their_own(place: Place, journal: SqliteJournal) -> None:
    other = replace(ENV, name="staging", project="other")
    elsewhere = SqliteJournal(Place(place.folder, "tcp://another:2376"))
    journal.keep(ENV, {"web": "1"})
    journal.keep(other, {"web": "2"})
    elsewhere.keep(ENV, {"web": "3"})
    kept = [journal.kept(ENV), journal.kept(other), elsewhere.kept(ENV)]
    assert kept == [{"web": "1"}, {"web": "2"}, {"web": "3"}]
    assert journal.kept(replace(ENV, name="renamed")) == {"web": "1"}
    elsewhere.close()


# --- what is written -----------------------------------------------------------------------------------


def test_every_field_is_written() -> None:
    """A field that is added to a value must be added here, or it is lost without a word."""
    story = full_story(replace(run(), id="01J9ZM02QX"))
    assert story.undo is not None
    assert codec.time_text(AT.astimezone(timezone(timedelta(hours=-9)))) == codec.time_text(AT)
    observation = Observation("01J9ZM02QX", "c", AT)
    told = story_codec.story_object(story)
    for value, written in (
        (story.run, codec.run_object(story.run)),
        (story.steps[0], codec.step_object(story.steps[0])),
        (story.exhibits[0], story_codec.exhibit_object(story.exhibits[0])),
        (story, told | {"run": "", "steps": "", "exhibits": ""}),
        (story.summaries[0], told["summaries"][0]),
        (story.summaries[0].last, told["summaries"][0]["last"]),
        (story.undo, codec.undo_object(story.undo)),
        (block("web", "2"), codec.block_object(block("web", "2"))),
        (good("web", "2"), codec.good_object(good("web", "2"))),
        (observation, codec.observation_object(observation)),
    ):
        assert {field.name for field in fields(value)} == set(written), type(value)
    names = {field.name for one in (story.rulings[0], story.rulings[0].reaction) for field in fields(one)}
    assert names - {"reaction"} == set(told["rulings"][0])
