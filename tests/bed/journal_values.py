"""What journals are filled with in tests, each value with the fewest words."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from reconciler.domain.blocking import Block, Good
from reconciler.domain.gate import Evidence, Sample
from reconciler.domain.journal import Exhibit, ExhibitKind, Run, SampleSummary, Story
from reconciler.domain.report import Result, Step
from reconciler.domain.severity import Reaction, Response, Ruling, Severity, Verdict
from reconciler.domain.undo import Undo, UndoState
from tests.domain.values import COMMIT, environment, image

ENV = environment()
AT = datetime(2026, 9, 30, 14, 4, 31, 123456, tzinfo=UTC)
HOSTILE = "it's; DROP TABLE run;--\0\x1b[2J\udcff\u202e🙂"


def run(at: datetime = AT) -> Run:
    changes = (("web", image("web", "1"), image("web", "2")), ("api", "", image("api", "1")))
    return Run("", "production", at, COMMIT, "web 2", "dev", changes)


def undo(name: str, state: UndoState = UndoState.PENDING) -> Undo:
    moves = (("web", image("web", "2"), image("web", "1")),)
    again = AT + timedelta(seconds=30)
    return Undo(name, COMMIT, moves, (f"web {image('web', '2')} h2",), "front: 500", state, "", "", 1, again)


def full_story(of: Run) -> Story:
    """A story in which every field says something."""
    sample = Sample("front", Evidence.BAD, 2.5, HOSTILE, final=True, severity=Severity.HIGH, seconds=0.25)
    ruling = Ruling(
        "front", Severity.HIGH, Verdict.FAIL, "500", Reaction(Response.ROLL_BACK, after_seconds=900)
    )
    return Story(
        run=replace(of, result=Result.ROLLED_BACK, seconds=12.5, reason="front: 500"),
        steps=(Step("pull", "web", 1.5), Step("gate", "web", 2.0, detail=HOSTILE, good=False)),
        verdict="fail",
        rule="high check front failed: roll back at once",
        rulings=(ruling,),
        summaries=(SampleSummary("gate", "front", 5, 2, 0.75, sample),),
        restored="pass",
        restored_reason="everything stayed good",
        exhibits=(
            Exhibit("shop-web-1", ExhibitKind.LOG, f"{HOSTILE}\r\nlast words\n"),
            Exhibit("shop-web-1", ExhibitKind.DESCRIPTION, '{"State": {}}'),
        ),
        gap_seconds={"web": 0.5},
        notes=("ahead of Git",),
        undo=undo(of.id),
        error="",
    )


def block(service: str, version: str, model: str = "h", **changed: object) -> Block:
    made = Block(service, image(service, version), model, "2.26.1", "0RUN", "front: 500", AT, ("front",))
    return replace(made, **changed)  # type: ignore[arg-type]  # fields of a block, by name


def good(service: str, version: str, model: str = "h") -> Good:
    return Good(service, image(service, version), model, "2.26.1", "0RUN", AT)
