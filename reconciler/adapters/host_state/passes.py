"""Passes in the journal's tables: runs with their steps, stories and exhibits, and undoings in Git."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.adapters.host_state import codec, story_codec
from reconciler.adapters.host_state.run_ids import as_typed, ordinal, run_id
from reconciler.domain.journal import Run, Story
from reconciler.domain.report import Step
from reconciler.domain.undo import Undo, UndoState

if TYPE_CHECKING:
    from sqlite3 import Connection

MOST_RUNS = 1000
MOST_EXHIBITED = 100
"""How many passes keep their exhibits."""
MOST_PENDING = 20
"""How many undoings back one that is pending is looked for."""


def begin(db: Connection, run: Run) -> str:
    """Open a pass under the id of its start, or the next one that is free."""
    number = ordinal(run.started_at)
    while db.execute("SELECT 1 FROM run WHERE id = ?", (run_id(number),)).fetchone():
        number += 1
    begun = replace(run, id=run_id(number))
    db.execute("INSERT INTO run (id, data) VALUES (?, ?)", (begun.id, codec.encoded(codec.run_object(begun))))
    return begun.id


def end_step(db: Connection, run: str, step: Step) -> None:
    """Write down how a step ended: in the place of the oldest open one that is the same, else behind all."""
    rows = db.execute(
        "SELECT step.run, number, step.data FROM step JOIN run ON sequence = step.run "
        "WHERE id = ? AND story IS NULL ORDER BY number",
        (run,),
    )
    for sequence, number, data in rows:
        one = codec.decoded(codec.step_from, data)
        if not one.finished and (one.verb, one.subject) == (step.verb, step.subject):
            ended = codec.encoded(codec.step_object(step))
            db.execute("UPDATE step SET data = ? WHERE run = ? AND number = ?", (ended, sequence, number))
            return
    add_step(db, run, step)


def add_step(db: Connection, run: str, step: Step) -> None:
    """Append a step to an open pass. Where there is none (a new journal was begun meanwhile), it is lost."""
    db.execute(
        "INSERT INTO step SELECT sequence, (SELECT count(*) FROM step WHERE run = sequence), ? "
        "FROM run WHERE id = ? AND story IS NULL",
        (codec.encoded(codec.step_object(step)), run),
    )


def close(db: Connection, story: Story) -> None:
    """Write down all of a pass, also of one that is not there any more."""
    run = story.run
    values = (run.id, codec.encoded(codec.run_object(run)), codec.encoded(story_codec.story_object(story)))
    db.execute(
        "INSERT INTO run (id, data, story) VALUES (?, ?, ?) "
        "ON CONFLICT (id) DO UPDATE SET data = excluded.data, story = excluded.story",
        values,
    )
    (sequence,) = db.execute("SELECT sequence FROM run WHERE id = ?", (run.id,)).fetchone()
    steps = [codec.step_object(step) for step in story.steps]
    exhibits = [story_codec.exhibit_object(exhibit) for exhibit in story.exhibits]
    for table, objects in (("step", steps), ("exhibit", exhibits)):
        db.execute(f"DELETE FROM {table} WHERE run = ?", (sequence,))  # noqa: S608  # our own names
        rows = [(sequence, number, codec.encoded(one)) for number, one in enumerate(objects)]
        db.executemany(f"INSERT INTO {table} VALUES (?, ?, ?)", rows)  # noqa: S608


def prune(db: Connection) -> None:
    """Drop what is too old: by the order of writing, because clocks are set back."""
    newest = "(SELECT sequence FROM run ORDER BY sequence DESC LIMIT 1 OFFSET ?)"
    db.execute(f"DELETE FROM exhibit WHERE run <= {newest}", (MOST_EXHIBITED,))  # noqa: S608
    db.execute(f"DELETE FROM run WHERE sequence <= {newest}", (MOST_RUNS,))  # noqa: S608
    db.execute(
        "DELETE FROM undo WHERE run NOT IN (SELECT id FROM run) "
        "AND sequence < (SELECT max(sequence) FROM undo)"
    )


def runs(db: Connection, limit: int) -> tuple[Run, ...]:
    """The passes, newest first."""
    rows = db.execute("SELECT data FROM run ORDER BY sequence DESC LIMIT ?", (limit or -1,))
    return tuple(codec.decoded(codec.run_from, data) for (data,) in rows)


def story(db: Connection, typed: str) -> Story | None:
    """The one pass whose id begins as was typed."""
    start = as_typed(typed)
    query = "SELECT sequence, data, story FROM run WHERE id >= ? AND id < ? LIMIT 2"
    found = db.execute(query, (start, f"{start}~")).fetchall() if start else []
    if len(found) != 1:
        return None
    sequence, data, told = found[0]
    step_rows = db.execute("SELECT data FROM step WHERE run = ? ORDER BY number", (sequence,)).fetchall()
    rows = db.execute("SELECT data FROM exhibit WHERE run = ? ORDER BY number", (sequence,)).fetchall()
    run = codec.decoded(codec.run_from, data)
    steps = tuple(codec.decoded(codec.step_from, text) for (text,) in step_rows)
    exhibits = tuple(codec.decoded(story_codec.exhibit_from, text) for (text,) in rows)
    whole = codec.decoded(lambda written: story_codec.story_from(written, run, steps, exhibits), told or "{}")
    return replace(whole, undo=_undo_of(db, whole.undo.run if whole.undo else run.id) or whole.undo)


def undo(db: Connection) -> Undo | None:
    """The oldest undoing that is pending, else the one that was begun last."""
    newest = db.execute("SELECT data FROM undo ORDER BY sequence DESC LIMIT ?", (MOST_PENDING,))
    begun = [codec.decoded(codec.undo_from, data) for (data,) in newest]
    pending = [one for one in begun if one.state is UndoState.PENDING]
    return next(iter([*pending[-1:], *begun]), None)


def note_undo(db: Connection, noted: Undo) -> None:
    """Begin an undoing, or write down how far it has come; that does not make it a later one."""
    db.execute(
        "INSERT INTO undo (run, data) VALUES (?, ?) ON CONFLICT (run) DO UPDATE SET data = excluded.data",
        (noted.run, codec.encoded(codec.undo_object(noted))),
    )


def _undo_of(db: Connection, run: str) -> Undo | None:
    found = db.execute("SELECT data FROM undo WHERE run = ?", (run,)).fetchone()
    return codec.decoded(codec.undo_from, found[0]) if found else None
