"""Killed at any point of a backup or a restore: the data are one or the other, and the next run goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

import pytest

from reconciler.app.guarded import guarded
from reconciler.domain.backups import MARKER, Purpose
from reconciler.domain.report import Result
from reconciler.domain.restoring import NOTE, Ending, Phase, furthest
from reconciler.errors import DataFailed
from tests.app.restores import RUNS, Restores, bad_release, written_since
from tests.bed.fake_faults import Killed
from tests.bed.fake_turns import FakePauses


@dataclass
class Deadly:
    """Kills the program when the `at`-th failpoint is reached; `passed` are those before it."""

    restores: Restores
    at: int
    passed: list[str] = field(default_factory=list)

    def reached(self, name: str) -> None:
        self.passed.append(name)
        if len(self.passed) == self.at:
            self.restores.server.die()
            self.restores.passes.scene.world.die_at(1)
            raise Killed

    @contextmanager
    def guard(self, change: str) -> Iterator[None]:
        self.reached(f"{change}:before")
        yield
        self.reached(f"{change}:after")


def killed_at(restores: Restores, at: int, act: Callable[[], object]) -> str:
    """Let something be killed at its `at`-th failpoint, which is returned; empty where it ends before."""
    deadly = Deadly(restores, at)
    passes, pauses = restores.passes, restores.passes.pauses
    passes.scene.failpoint = deadly.reached
    passes.pauses = guarded(pauses, "pauses", ("pauses.begin", "pauses.end"), deadly.guard)
    try:
        act()
    except Killed:
        return deadly.passed[at - 1]
    finally:
        passes.scene.failpoint = lambda _name: None
        passes.pauses = pauses
        restores.server.revive()
        passes.scene.world.revive()
    return ""


def test_killed_anywhere_in_a_restore_a_second_run_finishes_it() -> None:
    at, reached = 1, set[str]()
    while True:
        restores, stamp, then, now = bad_release()
        point = killed_at(restores, at, partial(restores.go_back, stamp))
        if not point:
            break
        reached.add(point)
        as_it_may_be_left(restores, then, now, point)
        again = restores.go_back(stamp)
        assert (again.ending, again.error) == (Ending.RESTORED, None), point
        all_well(restores, then, point)
        back = restores.go_back(kept(restores))
        assert (back.ending, restores.says()) == (Ending.RESTORED, now), point
        at += 1
    assert at > 60
    assert {name.partition(":")[0] for name in reached} >= {
        "documents.create",
        "documents.replicate",
        "documents.write",
        "documents.set_note",
        "documents.set_security",
        "engine.stop",
        "engine.start",
        "engine.set_restart_policy",
        "pauses.begin",
        "pauses.end",
        "step.backup",
        "step.restore",
        "step.stop",
        "step.start",
        "step.verify",
    }


def test_killed_anywhere_it_can_be_taken_back() -> None:
    at = 1
    while True:
        restores, stamp, _, now = bad_release()
        point = killed_at(restores, at, partial(restores.go_back, stamp))
        if not point:
            break
        note = furthest(restores.backups.restoring().values())
        if note is not None and note.phase is Phase.RESTORING:
            back = restores.go_back(next(iter(note.present.values()))[-15:])
            assert back.ending is Ending.RESTORED
            all_well(restores, now, point)
        at += 1
    assert at > 60


def test_killed_twice_in_the_same_restore() -> None:
    for first in range(20, 100, 7):
        for second in range(1, 60, 9):
            restores, stamp, then, _ = bad_release()
            killed_at(restores, first, partial(restores.go_back, stamp))
            killed_at(restores, second, partial(restores.go_back, stamp))
            restores.go_back(stamp)
            all_well(restores, then, f"{first}, {second}")


def as_it_may_be_left(restores: Restores, then: object, now: object, point: str) -> None:
    """Exactly one or the other; or half of each, and then it says so, and nothing that writes runs on it."""
    scene, says = restores.passes.scene, restores.says()
    note = furthest(restores.backups.restoring().values())
    if says in (then, now) and (note is None or note.phase is not Phase.RESTORING):
        return
    assert note is not None, point
    assert note.phase is Phase.RESTORING, point
    scene.world.restart_engine()
    assert restores.passes.once().result is Result.NO_OP
    assert restores.running == "proxy-1=1", point
    for name in note.present.values():
        assert MARKER in restores.server.there[name].notes, "what was there before is kept"
    with pytest.raises(DataFailed):
        restores.back_up()


def kept(restores: Restores) -> str:
    """The stamp of the newest backup of what was there before a restore."""
    made = (b for b in restores.backups.listed().backups if b.purpose == Purpose.RESTORE)
    return next(made).name[-15:]


def all_well(restores: Restores, wanted: object, point: str) -> None:
    """The data are as they should be, everything runs as it did, and nothing is left of it."""
    scene = restores.passes.scene
    assert restores.says() == wanted, point
    assert restores.running == RUNS, point
    assert [box.policy for box in scene.containers] == ["unless-stopped", "always", "always"], point
    assert NOTE not in restores.kompass.notes, point
    assert NOTE not in restores.server.there["team/notes"].notes, point
    assert restores.passes.pauses == FakePauses(), point
    assert not restores.passes.leases.turns.kept, point


def test_killed_anywhere_in_a_backup_what_has_a_marker_is_whole() -> None:
    at = 1
    while True:
        restores, _, then, now = bad_release()
        point = killed_at(restores, at, restores.back_up)
        if not point:
            break
        listed = restores.backups.listed()
        for backup in listed.backups:
            assert restores.server.there[backup.name].says() in (
                *(now[backup.source], then[backup.source]),
            ), point
        assert restores.says() == now, "a backup changes nothing"
        written_since_again(restores)
        latest = restores.says()
        made = restores.back_up()
        assert all(name not in restores.server.there for name in listed.partial), "what was begun is gone"
        written_since(restores)
        assert restores.go_back(made.backups[0].name[-15:]).ending is Ending.RESTORED
        assert restores.says() == latest
        at += 1
    assert at > 15


def written_since_again(restores: Restores) -> None:
    restores.kompass.put("order-0", {"total": "once more"})
    restores.kompass.put("order-3", {"total": 3})
    restores.kompass.put("order-1", {"total": 1})
    restores.kompass.put("order-2", {"total": 2})
