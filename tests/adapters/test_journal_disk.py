"""The file of a journal on disks that are read-only or full, and in the hands of others."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.adapters.host_state import Place, SqliteJournal
from reconciler.domain.journal import Exhibit, ExhibitKind
from reconciler.errors import PermissionRefused
from tests.bed.journal_files import ENGINE, HASHES, TOP, asides, child, closed, finished, said
from tests.bed.journal_values import ENV, full_story, run

OBEYS_MODES = ("setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-dac_override")
"""As root, without the capability that makes permissions void; as another user, this changes nothing."""


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


def test_nobody_else_can_read_it(place: Place, journal: SqliteJournal, file: Path) -> None:
    old = os.umask(0)
    try:
        finished(journal)
    finally:
        os.umask(old)
    modes = {one.name: one.stat().st_mode & 0o777 for one in file.parent.iterdir()}
    assert modes == {file.name: 0o600, f"{file.name}-wal": 0o600, f"{file.name}-shm": 0o600}
    assert file.parent.stat().st_mode & 0o777 == 0o700
    journal.close()
    file.chmod(0o644)
    assert len(SqliteJournal(place).runs(ENV)) == 1
    assert file.stat().st_mode & 0o777 == 0o600


def test_reading_makes_nothing(place: Place, journal: SqliteJournal) -> None:
    assert journal.kept(ENV) == {}
    assert journal.story(ENV, "0") is None
    assert not place.folder.exists()


def test_reading_loads_sqlite_only_where_there_is_a_journal(place: Place) -> None:
    code = "tell(journal.kept(ENV), journal.blocks(ENV))"
    head = "import sys; sys.modules['sqlite3'] = None\n"
    plain = (
        "from pathlib import Path; from reconciler.adapters.host_state import Place, SqliteJournal\n"
        "from tests.domain.values import environment\n"
        f"journal = SqliteJournal(Place(Path({str(place.folder)!r}), 'e'))\n"
        "ENV, tell = environment(), print\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", head + plain + code], capture_output=True, text=True, cwd=TOP, check=False
    )
    assert (done.stdout, done.stderr) == ("{} ()\n", "")


def linked(file: Path) -> None:
    target = file.with_name("target")
    file.rename(target)
    file.symlink_to(target)


def linked_to_nothing(file: Path) -> None:
    file.unlink()
    file.symlink_to("nowhere")


def a_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


def a_pipe(file: Path) -> None:
    file.unlink()
    os.mkfifo(file)


UNTRUSTED: dict[str, tuple[Callable[[Path], object], str]] = {
    "a link": (linked, "symbolic link"),
    "a link to nothing": (linked_to_nothing, "symbolic link"),
    "a folder": (a_folder, "not a regular file"),
    "a pipe": (a_pipe, "not a regular file"),
    "written by a group": (lambda file: file.chmod(0o660), "other users can write it"),
    "written by all": (lambda file: file.chmod(0o602), "other users can write it"),
    "in a folder of all": (lambda file: file.parent.chmod(0o777), "other users can write"),
}


@pytest.mark.parametrize("how", UNTRUSTED)
def test_what_others_can_have_written_is_refused(place: Place, journal: SqliteJournal, how: str) -> None:
    spoil, why = UNTRUSTED[how]
    file = closed(place)
    spoil(file)
    for action in (lambda: journal.kept(ENV), lambda: journal.keep(ENV, {})):
        with pytest.raises(PermissionRefused, match=why):
            action()
    assert asides(file) == []


def test_a_file_of_another_owner_is_refused(
    place: Place, journal: SqliteJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed(place)
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    for action in (lambda: journal.kept(ENV), lambda: journal.keep(ENV, {})):
        with pytest.raises(PermissionRefused, match="belongs to the user with id"):
            action()


READ_ONLY = """
tell(journal.kept(ENV) == HASHES, len(journal.runs(ENV)), journal.blocks(ENV) == (block("web", "2"),))
for action in (lambda: journal.keep(ENV, {}), lambda: journal.begin(ENV, run()), lambda: finished(journal)):
    try: action()
    except PermissionRefused as refused: tell("RECONCILE_STATE_DIR" in str(refused))
tell(journal.kept(ENV) == HASHES)
"""


@pytest.mark.parametrize("file_mode", [0o600, 0o400], ids=["folder", "folder and file"])
def test_a_state_directory_that_is_read_only(place: Place, file_mode: int) -> None:
    """It is read as ever, and nothing is begun."""
    file = closed(place)
    before = file.read_bytes()
    file.chmod(file_mode)
    place.folder.chmod(0o500)
    try:
        assert said(child(place, READ_ONLY, *OBEYS_MODES)).split() == ["True", "10", *["True"] * 5]
    finally:
        place.folder.chmod(0o700)
    assert file.read_bytes() == before
    assert asides(file) == []


def test_a_disk_that_is_full(place: Place, journal: SqliteJournal) -> None:
    """The pass is refused, what was there stays, and with more room it goes on."""
    closed(place)
    journal._of(ENV).write(lambda db: db.execute("PRAGMA max_page_count = 1"))
    exhibit = Exhibit("web", ExhibitKind.LOG, "x" * 1_000_000)
    name = journal.begin(ENV, run())
    story = replace(full_story(replace(run(), id=name)), exhibits=(exhibit,))
    with pytest.raises(PermissionRefused, match="no space is left on the device"):
        journal.finish(ENV, story)
    assert journal.kept(ENV) == HASHES
    assert [one.result for one in journal.runs(ENV, limit=1)] == [None], "not half of it"
    journal.close()
    journal.finish(ENV, story)
    assert journal.story(ENV, name) == story
    assert asides(place.file(ENV, "journal")) == []


NO_ROOM = """
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.stdin.readline()), resource.RLIM_INFINITY))
try:
    for minute in range(1000): finished(journal, 100 + minute)
except PermissionRefused as refused: tell("refused")
"""


@pytest.mark.parametrize("room", [0, 100, 4096, 50_000, 300_000])
def test_a_disk_that_takes_no_more(place: Place, journal: SqliteJournal, room: int) -> None:
    file = closed(place)
    process = child(place, NO_ROOM)
    answer, _ = process.communicate(f"{room}\n", timeout=60)
    assert (answer, process.returncode) == ("refused\n", 0)
    assert journal.kept(ENV) == HASHES
    known = journal.runs(ENV)
    assert len(known) >= 10
    assert all(journal.story(ENV, one.id) is not None for one in known)
    assert asides(file) == []


FULL = """
resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
tell(journal.kept(ENV) == HASHES, len(journal.runs(ENV)))
try: journal.keep(ENV, {})
except PermissionRefused as refused: tell("no space is left on the device" in str(refused))
tell(journal.kept(ENV) == HASHES)
"""


@pytest.mark.parametrize("killed", [False, True], ids=["closed", "killed"])
def test_a_full_disk_is_read_as_ever(place: Place, tmp_path: Path, killed: bool) -> None:
    """SQLite makes a file beside the journal to read it, and there is no room for one."""
    file, runs = closed(place), 10
    if killed:  # what it wrote last is in the log
        place, journal = Place(tmp_path / "copy", ENGINE), SqliteJournal(place)
        finished(journal, runs)
        runs += 1
        place.make()
        for ending in ("", "-wal"):
            shutil.copy(f"{file}{ending}", place.folder)
        journal.close()
    assert said(child(place, FULL)).split() == ["True", str(runs), "True", "True"]
    assert asides(place.file(ENV, "journal")) == []


def test_a_state_directory_that_goes_away_meanwhile(place: Place, journal: SqliteJournal) -> None:
    file = closed(place)
    assert journal.kept(ENV) == HASHES
    for one in file.parent.iterdir():
        one.unlink()
    file.parent.rmdir()
    assert journal.kept(ENV) == {}
    story = finished(journal)
    assert SqliteJournal(place).story(ENV, story.run.id) == story
