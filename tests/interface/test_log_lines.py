"""The daemon's log, line by line."""

from __future__ import annotations

import io
import json
import logging
import os
import re
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from reconciler import __version__
from reconciler.adapters.state_files import schemas
from reconciler.domain.brakes import Brakes, Pause
from reconciler.domain.environment import Gate
from reconciler.domain.plan import Change
from reconciler.domain.report import EnvironmentHealth, Outcome, Report, Result, Step, Sync
from reconciler.domain.triggers import Cause, Wake
from reconciler.domain.undo import UndoState
from reconciler.errors import (
    EngineUnreachable,
    Finding,
    InvalidState,
    Locked,
    ReconcileError,
    Stale,
)
from reconciler.interface.service.log_line import Event, Form, Level, journal_reads
from reconciler.interface.service.log_lines import LogLines
from reconciler.interface.service.warnings_told import warnings_told
from tests.bed.fake_clock import FakeClock
from tests.interface import values as v

SCHEMA, OUTPUT = (schemas.load(name) for name in ("log", "output"))
REGISTRY = Registry().with_resource(OUTPUT["$id"], DRAFT202012.create_resource(OUTPUT))
VALID = Draft202012Validator(SCHEMA, registry=REGISTRY)
COMMIT, ENGINE = Wake(Cause.COMMIT, detail="refs/heads/main"), Wake(Cause.ENGINE, detail="die web-1")
NO_OP = replace(v.report(Result.NO_OP, v.plan(v.entry("web")), seconds=0.04))
RELEASED = v.report(
    Result.CONVERGED, v.plan(v.changed(), v.started("worker"), v.entry("db")), seconds=51.2, run=v.RUN
)
GONE = EngineUnreachable("the engine does not answer", hint="Is it running?")


class Clock(FakeClock):
    def now(self) -> datetime:
        return datetime(2026, 9, 30, 14, 4, 31, 250000, tzinfo=UTC) + timedelta(seconds=self.passed)


@dataclass
class Log:
    """Lines, in the form and down to the level that a test asks for."""

    form: Form = Form.TEXT
    level: Level = Level.INFO
    stream: io.StringIO = field(default_factory=io.StringIO)
    lines: LogLines = field(init=False)

    def __post_init__(self) -> None:
        self.lines = LogLines(self.stream, self.form, self.level, Clock(), {})

    @property
    def text(self) -> list[str]:
        return self.stream.getvalue().splitlines()

    @property
    def objects(self) -> list[dict[str, Any]]:
        found = [json.loads(line) for line in self.text]
        for one in found:
            VALID.validate(one)
        return found


def everything(log: LogLines) -> None:
    """One line of every kind."""
    log.daemon_started(["production", "staging"])
    log.signal_caught("SIGHUP", "looking at everything")
    log.begins(
        "production", [Wake(Cause.COMMIT, detail="refs/heads/main"), Wake(Cause.ENGINE, detail="die web-1")]
    )
    log.started("production", "pull", "backend", "1.8.2")
    log.finished("production", Step("pull", "backend", 8.13, "1.8.2"))
    log.started("production", "gate", "production")
    log.watching("production", "3 of 5 good")
    log.finished("production", Step("gate", "production", 25.0, good=False))
    log.ended(RELEASED, 60.0)
    log.watching("production", "check search: 503: alert")
    log.failed("staging", GONE, 4.2)
    log.note("", "a file is gone")
    log.daemon_stopping()


def test_a_line_says_when_where_what_and_needs_no_other() -> None:
    log = Log(level=Level.DEBUG)
    everything(log.lines)
    state = f"main@8f3c2d1, synced, healthy, run {v.RUN}"
    converged = f"backend 1.8.1 → 1.8.2, worker drift in 51s, {state}, next look in 1m00s"
    assert log.text == [
        f"14:04:31 reconcile  started      reconcile {__version__} watches production, staging",
        "14:04:31 reconcile  signal       SIGHUP: looking at everything",
        "14:04:31 production  begins       commit refs/heads/main, engine die web-1",
        "14:04:31 production  pull         backend  1.8.2  begins",
        "14:04:31 production  pull         backend  1.8.2  8.1s",
        "14:04:31 production  gate         begins",
        "14:04:31 production  gate         3 of 5 good",
        "14:04:31 production  gate         failed after 25s",
        f"14:04:31 production  converged    {converged}",
        "14:04:31 production  observe      check search: 503: alert",
        "14:04:31 staging  no pass      the engine does not answer. Is it running?, next look in 4.2s",
        "14:04:31 reconcile  note         a file is gone",
        "14:04:31 reconcile  stopping     what is in hand is finished, or undone",
    ]


def test_the_same_in_json_is_one_object_a_line_of_a_closed_set_of_events() -> None:
    log = Log(Form.JSON, Level.DEBUG)
    everything(log.lines)
    assert {one["event"] for one in log.objects} == set(Event)
    assert {one["at"] for one in log.objects} == {"2026-09-30T14:04:31.250Z"}
    assert all(re.fullmatch(r"[a-z_]+", name) for one in log.objects for name in one)


def test_a_pass_in_json() -> None:
    log = Log(Form.JSON)
    log.lines.begins("production", [Wake(Cause.COMMIT, detail="main"), Wake(Cause.COMMIT, detail="main")])
    log.lines.ended(RELEASED, 60.0)
    begun, ended = log.objects
    assert (begun["causes"], begun["details"], begun["wakes"]) == (["commit"], ["main"], 2)
    assert (ended["level"], ended["result"], ended["run"]) == ("info", "converged", v.RUN)
    assert (ended["duration_seconds"], ended["next_seconds"], ended["error"]) == (51.2, 60.0, None)
    assert [(one["name"], one["change"]) for one in ended["changes"]] == [
        ("backend", "change"),
        ("worker", "drift"),
    ]
    assert ended["changes"][0]["to"]["tag"] == "1.8.2"


def test_the_schema_of_a_line_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert set(SCHEMA["properties"]["event"]["enum"]) == set(Event)
    assert SCHEMA["properties"]["level"]["enum"] == [level.name.lower() for level in reversed(Level)]


def test_what_adapters_and_libraries_warn_of_is_a_line_like_every_other(
    capsys: pytest.CaptureFixture[str],
) -> None:
    log = Log(Form.JSON)
    with warnings_told(log.lines.warned):
        logging.getLogger("reconciler.adapters.host_state.damage").warning("%s is damaged", "a.journal")
        logging.getLogger("urllib3").info("nobody wants to know")
    logging.getLogger("reconciler").warning("as ever")
    (line,) = log.objects
    assert (line["level"], line["event"], line["words"]) == ("warning", "note", "a.journal is damaged")
    assert "damaged" not in capsys.readouterr().err


# --- how much a line matters -------------------------------------------------------------------------


def ended_at(report: Report) -> str:
    log = Log(Form.JSON, Level.DEBUG)
    log.lines.ended(report, 60.0)
    (told,) = log.objects
    return str(told["level"])


REJECTED = Outcome(Result.ROLLED_BACK, v.fail(v.sample("check front", "503")), v.passed())


@pytest.mark.parametrize(
    ("report", "level"),
    [
        (RELEASED, "info"),
        (NO_OP, "info"),
        (replace(RELEASED, health=EnvironmentHealth.DEGRADED), "warning"),
        (v.report(Result.ROLLED_BACK, v.plan(v.changed()), REJECTED), "warning"),
        (v.report(Result.ROLLBACK_FAILED, v.plan(v.changed()), REJECTED), "error"),
        (v.report(Result.FAILED, error=GONE), "error"),
        (v.report(Result.FAILED, error=Locked("another one acts")), "warning"),
        (v.report(Result.FAILED, error=Stale("the world moved")), "warning"),
    ],
)
def test_how_a_pass_ended_says_how_much_it_matters(report: Report, level: str) -> None:
    assert ended_at(report) == level


def test_a_pass_that_only_time_called_and_that_finds_nothing_new_is_no_news() -> None:
    log = Log()
    for cause in (Cause.START, Cause.INTERVAL, Cause.RETRY, Cause.INTERVAL):
        log.lines.begins("production", [Wake(cause)])
        log.lines.ended(NO_OP, 60.0)
    assert [line.split()[2] for line in log.text] == ["begins", "no-op"]


def test_what_has_changed_since_is_news_whoever_called_the_pass() -> None:
    log = Log()
    log.lines.ended(NO_OP, 60.0)
    for health in (EnvironmentHealth.DEGRADED, EnvironmentHealth.DEGRADED, EnvironmentHealth.HEALTHY):
        log.lines.begins("production", [Wake(Cause.INTERVAL)])
        log.lines.ended(replace(NO_OP, health=health), 60.0)
    assert [re.findall("healthy|degraded", line) for line in log.text] == [
        ["healthy"],
        ["degraded"],
        ["healthy"],
    ]


def test_each_failure_is_told_whoever_called_the_pass() -> None:
    log = Log()
    for _ in range(3):
        log.lines.begins("production", [Wake(Cause.RETRY)])
        log.lines.ended(v.report(Result.FAILED, error=GONE), 4.0)
    assert len(log.text) == 3


@pytest.mark.parametrize(
    ("level", "levels"),
    [
        (Level.DEBUG, {"debug", "info", "warning", "error"}),
        (Level.INFO, {"info", "warning", "error"}),
        (Level.WARNING, {"warning", "error"}),
        (Level.ERROR, {"error"}),
    ],
)
def test_the_level_leaves_out_what_matters_less(level: Level, levels: set[str]) -> None:
    log = Log(Form.JSON, level)
    everything(log.lines)
    assert {one["level"] for one in log.objects} == levels


# --- what it says ------------------------------------------------------------------------------------


def ends(report: Report, seconds: float = 0.0) -> str:
    log = Log()
    log.lines.ended(report, seconds)
    (line,) = log.text
    return line


def test_a_rejection_says_why_and_how_far_git_is() -> None:
    report = v.report(
        Result.ROLLED_BACK,
        v.plan(v.changed()),
        REJECTED,
        sync=Sync.OUT_OF_SYNC,
        undo=v.undo(UndoState.PENDING, "the remote does not answer"),
    )
    line = ends(report)
    assert "rolled-back  backend 1.8.1 → 1.8.2 in 51s, check front: 503" in line
    assert "ahead of Git: backend 1.8.2 → 1.8.1, the remote does not answer" in line


PAUSE = Pause("migrating the disk", "ada", v.AT)
HELD = v.entry("backend", Change.HELD, before=v.image("backend", "1.8.1", "1"), cause="paused by ada")


def test_what_people_hold_is_told_with_the_reason() -> None:
    report = replace(NO_OP, plan=v.plan(HELD), sync=Sync.PAUSED, brakes=Brakes(pause=PAUSE))
    assert "backend held: paused by ada, main@8f3c2d1, paused, healthy" in ends(report)
    log = Log(Form.JSON)
    log.lines.ended(report, 60.0)
    (told,) = log.objects
    assert (told["held"][0]["name"], told["held"][0]["cause"]) == ("backend", "paused by ada")
    assert (told["changes"], told["paused"]["by"], told["frozen"]) == ([], "ada", None)


def test_a_pause_is_news_although_nothing_waits_for_its_end() -> None:
    log = Log()
    for brakes in (Brakes(), Brakes(), Brakes(pause=PAUSE), Brakes(pause=PAUSE), Brakes()):
        log.lines.begins("production", [Wake(Cause.INTERVAL)])
        log.lines.ended(replace(NO_OP, brakes=brakes), 60.0)
    assert ["production is paused by ada" in line for line in log.text] == [False, True, False]


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (GONE, "engine_unreachable", "the engine does not answer. Is it running?"),
        (Locked("process 7 on ci-1 holds it"), "locked", "process 7 on ci-1 holds it"),
        (
            InvalidState("2 problems", findings=(Finding("b", 2, 1, "twice"), Finding("a", 1, 1, "typo"))),
            "invalid_state",
            "2 problems: a:1:1: typo, b:2:1: twice",
        ),
    ],
)
def test_an_error_says_what_it_is_and_what_to_do(error: ReconcileError, kind: str, words: str) -> None:
    report = v.report(Result.FAILED, error=error)
    assert words in ends(report)
    log = Log(Form.JSON)
    log.lines.ended(report, 4.0)
    log.lines.failed("production", error, 4.0)
    assert [one["error"]["kind"] for one in log.objects] == [kind, kind]


def test_a_burst_is_one_short_line() -> None:
    log = Log()
    log.lines.begins("production", [Wake(Cause.ENGINE, detail=f"die web-{n}") for n in range(1000)])
    (line,) = log.text
    assert line.endswith("engine die web-0, engine die web-1, 998 more")


def test_no_text_of_others_ends_a_line_or_moves_a_cursor() -> None:
    for form in Form:
        log = Log(form, Level.DEBUG)
        log.lines.begins(v.HOSTILE, [Wake(Cause.COMMIT, detail=v.HOSTILE)])
        log.lines.started(v.HOSTILE, v.HOSTILE, v.HOSTILE, v.HOSTILE)
        log.lines.finished(v.HOSTILE, Step(v.HOSTILE, v.HOSTILE, 1.0, v.HOSTILE))
        log.lines.watching("production", v.HOSTILE)
        log.lines.note(v.HOSTILE, v.HOSTILE)
        log.lines.failed("production", EngineUnreachable(v.HOSTILE, hint=v.HOSTILE), 1.0)
        judged = Outcome(Result.ROLLED_BACK, v.fail(v.sample(v.HOSTILE, v.HOSTILE)), notes=(v.HOSTILE,))
        log.lines.ended(
            v.report(Result.ROLLED_BACK, v.plan(v.changed(v.HOSTILE)), judged, run=v.HOSTILE), 1.0
        )
        assert len(log.text) == 7
        assert all(line.isprintable() for line in log.text)


# --- where it goes -----------------------------------------------------------------------------------


def test_the_journal_of_systemd_gets_the_level_and_no_time(tmp_path: Path) -> None:
    with (tmp_path / "journal").open("w+") as stream:
        there = os.fstat(stream.fileno())
        environ = {"JOURNAL_STREAM": f"{there.st_dev}:{there.st_ino}"}
        lines = LogLines(stream, Form.TEXT, Level.INFO, Clock(), environ)
        lines.note("production", "a note")
        lines.failed("production", GONE, 4.0)
        lines = LogLines(stream, Form.JSON, Level.INFO, Clock(), environ)
        lines.ended(v.report(Result.FAILED, error=Locked("held")), 4.0)
        stream.seek(0)
        note, failed, ended = stream.read().splitlines()
    assert note == "<6>production  note         a note"
    assert failed.startswith("<3>production  no pass ")
    assert ended.startswith('<4>{"at":')


def test_a_stream_that_was_redirected_is_not_the_journals(tmp_path: Path) -> None:
    with (tmp_path / "one").open("w") as one, (tmp_path / "other").open("w") as other:
        there = os.fstat(other.fileno())
        environ = {"JOURNAL_STREAM": f"{there.st_dev}:{there.st_ino}"}
        assert journal_reads(other, environ)
        assert not journal_reads(one, environ)
    assert not journal_reads(other, environ), "it is closed"
    assert not journal_reads(io.StringIO(), environ)


def test_a_reader_that_left_ends_nothing() -> None:
    reading, writing = os.pipe()
    with os.fdopen(writing, "w", buffering=1) as stream:
        lines = LogLines(stream, Form.TEXT, Level.DEBUG, Clock(), {})
        os.close(reading)
        everything(lines)
        os.dup2(os.open(os.devnull, os.O_WRONLY), writing)


def test_a_stream_that_was_closed_ends_nothing() -> None:
    stream = io.StringIO()
    stream.close()
    everything(LogLines(stream, Form.TEXT, Level.DEBUG, Clock(), {}))


def test_after_a_line_that_was_lost_the_next_one_is_written() -> None:
    class Full(io.StringIO):
        full = True

        def flush(self) -> None:
            if self.full:
                self.truncate(0)
                self.seek(0)
                raise OSError(28, "No space left on device")

    stream = Full()
    lines = LogLines(stream, Form.TEXT, Level.INFO, Clock(), {})
    lines.note("production", "lost")
    stream.full = False
    lines.note("production", "there")
    assert [line.split()[-1] for line in stream.getvalue().splitlines()] == ["there"]


def test_progress_that_is_no_event_is_not_told() -> None:
    log = Log(level=Level.DEBUG)
    log.lines.expect("production", Gate(60.0, 10.0))
    log.lines.tick()
    log.lines.close()
    assert log.text == []
