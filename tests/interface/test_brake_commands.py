"""pause, resume and approve, as people call them; pauses are kept by a fake, and Git is real."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from reconciler.adapters.docker_host import DockerHost
from reconciler.domain.brakes import Pause
from reconciler.interface.cli import exit_codes
from reconciler.interface.cli.person import person
from tests.bed.fake_repository import FakeRepository
from tests.bed.fake_turns import FakePauses
from tests.interface.test_commands import PINS, SETTINGS, Here
from tests.interface.test_commands import here as here

PROJECT = "kompass-production"


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> FakePauses:
    """The pauses of every engine."""
    fake = FakePauses()
    monkeypatch.setattr(DockerHost, "pauses", fake)
    return fake


# --- pause --------------------------------------------------------------------------------------------


def test_a_pause_says_who_why_and_how_it_ends(here: Here, pauses: FakePauses) -> None:
    said = here("pause", "production", "-m", "migrating\nthe disk")
    assert said.code == exit_codes.OK
    first, last = said.out.splitlines()
    assert first.startswith("production is paused by Ada since ")
    assert first.endswith(': "migrating the disk"')
    assert last == "Rollbacks and repairs go on. To end it: reconcile resume production"
    kept = pauses.pauses[PROJECT]
    assert (kept.reason, kept.by, kept.until) == ("migrating the disk", "Ada", None)


@pytest.mark.parametrize(
    ("typed", "lasts"),
    [("90m", timedelta(minutes=90)), ("2h", timedelta(hours=2)), ("3d", timedelta(days=3))],
)
def test_a_pause_for_some_time(here: Here, pauses: FakePauses, typed: str, lasts: timedelta) -> None:
    assert here("pause", "production", "--for", typed).code == exit_codes.OK
    kept = pauses.pauses[PROJECT]
    assert kept.until is not None
    assert kept.until - kept.since == lasts


@pytest.mark.parametrize("typed", ["2999-11-27T18:00Z", "2999-11-27T19:00+01:00", "2999-11-27 18:00:00Z"])
def test_a_pause_until_a_moment(here: Here, pauses: FakePauses, typed: str) -> None:
    assert "until 2999-11-27 18:00 UTC" in here("pause", "production", "--until", typed).out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--for", "2h", "--until", "2999-01-01T00:00Z"], "leave one of the two out"),
        (["--until", "2020-01-01T00:00Z"], "a time that is over"),
        (["--until", "2999-01-01T00:00"], "has no time zone"),
        (["--until", "tomorrow"], "is not a moment"),
        (["--for", "2"], "is not a duration"),
        (["--for", "0h"], "is not a duration"),
        (["--for", "-2h"], "is not a duration"),
    ],
)
def test_a_time_that_means_nothing_is_refused(
    here: Here, pauses: FakePauses, arguments: list[str], says: str
) -> None:
    said = here("pause", "production", *arguments)
    assert (said.code, says in said.err) == (exit_codes.USAGE, True), said.err
    assert pauses.pauses == {}


def test_a_second_pause_takes_the_place_of_the_first_and_says_so(here: Here, pauses: FakePauses) -> None:
    here("pause", "production", "-m", "one")
    said = here("pause", "production", "-m", "two", "--for", "1h")
    assert "it was paused by Ada since" in said.out
    assert ': "one"' in said.out
    assert pauses.pauses[PROJECT].reason == "two"


def test_an_environment_that_is_not_there_cannot_be_paused(here: Here, pauses: FakePauses) -> None:
    said = here("pause", "produktion")
    assert (said.code, "There are: production" in said.err) == (exit_codes.USAGE, True)


def test_without_an_engine_nothing_is_paused(here: Here) -> None:
    assert here("pause", "production").code == exit_codes.UNREACHABLE
    assert here("resume", "production").code == exit_codes.UNREACHABLE


# --- resume -------------------------------------------------------------------------------------------


def test_resume_ends_a_pause_and_says_what_it_was(here: Here, pauses: FakePauses) -> None:
    here("pause", "production", "-m", "migrating the disk")
    said = here("resume", "production")
    assert said.code == exit_codes.OK
    first, last = said.out.splitlines()
    assert first.startswith("resumed: production was paused by Ada since ")
    assert last == "next: reconcile --once -e production"
    assert pauses.pauses == {}


def test_resume_where_nothing_was_paused(here: Here, pauses: FakePauses) -> None:
    said = here("resume", "production")
    assert (said.code, said.out) == (exit_codes.FAILED, "production was not paused.\n")


def test_resume_after_a_pause_that_ended_by_itself(here: Here, pauses: FakePauses) -> None:
    here("pause", "production", "--for", "1h")
    began = pauses.pauses[PROJECT]
    over = began.since - timedelta(hours=1)
    pauses.pauses[PROJECT] = Pause(began.reason, began.by, over, over)
    said = here("resume", "production")
    assert (said.code, "was not paused any more" in said.out) == (exit_codes.FAILED, True)
    assert pauses.pauses == {}


# --- approve ------------------------------------------------------------------------------------------


def protect(here: Here) -> None:
    here.commit(
        {"state/reconcile.yaml": SETTINGS.replace("    gate:", "    protected: true\n    gate:")}, "Protect"
    )


def test_approve_writes_a_commit_that_names_the_pins(here: Here) -> None:
    protect(here)
    said = here("approve", "production", "-m", "checked with ops")
    assert said.code == exit_codes.OK
    assert said.out.endswith(" Approve production: backend 1.8.2 (not pushed)\n")
    blob = here.world.git(here.repository, "rev-parse", "HEAD:state/production/compose.pins.yaml")
    body = here.world.git(here.repository, "log", "-1", "--format=%B")
    assert (
        body
        == f"Approve production: backend 1.8.2\n\nchecked with ops\n\nReconcile-Approve: production {blob}\n"
    )
    assert here.world.git(here.repository, "diff", "--name-only", "HEAD~1", "HEAD") == ""
    assert here.world.git(here.repository, "status", "--porcelain") == ""


def test_what_git_alone_writes_is_the_same(here: Here) -> None:
    """As docs/brakes.md says."""
    protect(here)
    here("approve", "production")
    ours = here.world.git(here.repository, "log", "-1", "--format=%(trailers)")
    blob = here.world.git(here.repository, "rev-parse", "HEAD:state/production/compose.pins.yaml")
    trailer = f"Reconcile-Approve: production {blob}"
    here.world.git(
        here.repository, "commit", "--quiet", "--allow-empty", "-m", "Approve", "--trailer", trailer
    )
    assert here.world.git(here.repository, "log", "-1", "--format=%(trailers)") == ours


def test_approve_can_push(here: Here, tmp_path: Path) -> None:
    protect(here)
    origin = tmp_path / "origin.git"
    here.world.git(tmp_path, "clone", "--quiet", "--bare", str(here.repository), str(origin))
    here.world.git(here.repository, "remote", "add", "origin", str(origin))
    here.world.git(here.repository, "fetch", "--quiet", "origin")
    here.world.git(here.repository, "branch", "--quiet", "--set-upstream-to", "origin/main")
    said = here("approve", "production", "--push")
    assert (said.code, said.out.endswith("(pushed to main)\n")) == (exit_codes.OK, True)
    assert here.world.git(origin, "log", "-1", "--format=%s", "main") == "Approve production: backend 1.8.2"


def test_approve_where_nothing_is_protected(here: Here) -> None:
    said = here("approve", "production")
    assert said.code == exit_codes.USAGE
    assert "production is not protected" in said.err


def test_approve_where_somebody_edits_the_pins(here: Here) -> None:
    protect(here)
    (here.repository / "state/production/compose.pins.yaml").write_text(PINS + "# more\n")
    said = here("approve", "production")
    assert (said.code, "uncommitted changes" in said.err) == (exit_codes.INVALID_STATE, True)


# --- flags --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["plan", "status", "watch", "pin"])
def test_yes_is_for_runs_that_release(here: Here, command: str) -> None:
    said = here("--yes", command)
    assert (said.code, "goes with --once" in said.err) == (exit_codes.USAGE, True)


@pytest.mark.parametrize("flag", ["--allow-mass-change", "--allow-removal"])
def test_one_flag_with_two_names_lifts_both_limits(here: Here, flag: str) -> None:
    assert here(flag, "--once").code == exit_codes.UNREACHABLE
    assert here("--help").out.count("--allow-removal") == 1


def test_status_of_an_engine_that_is_away_says_what_reconcile_yaml_says(here: Here) -> None:
    protect(here)
    said = here("status", "-o", "json")
    (environment,) = json.loads(said.out)["environments"]
    assert (environment["protected"], environment["approved"], environment["paused"]) == (True, None, None)


# --- who types ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("environ", "name"),
    [
        ({"SUDO_USER": "bob", "LOGNAME": "root"}, "bob"),
        ({"LOGNAME": "eve", "USER": "root"}, "eve"),
        ({"LOGNAME": " ", "USER": "mallory"}, "mallory"),
    ],
)
def test_without_a_name_in_git_the_login_counts(environ: dict[str, str], name: str) -> None:
    assert person(FakeRepository(committer=""), environ) == name
    assert person(FakeRepository(committer="Ada"), environ) == "Ada"
    assert person(FakeRepository(committer=""), {}) != ""
