"""Rows H-03, H-05, H-08 to H-12, H-14, 17 and X-05: what is done about a bad release, over several passes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from reconciler.app.observation import observe
from reconciler.app.parachute import PREFIX, protecting_tag
from reconciler.domain.comparison import Seen
from reconciler.domain.environment import Environment, Gate, GitPolicy, Rollback
from reconciler.domain.plan import Change
from reconciler.domain.report import Report, Result, Sync
from reconciler.domain.severity import Verdict
from reconciler.domain.undo import UndoState
from reconciler.errors import EngineFailed, Refused
from tests.app.passes import PINS, Passes, pins_text
from tests.app.scene import Scene
from tests.bed.fake_container import Behaviour, image_id
from tests.bed.fake_outside import BAD, GOOD, NO_EVIDENCE
from tests.domain.values import check, digest, environment, image, svc, url


def pushing() -> Environment:
    return environment(gate=Gate(5.0, 1.0, (check(),)), rollback=Rollback(GitPolicy.PUSH))


def running(version: str = "1") -> Passes:
    """Version 1 runs, with a check that says so; Git is told of what is rejected."""
    return Passes(Scene((svc("web", version),), env=pushing())).up()


def answers(passes: Passes, answer: Callable[[], Seen]) -> None:
    """What the check gets to see."""
    passes.scene.probe.answers[url("front")] = lambda _count: answer()


def bad_while(passes: Passes, version: str) -> None:
    """The check is bad while this version runs."""
    answers(passes, lambda: BAD if passes.scene.running().endswith(f"={version}") else GOOD)


def nothing_more(passes: Passes, times: int = 10) -> None:
    """That many passes change nothing, here or in Git."""
    passes.scene.world.calls.clear()
    commits = passes.commits()
    for _ in range(times):
        assert passes.once().result is Result.NO_OP
    assert passes.scene.did == []
    assert passes.commits() == commits


def entry(report: Report) -> Change:
    assert report.plan is not None
    return report.plan.entries[0].change


def test_h_03_good_in_the_gate_and_bad_later() -> None:
    """A release that was kept is watched on; what fails then is taken back, and undone in Git."""
    passes = running()
    passes.scene.attended = True
    release = passes.release(web="2")
    report = passes.once()
    assert report.result is Result.CONVERGED
    bad_while(passes, "2")
    seen = observe(passes.reconciler, report)
    assert seen is not None
    assert seen.report is not None
    assert seen.report.result is Result.ROLLED_BACK
    assert passes.scene.running() == "web-1=1"
    assert passes.pinned() == {"web": "1"}
    assert seen.report.undo is not None
    assert (seen.report.undo.state, seen.report.undo.release) == (UndoState.DONE, release)
    nothing_more(passes)


def test_h_05_what_flaps_is_released_once() -> None:
    """It restarts now and then: rejected, and no pass after that brings it again."""
    passes = running()
    passes.scene.behave("web", "2", Behaviour(crashes=1, crashes_after=3))
    passes.release(web="2")
    assert passes.once().result is Result.ROLLED_BACK
    nothing_more(passes)
    assert passes.scene.running() == "web-1=1"


def test_h_08_the_way_of_the_probe_is_broken_and_not_the_application() -> None:
    """No evidence is no pass; but nothing is undone in Git, and it is tried again once it can be judged."""
    passes = running()
    answers(passes, lambda: NO_EVIDENCE)
    passes.release(web="2")
    report = passes.once()
    assert report.outcome is not None
    assert report.outcome.judgement.verdict is Verdict.INCONCLUSIVE
    assert passes.scene.running() == "web-1=1"
    nothing_more(passes, times=2)
    assert passes.pinned() == {"web": "2"}
    answers(passes, lambda: GOOD)
    assert passes.once().result is Result.CONVERGED
    assert passes.scene.running() == "web-1=2"


def test_h_09_the_predecessor_fails_the_same_check() -> None:
    """Degraded, said so, and neither is deleted; the release is not to blame, and tried again later."""
    passes = running()
    answers(passes, lambda: BAD)
    passes.release(web="2")
    report = passes.once()
    assert report.result is Result.ROLLBACK_FAILED
    assert report.outcome is not None
    assert report.outcome.exonerated == ("check front",)
    assert passes.scene.running() == "web-1=1"
    nothing_more(passes)
    assert passes.pinned() == {"web": "2"}
    answers(passes, lambda: GOOD)
    assert passes.once().result is Result.CONVERGED


def test_h_10_without_the_image_to_go_back_to_there_is_no_release() -> None:
    passes = running()
    passes.scene.world.fail("tag", error=EngineFailed("no such image"))
    passes.release(web="2")
    report = passes.once()
    assert isinstance(report.error, Refused)
    assert "no way back" in report.error.problem
    assert passes.scene.running() == "web-1=1"
    assert not [call for call in passes.scene.did if not call.startswith("tag")]


def test_h_11_a_bad_release_that_is_proposed_again_by_another_commit() -> None:
    passes = running()
    bad_while(passes, "2")
    passes.release(web="2")
    assert passes.once().result is Result.ROLLED_BACK
    assert passes.pinned() == {"web": "1"}
    passes.release("Surely it works by now", web="2")
    assert entry(passes.once()) is Change.BLOCKED
    nothing_more(passes)
    passes.journal.unblock(passes.scene.env, ["web"], passes.scene.clock.now() + timedelta(days=9))
    answers(passes, lambda: GOOD)
    assert passes.once().result is Result.CONVERGED


def test_h_12_a_third_release_arrives_while_a_bad_one_is_undone() -> None:
    """Git is not moved back over it, and it is released next."""
    passes = running()
    bad_while(passes, "2")
    passes.release(web="2")
    passes.scene.world.local.add(image("web", "3").replace(":3", ""))
    passes.repository.before_push.append({PINS: pins_text({"web": image("web", "3")})})
    report = passes.once()
    assert report.undo is not None
    assert (report.result, report.undo.state) == (Result.ROLLED_BACK, UndoState.SUPERSEDED)
    assert passes.once().result is Result.CONVERGED
    assert passes.scene.running() == "web-1=3"
    assert passes.pinned() == {"web": "3"}


@pytest.mark.parametrize("remembered", [True, False])
def test_row_17_nothing_that_did_not_run_here_is_gone_back_to(*, remembered: bool) -> None:
    """Somebody slips an old image in before a release that must fail: what ran is the only way back."""
    passes = running()
    if not remembered:
        passes.journal.goods.clear()
    passes.release(web="0")
    passes.release(web="2")
    bad_while(passes, "2")
    assert passes.once().result is Result.ROLLED_BACK
    assert (passes.scene.running(), passes.pinned()) == ("web-1=1", {"web": "1"})


def test_h_14_the_first_release_of_all_fails() -> None:
    """Nothing is left of it, and Git is not "reverted" to nothing."""
    passes = Passes(Scene((svc("web"),), env=pushing()))
    answers(passes, lambda: BAD)
    commits = passes.commits()
    report = passes.once()
    assert report.result is Result.ROLLBACK_FAILED
    assert passes.scene.there() == ""
    assert passes.commits() == commits
    assert report.undo is not None
    assert report.undo.state is UndoState.IMPOSSIBLE
    nothing_more(passes)
    assert passes.once().sync is Sync.OUT_OF_SYNC


def test_x_05_only_what_is_older_than_the_last_good_releases_loses_its_protection() -> None:
    """What runs, what it would go back to, and what others named stays."""
    passes = running()
    world, env = passes.scene.world, passes.scene.env
    others = f"registry/web:{PREFIX}another-project"
    world.image_tags[others] = image_id(image("web", "1"))
    for version in "23456789":
        passes.release(web=version)
        assert passes.once().result is Result.CONVERGED
    newest = [protecting_tag(env, image_id(image("web", version))) for version in "98765432"]
    ours = {name.rpartition(":")[2] for name in world.image_tags if f":{PREFIX}shop" in name}
    assert ours == set(newest[1 : env.rollback.keep + 1]), "what ran before what runs"
    assert others in world.image_tags
    assert f"registry/web@{digest('9')}" in world.local
