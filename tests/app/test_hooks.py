"""Hooks at the four moments: when they run, what they are told, and what their failure means."""

from __future__ import annotations

import pytest

from reconciler.domain.data import Data, Hook, HookFailure, Moment
from reconciler.domain.environment import Gate, GitPolicy, Rollback
from reconciler.domain.report import Report, Result
from reconciler.errors import HookFailed
from reconciler.ports import Ran
from tests.app.crashes import killed_at_failpoint, settled
from tests.app.passes import Passes
from tests.app.rejections import rejected
from tests.app.scene import Scene
from tests.domain.values import check, environment, svc

NOTE = HookFailure.NOTE
BEFORE = Hook(Moment.BEFORE_RELEASE, ("dump", "-Fc"), "web")
OUTSIDE = Hook(Moment.BEFORE_RELEASE, ("snapshot",))
AFTER = Hook(Moment.AFTER_RELEASE, ("warm",), "web", failure=NOTE)
BACK = Hook(Moment.AFTER_ROLLBACK, ("tell",), "web", failure=NOTE)


def stage(*hooks: Hook, rollback: GitPolicy = GitPolicy.PUSH) -> Passes:
    gate = Gate(5.0, 0.0, (check(),))
    env = environment(gate=gate, rollback=Rollback(rollback), data=Data(hooks=hooks))
    passes = Passes(Scene((svc("web"), svc("db")), env=env)).up()
    passes.scene.hooks.ran.clear()
    passes.scene.hooks.images.clear()
    return passes


def ran(passes: Passes) -> list[str]:
    return [program for program, _, _ in passes.scene.hooks.ran]


def details(report: Report) -> dict[str, str]:
    return {step.subject: step.detail for step in report.steps if step.verb == "hook"}


def test_a_release_is_told_to_its_hooks_before_and_after() -> None:
    passes = stage(BEFORE, AFTER, BACK)
    commit = passes.release(web="2")
    report = passes.once()
    assert report.result is Result.CONVERGED
    told = {
        "RECONCILE_ENVIRONMENT": "production",
        "RECONCILE_REVISION": commit,
        "RECONCILE_RUN": report.run,
        "RECONCILE_SERVICES": "web",
    }
    before, after = passes.scene.hooks.ran
    assert before == ("dump", {**told, "RECONCILE_MOMENT": "before-release"}, "db:1 web:1")
    assert after == (
        "warm",
        {**told, "RECONCILE_MOMENT": "after-release", "RECONCILE_RESULT": "converged"},
        "db:1 web:2",
    )
    assert passes.scene.hooks.images == ["web:2", "web:2"], "the image of the release"
    assert details(report) == {
        "before-release": "web: dump\ndump is done",
        "after-release": "web: warm\nwarm is done",
    }


def test_a_rollback_is_told_to_its_hooks_in_what_runs_again() -> None:
    passes = stage(BEFORE, AFTER, BACK)
    report = rejected(passes, web="2")
    assert ran(passes) == ["dump", "tell"]
    _, told, running = passes.scene.hooks.ran[-1]
    assert (told["RECONCILE_MOMENT"], told["RECONCILE_RESULT"]) == ("after-rollback", "rolled-back")
    assert running == "db:1 web:1"
    assert passes.scene.hooks.images == ["web:2", "web:1"]
    assert passes.pinned()["web"] == "1", "Git was told first"
    assert report.result is Result.ROLLED_BACK


@pytest.mark.parametrize(
    ("happens", "done"),
    [("stopped", "start"), ("removed", "create"), ("nothing", "")],
)
def test_repairs_have_no_hooks(happens: str, done: str) -> None:
    passes = stage(BEFORE, OUTSIDE, AFTER, BACK)
    world = passes.scene.world
    if happens == "stopped":
        world.stop("shop-web-1", 0.0)
    elif happens == "removed":
        world.vanish("shop-web-1")
    report = passes.once()
    assert report.result is (Result.CONVERGED if done else Result.NO_OP)
    assert ran(passes) == []


@pytest.mark.parametrize("hook", [BEFORE, OUTSIDE], ids=["in a container", "on the host"])
@pytest.mark.parametrize(
    ("answer", "how"),
    [
        (Ran(3, "connecting\nno space left\n"), "exited with 3: no space left"),
        (Ran(None, ""), "did not end within 60 s"),
    ],
)
def test_a_failing_hook_stops_the_release_with_nothing_touched(hook: Hook, answer: Ran, how: str) -> None:
    passes = stage(hook, AFTER, BACK)
    passes.scene.hooks.answers[hook.command[0]] = answer
    before = passes.scene.there()
    passes.release(web="2")
    report = passes.once()
    assert report.result is Result.FAILED
    assert isinstance(report.error, HookFailed)
    assert report.error.problem.startswith(f"hook before-release: {hook.command[0]} ")
    assert report.error.problem.endswith(how)
    assert "nothing that serves was touched" in report.error.hint
    assert passes.scene.there() == before
    touched = {call.split()[0] for call in passes.scene.did}
    assert touched <= {"tag", "create_templates", "succeed", "remove", "stop"}
    assert not [c for c in passes.scene.did if c.startswith("stop") and "run" not in c]
    assert ran(passes) == [hook.command[0]]
    assert passes.journal.blocked == []
    passes.scene.hooks.answers.clear()
    assert passes.once().result is Result.CONVERGED, "and the next pass tries again"


def test_a_hook_that_cannot_be_started_stops_the_release_too() -> None:
    passes = stage(OUTSIDE, BEFORE)
    passes.scene.hooks.missing.add("snapshot")
    passes.release(web="2")
    report = passes.once()
    assert "snapshot cannot be started" in str(report.error)
    assert ran(passes) == [], "and those after it do not run"
    assert passes.scene.running() == "db-1=1 web-1=1"


@pytest.mark.parametrize("code", [1, None])
def test_a_hook_whose_failure_is_a_note_stops_nothing(code: int | None) -> None:
    hook = Hook(Moment.BEFORE_RELEASE, ("dump",), "web", failure=NOTE)
    passes = stage(hook, AFTER)
    passes.scene.hooks.answers = {"dump": Ran(code, "no"), "warm": Ran(code, "never")}
    passes.release(web="2")
    report = passes.once()
    assert report.result is Result.CONVERGED
    notes = (*(report.outcome.notes if report.outcome else ()), *report.notes)
    assert [note.split(":")[0] for note in notes] == ["hook before-release", "hook after-release"]
    assert passes.scene.leftovers() == []


def test_a_failing_hook_after_a_rollback_does_not_hide_why_it_was_rolled_back() -> None:
    passes = stage(BACK)
    passes.scene.hooks.answers["tell"] = Ran(7, "nobody listens")
    report = rejected(passes, web="2")
    assert report.result is Result.ROLLED_BACK
    assert report.outcome is not None
    assert "web" in report.outcome.judgement.reason
    assert any("tell in a container of web exited with 7: nobody listens" in note for note in report.notes)
    assert report.error is None


def test_several_hooks_of_a_moment_run_in_their_order() -> None:
    second = Hook(Moment.BEFORE_RELEASE, ("second",), "db")
    passes = stage(OUTSIDE, second, BEFORE)
    passes.release(web="2")
    assert list(details(passes.once())) == ["before-release 1", "before-release 2", "before-release 3"]
    assert ran(passes) == ["snapshot", "second", "dump"]


def test_a_way_back_is_not_stopped_by_a_hook() -> None:
    passes = stage(BEFORE)
    passes.release(web="2")
    assert passes.once().result is Result.CONVERGED
    passes.scene.hooks.answers["dump"] = Ran(1, "no")
    passes.release(web="1")
    report = passes.once()
    assert report.result is Result.CONVERGED
    assert report.outcome is not None
    assert any("dump" in note for note in report.outcome.notes)


def test_hooks_are_not_asked_again_for_a_release_that_was_switched_before_the_pass_was_killed() -> None:
    passes = stage(BEFORE, AFTER)
    passes.release(web="2")
    assert killed_at_failpoint(passes, "step.gate:before", 1)
    assert ran(passes) == ["dump"]
    assert passes.once().result is Result.CONVERGED
    assert ran(passes) == ["dump", "warm"]


@pytest.mark.parametrize("point", ["engine.start:before", "step.hook:before", "step.hook:after"])
def test_killed_around_a_hook_the_next_pass_begins_again_and_leaves_no_container(point: str) -> None:
    passes = stage(BEFORE, AFTER, BACK)
    passes.release(web="2")
    assert killed_at_failpoint(passes, point, 1)
    settled(passes)
    assert passes.scene.running() == "db-1=1 web-1=2"
    assert passes.scene.leftovers() == []


def test_the_container_of_a_killed_pass_is_no_instance_of_its_service_and_goes() -> None:
    passes = stage(BEFORE)
    passes.scene.hooks.answers["dump"] = Ran(None, "")
    hook = passes.scene.env.data.hooks[0]
    passes.scene.hooks.run(passes.scene.env, (), hook, {}, {})
    assert passes.scene.leftovers() == ["shop-web-run-1"]
    passes.release(web="2")
    passes.scene.hooks.answers.clear()
    settled(passes)
    assert passes.scene.there() == "db-1=1 web-1=2"
