"""The loop's signs of life: for the service manager, and in a file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import inf
from pathlib import Path

import pytest

from reconciler.interface.service.heartbeat import (
    LONGEST_DRAIN_SECONDS,
    Heartbeat,
    heartbeat_file,
    silence_seconds,
    this_boot,
)
from reconciler.interface.service.sd_notify import ServiceManager
from tests.bed.service_manager import Manager, manager

TURN_SECONDS = 0.25


@dataclass
class Loop:
    """A daemon's loop, turned by hand."""

    manager: Manager
    file: Path
    watchdog_seconds: float = 0.0
    now: float = 1000.0
    ends: bool = False
    stopped: int = 0
    heartbeat: Heartbeat = field(init=False)

    def __post_init__(self) -> None:
        service = ServiceManager(self.manager.address, self.watchdog_seconds)
        self.heartbeat = Heartbeat(
            service, self.file, "a-boot", lambda: self.ends, self._stops, lambda: self.now
        )

    def turn(self, seconds: float = 0.0) -> list[str]:
        """One turn, or as many as fit into the time; the names of what was told."""
        until, told = self.now + seconds, self._beat()
        while self.now < until:
            self.now += TURN_SECONDS
            told += self._beat()
        return told

    def _stops(self) -> None:
        self.stopped += 1

    def _beat(self) -> list[str]:
        self.heartbeat.beat()
        return [name for told in self.manager.told() for name in told if name != "STATUS"]

    def silence(self, after: float = 0.0, boot: str = "a-boot") -> float:
        return silence_seconds(self.file, self.now + after, boot)


@pytest.fixture
def listening(tmp_path: Path) -> Iterator[Manager]:
    with manager(str(tmp_path / "notify")) as there:
        yield there


@pytest.fixture
def loop(listening: Manager, tmp_path: Path) -> Loop:
    return Loop(listening, tmp_path / "state" / "watch.heartbeat")


def test_the_first_turn_says_ready_once(loop: Loop) -> None:
    assert loop.turn() == ["READY"]
    assert loop.turn(60.0) == []


def test_the_watchdog_is_fed_three_times_in_its_period(listening: Manager, tmp_path: Path) -> None:
    loop = Loop(listening, tmp_path / "watch.heartbeat", watchdog_seconds=90.0)
    assert loop.turn() == ["READY", "WATCHDOG"]
    assert loop.turn(29.0) == []
    assert loop.turn(61.0) == ["WATCHDOG"] * 3


def test_who_ends_says_so_and_asks_for_more_time_but_not_for_ever(loop: Loop) -> None:
    loop.turn()
    loop.ends = True
    assert loop.turn() == ["STOPPING", "EXTEND_TIMEOUT_USEC"]
    assert loop.turn(60.0) == ["EXTEND_TIMEOUT_USEC"] * 6
    loop.turn(LONGEST_DRAIN_SECONDS)
    assert loop.turn(60.0) == []
    assert loop.stopped == 1


def test_a_loop_that_turns_no_more_can_say_it_too(loop: Loop) -> None:
    loop.turn()
    loop.heartbeat.stopping()
    loop.heartbeat.stopping()
    assert [told["STOPPING"] for told in loop.manager.told()] == ["1"]
    assert loop.stopped == 1


def test_a_reload_is_one_that_ends(loop: Loop) -> None:
    loop.heartbeat.reloaded()
    assert [list(told) for told in loop.manager.told()] == [["RELOADING", "MONOTONIC_USEC"], ["READY"]]


def test_the_file_says_how_long_ago_the_loop_turned(loop: Loop) -> None:
    loop.turn()
    assert loop.silence() == 0.0
    assert loop.silence(after=61.0) == 61.0
    loop.turn(100.0)
    assert loop.silence() <= 5.0


def test_a_file_of_an_earlier_boot_says_nothing(loop: Loop) -> None:
    loop.turn()
    assert loop.silence(boot="another") == inf


def test_the_file_is_the_owners_alone(loop: Loop) -> None:
    loop.turn()
    assert loop.file.stat().st_mode & 0o777 == 0o600
    assert loop.file.parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("written", ["", "a-boot", "a-boot soon\n", "\n\n", "a-boot 1 2"])
def test_a_damaged_file_is_no_sign_of_life(loop: Loop, written: str) -> None:
    loop.turn()
    loop.file.write_text(written)
    assert loop.silence() == inf


def test_no_daemon_no_sign_of_life(loop: Loop) -> None:
    assert loop.silence() == inf
    loop.turn()
    loop.heartbeat.ended()
    assert loop.silence() == inf
    loop.heartbeat.ended()


def test_a_state_directory_that_cannot_be_written_ends_nothing(listening: Manager, tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file")
    loop = Loop(listening, tmp_path / "state" / "watch.heartbeat")
    assert loop.turn(60.0) == ["READY"]
    assert loop.silence() == inf
    loop.heartbeat.ended()


def test_a_link_in_its_place_is_not_followed(loop: Loop, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    loop.file.parent.mkdir()
    loop.file.symlink_to(victim)
    loop.turn(60.0)
    assert victim.read_text() == "precious"


def test_each_set_of_environments_has_a_file_of_its_own(tmp_path: Path) -> None:
    one, other = heartbeat_file(tmp_path, ["production"]), heartbeat_file(tmp_path, ["staging"])
    assert len({one, other, heartbeat_file(tmp_path, []), heartbeat_file(tmp_path, ["a,b"])}) == 4
    assert heartbeat_file(tmp_path, ["b", "a", "b"]) == heartbeat_file(tmp_path, ["a", "b"])


def test_this_boot_is_told_by_the_kernel() -> None:
    assert this_boot() == this_boot() != ""
    assert os.sep not in this_boot()
