"""The lock of one host: a file that nobody removes, and what happens where somebody does."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Collection
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from reconciler.adapters.host_state import LockFile, Place
from reconciler.errors import Locked
from tests.bed.fake_clock import FakeClock
from tests.domain.values import environment

ENV = environment()


@dataclass
class MeanwhileClock:
    """A clock with which something happens while somebody waits for the first time."""

    meanwhile: Callable[[], object]
    clock: FakeClock = field(default_factory=FakeClock)

    def now(self) -> datetime:
        return self.clock.now()

    def monotonic(self) -> float:
        return self.clock.monotonic()

    def wait(self, seconds: float) -> None:
        if not self.clock.passed:
            self.meanwhile()
        self.clock.wait(seconds)

    def wait_for_any(self, pending: Collection[Future[Any]], seconds: float) -> None:
        self.clock.wait_for_any(pending, seconds)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "state", "unix:///engine.sock")


def test_one_holds_it_and_the_other_is_told(place: Place) -> None:
    lock, other = LockFile(place, FakeClock()), LockFile(place, FakeClock())
    with lock.hold(ENV, 0.0):
        for wait in (0.0, 5.0):
            with pytest.raises(Locked, match="process"), other.hold(ENV, wait):
                pytest.fail("two hold it")
    with other.hold(ENV, 0.0):
        pass


def test_a_disk_without_room_for_the_name_of_the_holder_gives_the_lock_all_the_same(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "pwrite", full)
    lock, other = LockFile(place, FakeClock()), LockFile(place, FakeClock())
    with lock.hold(ENV, 0.0), pytest.raises(Locked, match="another process"), other.hold(ENV, 0.0):
        pytest.fail("two hold it")


def test_the_identity_is_that_of_the_lock_and_of_no_other(place: Place) -> None:
    lock = LockFile(place, FakeClock())
    elsewhere = LockFile(Place(place.folder / "another", place.engine), FakeClock())
    with lock.hold(ENV, 0.0) as first, elsewhere.hold(ENV, 0.0) as other:
        assert first != other
    with lock.hold(ENV, 0.0) as again:
        assert again == first


def test_c_07_whoever_comes_after_a_deletion_has_another_identity(place: Place) -> None:
    """Two hold a lock of this host then; the lease on the engine tells them apart, and lets one act."""
    lock = LockFile(place, FakeClock())
    with lock.hold(ENV, 0.0) as first:
        place.file(ENV, "lock").unlink()
        with lock.hold(ENV, 0.0) as second:
            assert first != second


@pytest.mark.parametrize("anew", [False, True])
def test_c_07_what_was_deleted_while_it_was_waited_for_is_no_lock(place: Place, anew: bool) -> None:
    """A third one has the new file, where there is one: whoever got the deleted file has to wait for it."""
    path = place.file(ENV, "lock")
    first = LockFile(place, FakeClock()).hold(ENV, 0.0)
    third = LockFile(place, FakeClock()).hold(ENV, 0.0)
    first.__enter__()

    def meanwhile() -> None:
        path.unlink()
        if anew:
            third.__enter__()
        first.__exit__(None, None, None)

    waiting = LockFile(place, MeanwhileClock(meanwhile)).hold(ENV, 5.0)
    if anew:
        with pytest.raises(Locked), waiting:
            pytest.fail("two hold it")
        third.__exit__(None, None, None)
    else:
        with waiting as identity:
            assert f"{path.stat().st_ino:x}" == identity.rpartition(":")[2]
