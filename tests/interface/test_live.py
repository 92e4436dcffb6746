"""Progress as people see it: on a real pseudo-terminal, through a pipe, and when nobody reads any more."""

from __future__ import annotations

import fcntl
import io
import os
import re
import struct
import termios
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TextIO

import pytest

from reconciler.domain.environment import Gate
from reconciler.domain.report import Step
from reconciler.interface.render.live import LiveRows, PlainRows, Rows, Silence, rows_for, ticking
from reconciler.interface.render.style import Style
from reconciler.ports import Clock
from tests.bed.fake_clock import FakeClock
from tests.bed.screen import Screen
from tests.interface.values import HOSTILE

PLAIN = Style()
TERMINAL = {"TERM": "xterm"}


@dataclass(slots=True)
class Terminal:
    """Both ends of a pseudo-terminal."""

    master: int
    stream: TextIO
    screen: Screen

    def shown(self) -> str:
        """What a person sees by now."""
        self.stream.flush()
        os.set_blocking(self.master, False)
        while True:
            try:
                self.screen.feed(os.read(self.master, 65536).decode())
            except BlockingIOError:
                return self.screen.text


@contextmanager
def terminal(columns: int = 100, lines: int = 24) -> Iterator[Terminal]:
    master, slave = os.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
    with os.fdopen(slave, "w", encoding="utf-8") as stream:
        yield Terminal(master, stream, Screen(columns))
    os.close(master)


class Moving(FakeClock):
    """A clock that is moved by hand."""

    def now(self) -> datetime:
        return datetime(2026, 9, 30, 14, 4, 47, tzinfo=UTC) + timedelta(seconds=self.passed)


def test_a_terminal_has_one_row_for_each_running_step() -> None:
    clock = Moving()
    with terminal() as pty:
        rows = rows_for(pty.stream, PLAIN, clock, TERMINAL)
        assert isinstance(rows, LiveRows)
        rows.expect("production", Gate(timeout_seconds=60, soak_seconds=30))
        rows.started("production", "pull", "web")
        rows.started("staging", "pull", "web", "1.5.0")
        clock.passed = 8.1
        rows.finished("production", Step("pull", "web", 8.1, "1.4.2"))
        rows.started("production", "gate", "production")
        rows.watching("production", "3 of 5 good, check web: 503")
        clock.passed = 29.9
        rows.tick()
        assert pty.shown() == (
            "production  pull     web  1.4.2  8.1s\n"
            "staging  pull     web  1.5.0  29s\n"
            "production  gate     21s of 1m30s: 3 of 5 good, check web: 503"
        )
        rows.finished("production", Step("gate", "production", 21.8))
        rows.finished("staging", Step("pull", "web", 29.9, good=False))
        assert pty.shown() == (
            "production  pull     web  1.4.2  8.1s\n"
            "production  gate     22s\n"
            "staging  pull     web  failed after 30s"
        )


def test_the_rows_are_gone_at_the_end() -> None:
    with terminal() as pty:
        rows = LiveRows(pty.stream, PLAIN, Moving())
        rows.started("production", "gate", "production")
        assert pty.shown() == "production  gate     0s"
        rows.close()
        assert pty.shown() == ""


def test_no_row_wraps_or_leaves_the_screen() -> None:
    with terminal(columns=40, lines=6) as pty:
        rows = LiveRows(pty.stream, PLAIN, Moving())
        for number in range(20):
            rows.started("production", "pull", f"service-{number} " + "x" * 80)
        lines = pty.shown().split("\n")
        assert len(lines) == 4
        assert lines[-1] == "… 17 more"
        assert all(len(line) < 40 for line in lines)


def test_a_terminal_that_tells_no_size_is_taken_for_an_ordinary_one() -> None:
    with terminal(columns=0, lines=0) as pty:
        rows = LiveRows(pty.stream, Style(width=50), Moving())
        rows.started("production", "pull", "x" * 200)
        assert len(pty.shown()) == 49


@pytest.mark.parametrize("environ", [{"TERM": "xterm", "NO_COLOR": "1"}, {"TERM": "dumb"}, {"TERM": ""}, {}])
def test_a_terminal_that_should_not_be_drawn_on_gets_lines(environ: dict[str, str]) -> None:
    with terminal() as pty:
        rows = rows_for(pty.stream, PLAIN, Moving(), environ)
        assert isinstance(rows, PlainRows)
        rows.started("production", "gate", "production")
        assert pty.shown() == "14:04:47 production  gate     begins"


def _piped(clock: Clock) -> tuple[Rows, io.StringIO]:
    stream = io.StringIO()
    rows = rows_for(stream, PLAIN, clock, TERMINAL)
    assert isinstance(rows, PlainRows)
    return rows, stream


def test_a_pipe_gets_lines_that_need_no_other_and_heartbeats() -> None:
    clock = Moving()
    rows, stream = _piped(clock)
    rows.expect("production", Gate(timeout_seconds=60, soak_seconds=30))
    rows.started("production", "switch", "web-1")
    rows.finished("production", Step("switch", "web-1", 0.4))
    rows.started("production", "gate", "production")
    rows.watching("production", "0 of 5 good")
    for _ in range(24):
        clock.passed += 1
        if clock.passed == 21:
            rows.watching("production", "3 of 5 good, check web: 503")
        rows.tick()
    rows.finished("production", Step("gate", "production", 24.0))
    rows.close()
    assert stream.getvalue().split("\n") == [
        "14:04:47 production  switch   web-1  0.40s",
        "14:04:47 production  gate     begins",
        "14:04:49 production  gate     2s of 1m30s: 0 of 5 good",
        "14:04:59 production  gate     12s of 1m30s: 0 of 5 good",
        "14:05:08 production  gate     21s of 1m30s: 3 of 5 good, check web: 503",
        "14:05:11 production  gate     24s",
        "",
    ]


def test_a_check_that_flaps_does_not_flood_a_log() -> None:
    clock = Moving()
    rows, stream = _piped(clock)
    rows.started("production", "gate", "production")
    for number in range(80):
        clock.passed += 0.125
        rows.watching("production", f"{number} looks")
    assert stream.getvalue().count("\n") == 1 + 5


def test_a_pull_shows_that_it_is_alive() -> None:
    clock = Moving()
    rows, stream = _piped(clock)
    rows.started("production", "pull", "web")
    clock.passed = 10
    rows.tick()
    assert stream.getvalue().split("\n")[1] == "14:04:57 production  pull     web  10s"


def test_what_is_seen_while_no_gate_is_open_is_said_as_well() -> None:
    rows, stream = _piped(Moving())
    rows.watching("production", "check search: 503: roll back after 15 min")
    assert stream.getvalue() == ("14:04:47 production  observe  check search: 503: roll back after 15 min\n")
    with terminal() as pty:
        LiveRows(pty.stream, PLAIN, Moving()).watching("production", "check search: 503")
        assert pty.shown() == "production  observe  check search: 503"


@pytest.mark.parametrize("kind", [LiveRows, PlainRows])
def test_a_reader_that_left_ends_the_showing_and_nothing_else(kind: type[LiveRows | PlainRows]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    stream = os.fdopen(writing, "w", buffering=1)
    closed = io.StringIO()
    closed.close()
    for gone in (stream, closed):
        rows = kind(gone, PLAIN, Moving())
        for _ in range(3):
            rows.started("production", "gate", "production")
            rows.watching("production", "x")
            rows.tick()
            rows.finished("production", Step("gate", "production", 1.0))
        rows.close()
    assert isinstance(rows_for(closed, PLAIN, Moving(), TERMINAL), PlainRows)
    with pytest.raises(BrokenPipeError):
        stream.close()


@pytest.mark.parametrize("kind", [LiveRows, PlainRows])
def test_text_of_others_cannot_move_the_cursor_or_give_commands(kind: type[LiveRows | PlainRows]) -> None:
    stream, clock = io.StringIO(), Moving()
    rows = kind(stream, PLAIN, clock)
    rows.watching(HOSTILE, HOSTILE)
    rows.started(HOSTILE, "gate", f"{HOSTILE}2")
    clock.passed = 3
    rows.watching(HOSTILE, HOSTILE)
    rows.finished(HOSTILE, Step("gate", f"{HOSTILE}2", 1.0, HOSTILE))
    written = stream.getvalue()
    assert re.sub(r"\r\x1b\[1A\x1b\[J", "", written).replace("\n", "").isprintable()
    assert not re.search(r"^\s*::.*::|##\w*\[", written, re.MULTILINE)


def test_environments_side_by_side_never_garble_each_other() -> None:
    stream, number = io.StringIO(), 8
    rows = PlainRows(stream, PLAIN, Moving())
    gathered = threading.Barrier(number)

    def act(name: str) -> None:
        gathered.wait()
        for at in range(200):
            rows.started(name, "switch", str(at))
            rows.tick()
            rows.finished(name, Step("switch", str(at), 1.0))

    threads = [threading.Thread(target=act, args=(f"env-{i}",)) for i in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = stream.getvalue().split("\n")[:-1]
    assert len(lines) == 200 * number
    assert all(re.fullmatch(r"14:04:47 env-\d  switch   \d+  1\.0s", line) for line in lines)


def test_time_passes_for_the_rows_while_something_runs_and_they_are_closed_after_it() -> None:
    ticked, closed = threading.Event(), threading.Event()

    class Watched(Silence):
        def tick(self) -> None:
            ticked.set()

        def close(self) -> None:
            closed.set()

    def run() -> None:
        with ticking(Watched(), 0.001):
            assert ticked.wait(20)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run()
    assert closed.is_set()
    assert not [thread for thread in threading.enumerate() if thread.name == "rows"]
