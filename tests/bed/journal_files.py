"""Journals in files for tests: one that says something, and processes that use one."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from reconciler.adapters.host_state import Place, SqliteJournal
from reconciler.domain.journal import Story
from tests.bed.journal_values import AT, ENV, block, full_story, run

ENGINE = "unix:///engine.sock"
HASHES = {"web": "1" * 64}
TOP = Path(__file__).parents[2]


def closed(place: Place) -> Path:
    """The file of a journal that says something, closed as at the end of a process."""
    journal = SqliteJournal(place)
    journal.keep(ENV, HASHES)
    for minute in range(10):
        finished(journal, minute)
    journal.block(ENV, [block("web", "2")])
    journal.close()
    return place.file(ENV, "journal")


def finished(journal: SqliteJournal, minute: int = 0) -> Story:
    name = journal.begin(ENV, run(AT + timedelta(minutes=minute)))
    story = full_story(replace(run(AT + timedelta(minutes=minute)), id=name))
    journal.finish(ENV, story)
    return story


def child(place: Place, code: str, *before: str) -> subprocess.Popen[str]:
    """A process that runs ``code`` with ``journal``; its answers are lines, and it waits for ours."""
    head = (
        "import resource, sys; from pathlib import Path; from reconciler.errors import PermissionRefused\n"
        "from reconciler.adapters.host_state import passes; from reconciler.domain.report import Step\n"
        "from tests.bed.journal_files import *; from tests.bed.journal_values import good\n"
        "journal = SqliteJournal(Place(Path(sys.argv[1]), ENGINE))\n"
        "def tell(*words): print(*words, flush=True)\n"
    )
    return subprocess.Popen(
        [*before, sys.executable, "-c", head + code, str(place.folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=TOP,
    )


def said(process: subprocess.Popen[str]) -> str:
    """All that a child says, once it ended well."""
    answer, _ = process.communicate("go\n", timeout=60)
    assert process.returncode == 0, answer
    return answer.strip()


def asides(file: Path) -> list[Path]:
    return sorted(file.parent.glob(f"{file.name}.damaged-*"))
