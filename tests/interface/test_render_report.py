"""The end of a pass as people see it."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.domain.blocking import Kept
from reconciler.domain.contract import explained
from reconciler.domain.data import Contract
from reconciler.domain.gate import Evidence, Judgement
from reconciler.domain.plan import Change, Replace
from reconciler.domain.report import EnvironmentHealth, Outcome, Result, Staying, Step
from reconciler.domain.severity import Severity, Verdict
from reconciler.domain.undo import Undo, UndoState
from reconciler.errors import EngineUnreachable, PullFailed
from reconciler.interface.render.rejection_text import manual_commands, served
from reconciler.interface.render.report_text import report_text, step_line
from reconciler.interface.render.style import Style
from tests.interface import values as v

PLAIN = Style()
CRASHED = v.sample("kompass-production-backend-1", "exited with 1")
TOLD = """\
docker: cannot start kompass-production-backend-1: driver failed"""


@pytest.mark.parametrize(
    ("step", "line"),
    [
        (Step("pull", "web", 8.13, "1.4.3"), "production  pull     web  1.4.3  8.1s"),
        (Step("gate", "production", 64.2), "production  gate     1m04s"),
        (Step("switch", "web-1", 0.42, good=False), "production  switch   web-1  failed after 0.42s"),
        (Step.begun("pull", "web", "1.4.3"), "production  pull     web  1.4.3  begun, not finished"),
    ],
)
def test_a_step_needs_no_other_line(step: Step, line: str) -> None:
    assert step_line("production", step, PLAIN) == line


def test_converged() -> None:
    plan = v.plan(v.changed(), v.started("worker"), v.orphan("legacy"), *map(v.entry, "abcd"))
    outcome = Outcome(
        Result.CONVERGED, v.passed(), gap_seconds={"backend": 0.42}, notes=("cannot tag backend:rollback",)
    )
    assert (
        report_text(v.report(Result.CONVERGED, plan, outcome), PLAIN)
        == """\
production  main@8f3c2d1 "backend 1.8.2" by dev

  ~ backend  change     1.8.1 → 1.8.2
             replace 1 container
  ? legacy   orphan     1.8.2 · not in the Compose files; left alone (prune: false)
  ! worker   drift      1.8.2
             start 1 container · exited with 137

Without a running container: backend 0.42s.

note: cannot tag backend:rollback

Converged production in 51s: 2 changed, 1 orphan, 4 unchanged."""
    )


def test_nothing_was_to_be_done() -> None:
    report = v.report(Result.NO_OP, v.plan(*map(v.entry, "abcdefgh")), seconds=0.6)
    assert report_text(report, PLAIN) == "No changes. production matches main@8f3c2d1: 8 services."


def test_what_git_wants_need_not_work() -> None:
    report = v.report(Result.NO_OP, v.plan(v.entry("a")), health=EnvironmentHealth.DEGRADED)
    assert report_text(report, PLAIN) == (
        "No changes. production matches main@8f3c2d1: 1 service.\nHealth of production: degraded."
    )


def test_rejected_and_rolled_back() -> None:
    slow = v.sample("check frontend", "GET http://localhost:3000/health → 503", 37.0)
    excerpts = {
        "kompass-production-backend-1": '14:05:12 \x1b[31mERROR\x1b[0m no relation "x"\n\n14:05:12 bye\n',
        "kompass-production-mailer-1": "",
    }
    plan = v.plan(v.changed(), v.created("mailer"), v.entry("db"))
    outcome = Outcome(
        Result.ROLLED_BACK, v.fail(CRASHED, slow), v.passed(), {"backend": 0.42}, excerpts=excerpts
    )
    assert (
        report_text(v.report(Result.ROLLED_BACK, plan, outcome, seconds=64.0), PLAIN)
        == """\
production  main@8f3c2d1 "backend 1.8.2" by dev

  ~ backend  change     1.8.1 → 1.8.2
             replace 1 container
  + mailer   new        1.8.2
             create 1 container · it is not there yet

Without a running container: backend 0.42s.

error: the release of main@8f3c2d1 in production was rejected after 37s
  = reason: kompass-production-backend-1: exited with 1
  kompass-production-backend-1  bad at 37s: exited with 1
  check frontend                bad at 37s: GET http://localhost:3000/health → 503

last lines of kompass-production-backend-1:
  | 14:05:12 ERROR no relation "x"
  | 14:05:12 bye

kompass-production-mailer-1 wrote no log.

Runs again: backend 1.8.1 (verified in 2.0s).
Removed again, for it did not run before: mailer.

  = help: Git still asks for backend 1.8.2 and mailer 1.8.2: pin a fixed image, or git revert the release

  = blocked: backend 1.8.2 and mailer 1.8.2 will not be tried again in production until it changes
  = help: to try it again as it is: reconcile unblock production backend mailer

Rolled back production in 1m04s: 2 rolled back, 1 unchanged."""
    )


@pytest.mark.parametrize(
    ("undo", "git"),
    [
        (v.undo(), "Git: 5b0c7f1 reverts 8f3c2d1, pushed to main"),
        (
            replace(v.undo(detail="Git pins it already"), commit=""),
            "Git: nothing was to be reverted, Git pins it already",
        ),
        (
            v.undo(UndoState.PROPOSED, "pushed to reconcile/rollback-production-8f3c2d1, for review"),
            (
                "Git: 5b0c7f1 reverts 8f3c2d1, pushed to reconcile/rollback-production-8f3c2d1, for review\n"
                "  = note: until that is merged, this environment is ahead of Git, and the pins stay blocked"
            ),
        ),
        (
            v.undo(UndoState.PENDING, "the remote does not answer"),
            (
                "Git: 8f3c2d1 is not reverted yet, the remote does not answer\n"
                "  = note: until then this environment is ahead of Git; the next pass tries again, "
                "not before 2026-09-30 14:06 UTC"
            ),
        ),
        (
            v.undo(UndoState.SUPERSEDED, "the pin of backend was moved meanwhile"),
            "Git: a newer pin wins, nothing is reverted, the pin of backend was moved meanwhile",
        ),
        (
            v.undo(UndoState.OFF, "rollback.git is off"),
            (
                "Git: nothing is reverted, rollback.git is off\n"
                "  = help: Git still asks for backend 1.8.2: pin a fixed image, or git revert the release"
            ),
        ),
        (
            v.undo(UndoState.IMPOSSIBLE, "Git never pinned what backend ran before"),
            (
                "Git: nothing can be reverted, Git never pinned what backend ran before\n"
                "  = help: Git still asks for backend 1.8.2: pin a fixed image, or git revert the release"
            ),
        ),
    ],
    ids=lambda value: value.state if isinstance(value, Undo) else "",
)
def test_what_git_says_by_now(undo: Undo, git: str) -> None:
    outcome = Outcome(Result.ROLLED_BACK, v.fail(CRASHED), v.passed(0))
    report = v.report(Result.ROLLED_BACK, v.plan(v.changed()), outcome, undo=undo)
    assert (
        report_text(report, PLAIN).partition("Runs again: backend 1.8.1.\n\n")[2]
        == f"""{git}

  = blocked: backend 1.8.2 will not be tried again in production until it changes
  = help: to try it again as it is: reconcile unblock production backend

Rolled back production in 51s: 1 rolled back, 0 unchanged."""
    )


def test_the_rule_the_run_and_the_evidence_are_named() -> None:
    decision = v.decision(v.ruling("check search", Severity.CRITICAL), v.ruling("check api", Severity.HIGH))
    outcome = Outcome(Result.ROLLED_BACK, replace(v.fail(CRASHED), decision=decision), v.passed(0))
    text = report_text(v.report(Result.ROLLED_BACK, v.plan(v.changed()), outcome, run=v.RUN), PLAIN)
    assert text.startswith('production  run 01K6XR3F9Q  main@8f3c2d1 "backend 1.8.2" by dev\n')
    assert "  = rule: critical check search failed: roll back at once (so did check api)\n" in text
    assert "  = evidence: reconcile history show 01K6XR3F9Q\n" in text


def test_a_release_that_was_kept_all_the_same() -> None:
    alert, told = v.ruling(), v.ruling("check docs", Severity.LOW, Verdict.FAIL, "404")
    late = v.ruling("check slow", Severity.HIGH, detail="", attended=True)
    judgement = replace(
        v.passed(), decision=v.decision(told, late, alert, v.ruling("check ok", verdict=Verdict.PASS))
    )
    outcome = Outcome(Result.CONVERGED, judgement)
    report = v.report(Result.CONVERGED, v.plan(v.changed()), outcome, run=v.RUN, notes=("older images stay",))
    assert (
        report_text(report, PLAIN).partition("replace 1 container\n\n")[2]
        == """\
warning: high check slow failed: roll back after 15 min
alert: medium check search failed: alert, again after 60 min
  = seen: GET http://localhost:7700/health → 503
report: low check docs failed: report
  = seen: 404
  = evidence: reconcile history show 01K6XR3F9Q

note: older images stay

Converged production in 51s: 1 changed, 0 unchanged."""
    )


def test_what_is_still_owed_to_git_is_said_by_every_pass() -> None:
    report = v.report(Result.NO_OP, v.plan(v.entry("a")), undo=v.undo(UndoState.PENDING, "no route"))
    assert report_text(report, PLAIN) == (
        "production is ahead of Git: backend 1.8.2 → 1.8.1, no route, not before 2026-09-30 14:06 UTC\n\n"
        "No changes. production matches main@8f3c2d1: 1 service."
    )


def test_what_could_not_be_judged_is_not_tried_again_before_it_can() -> None:
    silent = v.ruling("check search", Severity.CRITICAL, Verdict.INCONCLUSIVE, "no such host")
    none = v.sample("check search", "no such host", evidence=Evidence.NONE)
    judgement = Judgement(
        Verdict.INCONCLUSIVE, "check search: no such host", (none,), 120.0, v.decision(silent)
    )
    outcome = Outcome(Result.ROLLED_BACK, judgement, v.passed(0))
    text = report_text(v.report(Result.ROLLED_BACK, v.plan(v.changed()), outcome), PLAIN)
    assert "  = rule: critical check search could not be made: roll back at once\n" in text
    until = "the first pass in production that finds check search good tries again"
    assert f"  = blocked: backend 1.8.2 for now; {until}\n" in text
    assert "git revert" not in text


def test_an_interrupted_release_is_not_blocked() -> None:
    judgement = Judgement(Verdict.INCONCLUSIVE, "interrupted while the gate was open", (), 12.0)
    outcome = Outcome(Result.ROLLED_BACK, judgement, v.passed())
    text = report_text(v.report(Result.ROLLED_BACK, v.plan(v.changed()), outcome), PLAIN)
    assert "blocked" not in text
    assert "  = help: Git still asks for backend 1.8.2: the next pass tries again\n" in text


def test_logs_are_capped() -> None:
    log = "\n".join(f"{number} " + "x" * 500 for number in range(100))
    outcome = Outcome(Result.ROLLED_BACK, v.fail(CRASHED), v.passed(), excerpts={"c": log})
    text = report_text(v.report(Result.ROLLED_BACK, v.plan(v.changed()), outcome), PLAIN)
    shown = [line for line in text.split("\n") if line.startswith("  | ")]
    assert len(shown) == 20
    assert shown[-1].startswith("  | 99 x")
    assert max(map(len, shown)) == 204


def test_a_release_that_could_not_be_judged() -> None:
    judgement = Judgement(Verdict.INCONCLUSIVE, "interrupted while the gate was open", (), 12.0)
    outcome = Outcome(Result.ROLLED_BACK, judgement, v.passed())
    text = report_text(v.report(Result.ROLLED_BACK, v.plan(v.changed()), outcome), PLAIN)
    assert (
        "error: the release of main@8f3c2d1 in production could not be judged after 12s\n"
        "  = reason: interrupted while the gate was open\n"
    ) in text


def test_a_rollback_that_failed_says_what_to_type() -> None:
    judgement = Judgement(Verdict.FAIL, TOLD)
    outcome = Outcome(Result.ROLLBACK_FAILED, v.fail(CRASHED), judgement, notes=(TOLD,))
    report = v.report(Result.ROLLBACK_FAILED, v.plan(v.changed()), outcome, seconds=64.0)
    assert (
        report_text(report, PLAIN).partition("error: production")[2]
        == """ \
is DEGRADED: what ran before could not be put back
  = reason: docker: cannot start kompass-production-backend-1: driver failed

Put it back by hand, on the environment's engine (what is back already is left alone):
  docker container inspect kompass-production-backend-1.predecessor >/dev/null && {
    docker stop kompass-production-backend-1
    docker rename kompass-production-backend-1 kompass-production-backend-1.successor
    docker rename kompass-production-backend-1.predecessor kompass-production-backend-1
    docker update --restart unless-stopped kompass-production-backend-1
    docker start kompass-production-backend-1
  }

  = help: Git still asks for backend 1.8.2: pin a fixed image, or git revert the release

  = blocked: backend 1.8.2 will not be tried again in production until it changes
  = help: to try it again as it is: reconcile unblock production backend

note: docker: cannot start kompass-production-backend-1: driver failed

Could not roll back production after 1m04s: it is DEGRADED."""
    )


def test_the_same_failure_before_and_after_exonerates_the_release() -> None:
    outcome = Outcome(
        Result.ROLLBACK_FAILED, v.fail(CRASHED), v.fail(CRASHED), exonerated=("kompass-production-backend-1",)
    )
    text = report_text(v.report(Result.ROLLBACK_FAILED, v.plan(v.changed()), outcome), PLAIN)
    assert (
        """
error: production is DEGRADED: what ran before runs again, and does not pass either
  = reason: kompass-production-backend-1: exited with 1
  = note: kompass-production-backend-1 fails without this release too: the cause is probably elsewhere
"""
        in text
    )
    assert "the first pass in production that finds kompass-production-backend-1 good tries again" in text
    assert "docker rename" not in text


def test_a_first_release_has_nothing_to_go_back_to() -> None:
    outcome = Outcome(Result.ROLLBACK_FAILED, v.fail(CRASHED), v.passed(0))
    text = report_text(v.report(Result.ROLLBACK_FAILED, v.plan(v.created("mailer")), outcome), PLAIN)
    assert "error: production is DEGRADED: nothing of this release ran before" in text


def test_a_correction_that_did_not_help() -> None:
    outcome = Outcome(Result.FAILED, v.fail(CRASHED), v.passed(0))
    text = report_text(v.report(Result.FAILED, v.plan(v.started("worker")), outcome), PLAIN)
    assert text.endswith("""
Nothing was replaced, so there was nothing to undo.

Could not converge production: failed after 51s.""")


def test_failed_before_anything_was_known() -> None:
    error = EngineUnreachable("Docker does not answer at unix:///var/run/docker.sock", hint="Is it running?")
    assert (
        report_text(v.report(Result.FAILED, seconds=3.1, error=error), PLAIN)
        == """\
error: Docker does not answer at unix:///var/run/docker.sock
  = help: Is it running?

Could not converge production: failed after 3.1s."""
    )


def test_failed_with_a_plan() -> None:
    error = PullFailed("cannot pull ghcr.io/kompass/backend:1.8.2")
    assert (
        report_text(v.report(Result.FAILED, v.plan(v.changed()), error=error), PLAIN)
        == """\
production  main@8f3c2d1 "backend 1.8.2" by dev

  ~ backend  change     1.8.1 → 1.8.2
             replace 1 container

error: cannot pull ghcr.io/kompass/backend:1.8.2

Could not converge production: failed after 51s."""
    )


DOCKER = """#!/bin/sh
# A docker that keeps each container as a file: its name is the file's, its id and state the content.
set -eu
cd "$(dirname "$0")/containers"
case "$1 $2" in
"container inspect") exec cat "$3" ;;
"stop $2") sed -i 's/running/exited/' "$2" ;;
"start $2") sed -i 's/exited/running/' "$2" ;;
"rename $2") [ -e "$2" ] && [ ! -e "$3" ] && mv "$2" "$3" ;;
"update --restart") echo "$3" >>"$4" ;;
*) exit 64 ;;
esac
"""


@pytest.mark.parametrize(
    ("before", "after"),
    [
        # not put back: the successor has the name
        (
            {"web": "new running", "web.predecessor": "old exited"},
            {"web": "old running always", "web.successor": "new exited"},
        ),
        # half put back: the name is free already
        (
            {"web.successor": "new exited", "web.predecessor": "old exited"},
            {"web": "old running always", "web.successor": "new exited"},
        ),
        # put back: left alone
        (
            {"web": "old running", "web.successor": "new exited"},
            {"web": "old running", "web.successor": "new exited"},
        ),
        # the successor is gone
        ({"web.predecessor": "old exited"}, {"web": "old running always"}),
    ],
)
def test_the_commands_work_from_every_point(
    tmp_path: Path, before: dict[str, str], after: dict[str, str]
) -> None:
    docker, containers = tmp_path / "docker", tmp_path / "containers"
    docker.write_text(DOCKER)
    docker.chmod(0o755)
    containers.mkdir()
    prefix = "kompass-production-"
    for name, content in before.items():
        (containers / f"{prefix}{name.replace('web', 'web-1')}").write_text(content + "\n")
    action = Replace(v.service("web", restart="always"), (v.instance("web"),), (), "1.8.1 → 1.8.2")
    commands = manual_commands(served(v.plan(v.entry("web", Change.CHANGE, action))))[1:]
    environ = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    subprocess.run(["sh", "-c", "\n".join(commands)], env=environ, check=False, capture_output=True)
    found = {
        file.name.removeprefix(prefix).replace("web-1", "web"): " ".join(file.read_text().split())
        for file in containers.iterdir()
    }
    assert found == after


def test_what_stays_for_the_sake_of_data_is_said_with_what_to_do() -> None:
    """Nothing is to be put back by hand, and nothing to be tried again as it is."""
    staying = Staying(Kept(Contract.NEEDS_RESTORE, "20260930-140100"), ("backend",))
    outcome = Outcome(
        Result.ROLLBACK_FAILED, v.fail(CRASHED), notes=(explained("production", staying),), staying=staying
    )
    text = report_text(v.report(Result.ROLLBACK_FAILED, v.plan(v.changed()), outcome), PLAIN)
    why = "backend stays although rejected, because the release is needs-restore"
    assert f"error: production is DEGRADED: {why}\n" in text
    assert f"note: {why}: reconcile restore production couchdb --backup 20260930-140100 brings back" in text
    assert "Git: nothing is reverted, it pins what runs" in text
    assert "will not be tried again in production until it changes" in text
    assert "docker " not in text
    assert "reconcile unblock" not in text


def test_of_a_step_with_an_output_only_the_first_line_is_shown() -> None:
    step = Step("hook", "before-release", 2.0, "postgres: pg_dump\nfirst\nsecond")
    assert step_line("production", step, PLAIN).endswith("hook     before-release  postgres: pg_dump  2.0s")
