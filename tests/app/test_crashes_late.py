"""Killed at any point while a release that failed late is taken back."""

from __future__ import annotations

import pytest

from reconciler.app.converge import Late
from reconciler.domain.gate import Judgement
from reconciler.domain.report import Report, Result
from reconciler.domain.severity import Verdict
from tests.app.crashes import Rejected, all_well, killed_at, killed_writing, settled
from tests.app.passes import Passes
from tests.bed.fake_outside import BAD, GOOD
from tests.domain.values import image, svc

both = pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
LATE = Rejected((svc("api"), svc("web")), broken=(), checked=True)


def kept() -> Passes:
    """Version 2 of `web` was kept, and its check fails since."""
    passes = LATE.stage()
    passes.scene.answer("front", lambda _: GOOD)
    assert passes.once().result is Result.CONVERGED
    running, bad = passes.scene.world.running, image("web", "2")
    passes.scene.answer("front", lambda _: BAD if bad in running().values() else GOOD)
    return passes


def take_back(passes: Passes) -> Report:
    """What an observation does when it comes to that."""
    run = passes.journal.runs(passes.scene.env)[0].id
    judgement = Judgement(Verdict.FAIL, "check front: 500 Internal Server Error")
    moved = (("web", image("web", "1"), image("web", "2")),)
    return passes.reconciler.run_once(Late(passes.reconciler.look().desired, run, moved, judgement))


def well_or_as_before(passes: Passes) -> None:
    """Killed before anything was written down, the release goes on as if nobody had looked at it."""
    if passes.journal.blocked:
        all_well(passes, LATE, late=True)
    else:
        assert (passes.scene.there(), passes.pinned()["web"]) == ("api-1=1 web-1=2", "2")


def test_what_failed_late_is_taken_back() -> None:
    passes = kept()
    assert take_back(passes).result is Result.ROLLED_BACK
    settled(passes)
    all_well(passes, LATE, late=True)


@both
def test_killed_at_any_change_while_it_is_taken_back(after: bool) -> None:
    call = 1
    while killed_at(passes := kept(), call, after=after, act=take_back):
        settled(passes)
        all_well(passes, LATE, late=True)
        call += 1
    assert call > 7


@both
def test_killed_at_any_write_while_it_is_taken_back(after: bool) -> None:
    at = 1
    while killed_writing(passes := kept(), at, after=after, act=take_back):
        settled(passes)
        well_or_as_before(passes)
        at += 1
    assert at > 8
