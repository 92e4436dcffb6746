"""Killed at any point of a rejected release: what ran before runs, the pin is blocked, Git is told once."""

from __future__ import annotations

import pytest

from reconciler.domain.report import Result
from reconciler.errors import RepositoryUnreachable
from tests.app.crashes import CASES, Rejected, all_well, killed_at, killed_writing, settled

each = pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
some = pytest.mark.parametrize(
    "case", [CASES[name] for name in ("one", "two", "a check of two", "for review")]
)
both = pytest.mark.parametrize("after", [False, True], ids=["before", "after"])


@each
def test_without_a_crash_all_is_well(case: Rejected) -> None:
    passes = case.stage()
    settled(passes)
    all_well(passes, case)


@each
@both
def test_killed_at_any_change_on_the_host(case: Rejected, after: bool) -> None:
    call = 1
    while killed_at(passes := case.stage(), call, after=after):
        settled(passes)
        all_well(passes, case)
        call += 1
    assert call > 7


@each
def test_killed_and_then_the_engine_restarts(case: Rejected) -> None:
    call = 1
    while killed_at(passes := case.stage(), call, after=False):
        passes.scene.world.restart_engine()
        settled(passes)
        all_well(passes, case)
        call += 1


@some
def test_killed_and_then_git_cannot_be_reached_for_a_while(case: Rejected) -> None:
    down = RepositoryUnreachable("the remote does not answer")
    call = 1
    while killed_at(passes := case.stage(), call, after=False):
        passes.repository.troubles += [down] * 5
        for _ in range(12):
            passes.once()
            passes.scene.clock.passed += 120.0
        settled(passes)
        all_well(passes, case)
        call += 1


@some
def test_killed_and_then_a_new_release(case: Rejected) -> None:
    """It is released, whatever was foreseen of the last one; and Git is not moved behind a person's back."""
    call = 1
    while killed_at(passes := case.stage(), call, after=False):
        passes.release("The next one", **dict.fromkeys(case.release, "3"))
        passes.repository.pushed.clear()
        for _ in range(5):
            if passes.once().result is Result.NO_OP:
                break
        assert {passes.pinned()[name] for name in case.release} == {"3"}
        assert passes.commits()[-1] == "The next one"
        assert passes.scene.leftovers() == []
        versions = dict(one.rpartition("=")[::2] for one in passes.scene.running().split())
        assert {versions[name] for name in versions if name.rpartition("-")[0] in case.release} == {"3"}
        call += 1


@some
@both
def test_killed_at_any_write_to_journal_or_git(case: Rejected, after: bool) -> None:
    at = 1
    while killed_writing(passes := case.stage(), at, after=after):
        settled(passes)
        all_well(passes, case)
        at += 1
    assert at > 8


def test_the_pass_that_finishes_an_undoing_claims_no_success() -> None:
    """The one that rejected the release was killed before it could say so."""
    passes = CASES["one"].stage()
    call = 1
    while killed_at(passes, call, after=True) and not passes.journal.blocked:
        passes, call = CASES["one"].stage(), call + 1
    assert passes.journal.blocked, "it was killed on the way back"
    report = passes.once()
    assert report.result is Result.ROLLED_BACK
    assert report.outcome is not None
    assert report.outcome.judgement.reason == passes.journal.blocked[0].reason
    assert report.outcome.restored is not None
    settled(passes)
    all_well(passes, CASES["one"])
