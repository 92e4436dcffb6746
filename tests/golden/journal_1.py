"""What stands in `journal-1`, a journal in format 1. `python -m tests.golden.journal_1` wrote it, once.

Whoever changes the format adds a file of the new one, and leaves this one as it is.
"""

from __future__ import annotations

import shutil
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from reconciler.adapters.host_state import Place, SqliteJournal
from reconciler.domain.blocking import Block, Good
from reconciler.domain.environment import Environment
from reconciler.domain.gate import Evidence, Sample
from reconciler.domain.journal import Exhibit, ExhibitKind, Observation, Run, SampleSummary, Story
from reconciler.domain.report import Result, Step, Verb
from reconciler.domain.severity import Reaction, Response, Ruling, Severity, Verdict
from reconciler.domain.undo import Undo, UndoState
from tests.domain.values import environment

FILE = Path(__file__).with_name("journal-1")
ENV: Environment = environment()
OLD, NEW = (f"registry/web:{n}@sha256:{str(n) * 64}" for n in (1, 2))
COMMIT = "8f3c2d1aa0b1c2d3e4f5061728394a5b6c7d8e9f"
AT = datetime(2026, 11, 26, 22, 30, 15, 123456, tzinfo=UTC)
LATER = datetime(2026, 11, 26, 22, 31, 0, tzinfo=UTC)

REJECTED = Run(
    "01M8CZP5AK",
    "production",
    AT,
    COMMIT,
    "web 2",
    "dev",
    (("web", OLD, NEW),),
    Result.ROLLED_BACK,
    12.5,
    "check front: 503",
)
UNDONE = Undo(
    REJECTED.id,
    COMMIT,
    (("web", NEW, OLD),),
    (f"web {NEW} hash",),
    "check front: 503",
    UndoState.PENDING,
    "",
    "the remote does not answer",
    2,
    LATER,
)
STORY = Story(
    REJECTED,
    steps=(Step(Verb.PULL, "web", 1.5, "2"), Step(Verb.GATE, "production", 2.0, good=False)),
    verdict="fail",
    rule="critical check front failed: roll back at once",
    rulings=(
        Ruling("check front", Severity.CRITICAL, Verdict.FAIL, "503", Reaction(Response.ROLL_BACK)),
        Ruling("check slow", Severity.HIGH, Verdict.FAIL, "slow", Reaction(Response.ROLL_BACK, 900.0)),
    ),
    summaries=(
        SampleSummary(
            "gate",
            "check front",
            5,
            2,
            0.75,
            Sample("check front", Evidence.BAD, 2.5, "503", True, Severity.CRITICAL, 0.25),
        ),
    ),
    restored="pass",
    restored_reason="everything stayed good",
    exhibits=(
        Exhibit("shop-web-1", ExhibitKind.LOG, "last words\n"),
        Exhibit("shop-web-1", ExhibitKind.DESCRIPTION, '{"State": {}}'),
    ),
    gap_seconds={"web": 0.5},
    notes=("ahead of Git",),
    undo=UNDONE,
)
KILLED = Story(
    Run("01M8CZQH50", "production", LATER, COMMIT, "web 2", "dev", (("web", OLD, NEW),)),
    steps=(Step(Verb.PULL, "web", 1.5, "2"), Step.begun(Verb.SWITCH, "shop-web-1")),
)
BLOCK = Block("web", NEW, "hash", "2.26.1", REJECTED.id, "check front: 503", AT, ("check front",))
GOOD = Good("web", OLD, "hash", "2.26.1", "01M8CZ0000", AT)
OBSERVATION = Observation("01M8CZ0000", COMMIT, LATER, (("check slow", LATER),))
KEPT = {"web": "hash", "db": "another"}


def write(folder: Path) -> Path:
    """Write such a journal with the present version of the program."""
    place = Place(folder, "unix:///engine.sock")
    journal = SqliteJournal(place)
    journal.keep(ENV, KEPT)
    journal.finish(ENV, STORY)
    journal.note_undo(ENV, UNDONE)
    journal.block(ENV, [BLOCK])
    journal.unblock(ENV, ["api"], LATER)
    journal.note_good(ENV, [GOOD])
    journal.observe(ENV, OBSERVATION)
    run = journal.begin(ENV, Run("", *_begun(KILLED.run)))
    journal.begin_step(ENV, run, Verb.PULL, "web", "2")
    journal.step(ENV, run, KILLED.steps[0])
    journal.begin_step(ENV, run, Verb.SWITCH, "shop-web-1", "")
    journal.close()
    return place.file(ENV, "journal")


def _begun(run: Run) -> tuple[str, datetime, str, str, str, tuple[tuple[str, str, str], ...]]:
    return run.environment, run.started_at, run.revision, run.subject, run.by, run.changes


if __name__ == "__main__":
    assert not FILE.exists(), "it is never written again"
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(write(Path(folder)), FILE)
