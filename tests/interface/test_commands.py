"""Commands as people call them, on a real repository and a real journal, with no engine anywhere."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from reconciler.adapters.host_state import Place, SqliteJournal
from reconciler.domain.blocking import Block
from reconciler.domain.journal import Exhibit, ExhibitKind, Story
from reconciler.domain.report import Result
from reconciler.interface.cli.commands import promote
from reconciler.interface.cli.main import run_command
from reconciler.interface.cli.workflow import Workflow
from tests.bed.git_world import GitWorld
from tests.interface import values as v

ENGINE = "unix:///nowhere/docker.sock"
DIGEST = "sha256:" + "2" * 64
SETTINGS = """\
version: 1
environments:
  production:
    pins: production/compose.pins.yaml
    project: kompass-production
    directory: ../app
    compose: [compose.yaml]
    gate:
      checks:
        search: {http: {url: "http://localhost:7700/health?key=${SEARCH_KEY}"}, severity: critical}
"""
PINS = f"services:\n  backend:\n    image: ghcr.io/kompass/backend:1.8.2@{DIGEST}\n"
COMPOSE = "services: {backend: {image: backend}}\n"
SCHEMA = json.loads((Path(__file__).parents[2] / "schemas" / "output.schema.json").read_text())


@dataclass(slots=True)
class Said:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        document = json.loads(self.out)
        Draft202012Validator(SCHEMA).validate(document)
        return document


@dataclass(slots=True)
class Here:
    """A repository, the state directory of a host, and the program."""

    world: GitWorld
    repository: Path
    state: Path
    capture: pytest.CaptureFixture[str]

    def __call__(self, *arguments: str) -> Said:
        code = run_command(list(arguments))
        out, err = self.capture.readouterr()
        return Said(code, out, err)

    @property
    def journal(self) -> SqliteJournal:
        return SqliteJournal(Place(self.state, ENGINE))

    def released(self, story: Story | None = None) -> str:
        """A pass in the journal; returns its id."""
        story = story or v.story()
        journal = self.journal
        run = journal.begin(ENV, replace(story.run, id="", result=None, seconds=None))
        journal.finish(ENV, replace(story, run=replace(story.run, id=run)))
        journal.close()
        return run

    def commit(self, files: dict[str, str], message: str) -> str:
        self.world.commit(self.repository, files, message)
        return self.world.git(self.repository, "rev-parse", "HEAD")


ENV = v.environment()


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Here:
    world = GitWorld.new(tmp_path)
    repository = world.init("repository")
    here = Here(world, repository, tmp_path / "memory", capsys)
    files = {
        "state/reconcile.yaml": SETTINGS,
        "state/production/compose.pins.yaml": PINS,
        "app/compose.yaml": COMPOSE,
    }
    here.commit(files, "backend 1.8.2")
    for name in (
        "GITHUB_ACTIONS",
        "GITHUB_OUTPUT",
        "GITHUB_STEP_SUMMARY",
        "GITHUB_WORKSPACE",
        "DOCKER_CONTEXT",
    ):
        monkeypatch.delenv(name, raising=False)
    for name in ("HOME", "GIT_CONFIG_NOSYSTEM"):
        monkeypatch.setenv(name, world.environ[name])
    monkeypatch.setenv("DOCKER_HOST", ENGINE)
    monkeypatch.setenv("RECONCILE_STATE_DIR", str(here.state))
    monkeypatch.chdir(repository)
    return here


# --- explain ---------------------------------------------------------------------------------------


def test_explain_names_the_rule_the_checks_the_matrix_and_what_would_change_it(here: Here) -> None:
    run = here.released()
    said = here("explain", "production")
    assert said.code == 0
    assert (
        said.out
        == f"""\
production  run {run}  rolled-back  2026-09-30 14:04 UTC
rule  critical check search failed: roll back at once
why   check search: 503

CHECK          SEVERITY  VERDICT  REACTION           SAMPLES       SLOWEST  SEEN
check search   critical  fail     roll back at once  3 of 12 good  0.42s    503
check backend  critical  pass     keep               -             -        200

SEVERITY  FAILED                                       NOT MADE IN THE GATE       NOT MADE LATER
critical  roll back at once                            roll back at once          alert
high      roll back after 15 min; unattended: at once  roll back at once          alert
medium    alert, again after 60 min                    alert, again after 60 min  alert, again after 60 min
low       report                                       report                     report

What would have changed it:
  severity: medium on check search would have alerted instead
  severity: low on check search would have reported it only
"""
    )


def test_explain_reads_the_newest_pass(here: Here) -> None:
    here.released()
    later = v.story()
    newest = here.released(replace(later, run=replace(later.run, started_at=v.AT + timedelta(hours=1))))
    assert f"run {newest}" in here("explain", "production").out


def test_explain_where_nothing_was_released(here: Here) -> None:
    said = here("explain", "production")
    assert (said.code, said.out) == (
        0,
        "Nothing was released in production from this host, as far as it remembers.\n",
    )
    assert not list(here.state.glob("*.journal*")), "asking writes nothing"
    assert here("explain", "nowhere").code == 64


def test_explain_a_pass_that_never_came_to_its_gate(here: Here) -> None:
    story = v.story(rulings=(), summaries=(), verdict="", rule="", error="cannot pull")
    here.released(replace(story, run=replace(story.run, reason="cannot pull")))
    out = here("explain", "production").out
    assert "rule  none: it ended before the checks could decide\nwhy   cannot pull\n" in out
    assert "What would have changed it" not in out


# --- unblock ---------------------------------------------------------------------------------------


def _block(service: str = "backend") -> Block:
    image = f"ghcr.io/kompass/{service}:1.8.2@{DIGEST}"
    return Block(service, image, "", "", "01K6XR3F9Q", "check search: 503", datetime.now(UTC))


def test_unblock_lists_what_it_lifted(here: Here) -> None:
    here.journal.block(ENV, [_block(), _block("frontend")])
    said = here("unblock", "production", "backend", "search")
    assert said == Said(
        0,
        "unblocked: backend 1.8.2, rejected in run 01K6XR3F9Q: check search: 503\n"
        "next: reconcile --once -e production\n",
        "search was not blocked\n",
    )
    assert [block.service for block in here.journal.blocks(ENV)] == ["frontend"]
    assert "unblocked: frontend" in here("unblock", "production").out
    assert here.journal.blocks(ENV) == ()


def test_unblock_where_nothing_was_blocked(here: Here) -> None:
    assert here("unblock", "production") == Said(1, "Nothing was blocked in production.\n", "")


def test_unblock_what_only_commits_say_is_blocked(here: Here) -> None:
    """The journal was lost, and the pin was tried again by hand: Git still knows that it failed here."""
    image = f"ghcr.io/kompass/backend:1.8.2@{DIGEST}"
    trailers = (
        f"Reconcile-Environment: production\nReconcile-Blocked: backend {image} hash\n"
        f"Reconcile-Blocked: other ghcr.io/kompass/other:1@{DIGEST} hash\nReconcile-Reason: 503\n"
    )
    here.commit(
        {"state/production/compose.pins.yaml": PINS.replace("1.8.2", "1.8.1")}, f"Revert\n\n{trailers}"
    )
    here.commit({"state/production/compose.pins.yaml": PINS}, "backend 1.8.2 again")
    said = here("unblock", "production")
    assert said.out.startswith("unblocked: backend 1.8.2, rejected: 503\nnext:")
    assert said.code == 0
    assert here("unblock", "production").code == 1


def test_unblock_what_a_clock_that_is_ahead_of_ours_says_is_blocked(here: Here) -> None:
    image = f"ghcr.io/kompass/backend:1.8.2@{DIGEST}"
    trailers = f"Reconcile-Environment: production\nReconcile-Blocked: backend {image}\n"
    ahead = f"{datetime.now(UTC) + timedelta(days=2):%Y-%m-%dT%H:%M:%SZ}"
    files = {"state/production/compose.pins.yaml": f"{PINS}# Again\n"}
    here.world.commit(here.repository, files, f"Revert\n\n{trailers}", GIT_COMMITTER_DATE=ahead)
    assert here("unblock", "production").code == 0
    assert here("unblock", "production").code == 1


# --- history ---------------------------------------------------------------------------------------


def test_history_shows_a_pass_by_the_beginning_of_its_id(here: Here) -> None:
    run = here.released()
    said = here("history", "show", run[:7].lower())
    assert said.code == 0
    assert said.out.startswith(f"production  run {run}  rolled-back  2026-09-30 14:04 UTC\n")
    for words in (
        '  revision  8f3c2d1 "backend 1.8.2"\n',
        "  by        dev\n",
        "  took      1m04s\n",
        "  rule      critical check search failed: roll back at once\n",
        "  restored  pass: everything stayed good\n",
        "  backend 1.8.1 → 1.8.2\n",
        "  production  pull     backend  1.8.2  8.1s\n",
        "check search   critical  fail     roll back at once  3 of 12 good",
        "verify  check search  5 of 5 good",
        "last lines of kompass-production-backend-1:\n  | ERROR one\n  | bye\n",
        'kompass-production-backend-1, as the engine described it:\n  | {\n  |  "Id": "x"\n  | }\n',
        "Git: 5b0c7f1 reverts 8f3c2d1, pushed to main\n",
        "note: cannot tag backend:rollback\n",
    ):
        assert words in said.out, words


def test_history_shows_a_pass_as_json_and_markdown(here: Here) -> None:
    run = here.released()
    [environment] = here("history", "show", run, "-o", "json").json["environments"]
    assert environment["story"]["run"] == run
    assert here("-o", "json", "history", "show", run).json["environments"] == [environment]
    markdown = here("history", "show", run, "-o", "markdown").out
    assert markdown.startswith(f"### production: rolled-back, run {run}\n")
    assert "<details><summary>last lines of kompass-production-backend-1:</summary>" in markdown


def test_history_cannot_show_what_is_not_there(here: Here) -> None:
    here.released()
    assert "no single pass whose id begins with 'ZZZ'" in here("history", "show", "ZZZ").err
    assert here("history", "show", "ZZZ").code == 64
    assert here("history", "show").code == 64


def test_history_shows_of_a_description_what_says_something(here: Here) -> None:
    told = {"Name": "/web", "Config": {"User": "", "Env": ["A=…"]}, "Mounts": [], "LogPath": "/var/log/x"}
    text = json.dumps({**told, "State": {"ExitCode": 0, "OOMKilled": False}})
    run = here.released(v.story(exhibits=(Exhibit("web-1", ExhibitKind.DESCRIPTION, text),)))
    shown = "".join(
        line[4:] for line in here("history", "show", run).out.split("\n") if line.startswith("  | ")
    )
    assert json.loads(shown) == {
        "Name": "/web",
        "Config": {"Env": ["A=…"]},
        "State": {"ExitCode": 0, "OOMKilled": False},
    }
    cut = here.released(v.story(exhibits=(Exhibit("web-1", ExhibitKind.DESCRIPTION, text[:40]),)))
    assert f"  | {text[:40]}\n" in here("history", "show", cut).out


def test_history_of_several_environments_says_which_is_which(here: Here) -> None:
    other = (
        SETTINGS.replace("production:", "staging:")
        .replace("-production", "-staging")
        .partition("environments:\n")[2]
    )
    here.commit({"state/reconcile.yaml": SETTINGS + other}, "Add an environment")
    out = here("history").out
    assert out.count("ENVIRONMENT") == 1
    assert {"production", "staging"} <= set(out.split())


def test_help_keeps_the_lines_of_what_one_does(here: Here) -> None:
    out = here("--help").out
    assert "\n  reconcile plan           what a pass would do\n" in out
    assert "\\b" not in out


def test_history_holds_rollbacks_that_git_was_not_told_of(here: Here) -> None:
    head = here.world.git(here.repository, "rev-parse", "HEAD")
    story = v.story()
    at = datetime.now(UTC) + timedelta(minutes=1)
    run = here.released(replace(story, run=replace(story.run, revision=head, started_at=at)))
    [environment] = here("history", "--rollbacks", "-o", "json").json["environments"]
    [release] = environment["releases"]
    assert (release["run"], release["rolled_back_by"], release["committed"]) == (run, "reconcile", False)
    assert (release["result"], release["duration_seconds"]) == ("rolled-back", 64.2)
    assert "| reconcile | 1m04s |" in here("history", "--rollbacks", "-o", "markdown").out


def test_history_of_a_clone_that_remembers_nothing(here: Here) -> None:
    said = here("history")
    assert (said.code, said.err) == (0, "")
    assert "backend 1.8.2" in said.out


def test_history_where_the_journal_must_not_be_read(here: Here) -> None:
    """Git's own history needs no journal: also not one that cannot be trusted."""
    here.released()
    (file,) = here.state.glob("*.journal")
    other = file.rename(here.world.root / "elsewhere")
    file.symlink_to(other)
    said = here("history")
    assert said.code == 0
    assert "backend 1.8.2" in said.out
    assert said.err.startswith("note: without what this host remembers: ")


# --- -o --------------------------------------------------------------------------------------------


def test_an_output_that_a_command_does_not_have_is_refused(here: Here) -> None:
    said = here("-o", "markdown", "plan")
    assert said.code == 64
    assert "this command has no output 'markdown'; it has text, json, github" in said.err
    assert here("-o", "jsonl", "plan").code == 64


def test_text_stays_text_without_a_workflow(here: Here) -> None:
    assert here("check").out == "production: 1 services, 1 pinned\n"
    assert here("-o", "json", "check").out == "production: 1 services, 1 pinned\n"


# --- -o github -------------------------------------------------------------------------------------


@dataclass(slots=True)
class Step:
    """The files of a step of a workflow."""

    output: Path
    summary: Path

    @property
    def outputs(self) -> dict[str, str]:
        return dict(re.findall(r"^([a-z-]+)<<(?:\S+)\n(.*)\n", self.output.read_text(), re.MULTILINE))


@pytest.fixture
def step(here: Here, monkeypatch: pytest.MonkeyPatch) -> Step:
    """What a runner gives to a step."""
    step = Step(here.world.root / "output", here.world.root / "summary")
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_OUTPUT", str(step.output))
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(step.summary))
    monkeypatch.setenv("GITHUB_WORKSPACE", str(here.world.root))
    return step


def test_check_annotates_its_findings_in_a_workflow(here: Here, step: Step) -> None:
    here.commit({"state/production/compose.pins.yaml": PINS.replace("  backend:", "  bakcend:")}, "Typo")
    said = here("check")
    assert said.code == 65
    assert re.match(
        r"::group::check\n::stop-commands::(\w{32})\n(.*\n)*::\1::\n::endgroup::\n::error ", said.out
    )
    assert "::error file=repository/state/production/compose.pins.yaml,line=2,col=3,title=" in said.out
    assert step.outputs == {"changed": "false", "result": "failed", "exit-code": "65", "run-id": ""}
    assert "bakcend" in step.summary.read_text()


def test_check_in_a_workflow_where_all_is_well(here: Here, step: Step) -> None:
    said = here("check")
    assert (said.code, "::error" in said.out) == (0, False)
    assert step.outputs["result"] == "no-op"
    assert here("-o", "text", "check").out == "production: 1 services, 1 pinned\n"


def test_what_ends_a_run_before_it_began_is_annotated_too(here: Here, step: Step) -> None:
    here.commit({"state/reconcile.yaml": SETTINGS.replace("project:", "prjoect:")}, "Typo")
    both = ["promote", "staging", "production"]
    for arguments in (["check"], ["plan"], ["--once"], ["rollback", "production"], both):
        said = here(*arguments)
        assert said.code == 78
        assert "::error file=state/reconcile.yaml,line=" in said.out
        assert step.outputs["exit-code"] == "78"
        assert "error: " in said.err


def test_a_pass_in_a_workflow(here: Here, step: Step, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an engine it fails; all that a step is told is there all the same."""
    monkeypatch.setenv("SEARCH_KEY", "s3cr3t-search-key")
    step.summary.write_text("what another program wrote\n")
    said = here("--once")
    assert said.code == 69
    assert said.out.startswith("::add-mask::s3cr3t-search-key\n::group::production\n::stop-commands::")
    assert "::error title=production::" in said.out
    assert step.outputs == {"changed": "false", "result": "failed", "exit-code": "69", "run-id": ""}
    written = step.summary.read_text()
    assert written.startswith("what another program wrote\n### production: failed in ")
    for text in (said.out.partition("\n")[2], said.err, written, step.output.read_text()):
        assert "s3cr3t" not in text


def test_a_plan_in_a_workflow(here: Here, step: Step) -> None:
    said = here("plan", "-o", "github")
    assert said.code == 69
    assert "::error title=production::" in said.out
    assert step.outputs["result"] == "failed"
    assert json.loads(here("plan", "-o", "json").out)["kind"] == "plan"


def test_a_secret_is_not_written_where_nobody_obeys(
    here: Here, step: Step, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`reconcile --once > report.txt`: the masks would stay in the file, and nobody would read them."""
    monkeypatch.setenv("SEARCH_KEY", "s3cr3t-search-key")
    file = here.world.root / "report.txt"
    with file.open("w") as stream:
        monkeypatch.setattr("sys.stdout", stream)
        run_command(["--once"])
    assert "s3cr3t" not in file.read_text()
    assert "::group::production" in file.read_text()


def test_files_of_a_step_that_cannot_be_written_change_nothing(
    here: Here, step: Step, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_OUTPUT", str(here.world.root / "no" / "output"))
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "/dev/full")
    said = here("check")
    assert said.code == 0
    assert "::warning title=reconcile::the step's output cannot be written: No such file" in said.out
    assert "::warning title=reconcile::the step's summary cannot be written: No space left" in said.out


STAGING = """\
  staging:
    pins: staging/compose.pins.yaml
    project: kompass-staging
    directory: ../app
    compose: [compose.yaml]
"""


def test_promote_says_when_nothing_differs_and_asks_the_engine_when_something_does(here: Here) -> None:
    older = PINS.replace("1.8.2", "1.8.1").replace("2" * 64, "1" * 64)
    here.commit({"state/reconcile.yaml": SETTINGS + STAGING, "state/staging/compose.pins.yaml": PINS}, "both")
    said = here("promote", "staging", "production")
    assert (said.code, said.out, said.err) == (0, "production pins what staging does already.\n", "")
    here.commit({"state/production/compose.pins.yaml": older}, "older")
    said = here("promote", "staging", "production")
    assert said.code == 69, "no evidence, no promotion"
    assert here("promote", "staging", "staging").code == 64
    assert here("promote", "staging", "nowhere").code == 64


def test_what_was_promoted_is_told_to_later_steps_and_names_are_no_markdown(step: Step) -> None:
    promote._tell(Workflow(os.environ), "staging → production", "web 1 → 2\ncommit abc `id` (pushed)", "")
    assert step.outputs == {"changed": "true", "result": "promoted", "exit-code": "0", "run-id": ""}
    written = step.summary.read_text()
    assert written.startswith("### staging → production: promoted")
    assert "- web 1 → 2\n- commit abc " in written
    assert "`id`" not in written


def test_promote_asks_for_a_pull_request_only_where_it_is_known_where(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    here.commit({"state/reconcile.yaml": SETTINGS + STAGING, "state/staging/compose.pins.yaml": PINS}, "both")
    asking = ("promote", "staging", "production", "--pr")
    assert "leave one of them out" in here(*asking, "--push").err
    for name in ("GITHUB_TOKEN", "GITHUB_REPOSITORY", "GITHUB_ACTIONS"):
        monkeypatch.delenv(name, raising=False)
    here.world.git(here.repository, "remote", "add", "origin", "file:///nowhere")
    assert "takes GITHUB_TOKEN" in here(*asking).err
    monkeypatch.setenv("GITHUB_TOKEN", "s3cr3t")
    monkeypatch.setenv("GITHUB_REPOSITORY", "deploy")
    said = here(*asking)
    assert (said.code, "GITHUB_REPOSITORY is 'deploy'" in said.err) == (64, True)
    monkeypatch.setenv("GITHUB_REPOSITORY", "kompass/deploy")
    assert here(*asking).out == "production pins what staging does already.\n"


def test_a_plain_revert_is_a_rollback_in_history_and_in_its_figures(here: Here) -> None:
    for version in "34":
        here.commit(
            {
                "state/production/compose.pins.yaml": PINS.replace("1.8.2", f"1.8.{version}").replace(
                    "2" * 64, version * 64
                )
            },
            f"backend 1.8.{version}",
        )
    here.world.git(here.repository, "revert", "--no-edit", "HEAD")
    (rollback,) = here("history", "--rollbacks", "-o", "json").json["environments"][0]["releases"]
    assert rollback["subject"] == 'Revert "backend 1.8.4"'
    stats = here("history", "--stats", "-o", "json").json["environments"][0]["stats"]
    assert (stats["releases"], stats["rolled_back"]) == (3, 1)
    assert here("history", "--stats").out.startswith("releases 3 (")
    assert here("history", "--stats", "-o", "markdown").out.startswith("| Environment |")


def test_the_incident_of_the_newest_rejected_release(here: Here) -> None:
    assert here("incident").code == 64, "nothing was rejected yet"
    run = here.released()
    said = here("incident")
    assert said.code == 0
    assert said.out.startswith(f"<!-- reconcile incident {run} -->\n# Incident: production")
    assert here("incident", run[:8]).out == said.out
    report = here("-o", "json", "incident").json["environments"][0]["incident"]
    assert (report["restored"], report["story"]["run"]) == (True, run)
    converged = v.story()
    good = here.released(replace(converged, run=replace(converged.run, result=Result.CONVERGED)))
    refused = here("incident", good)
    assert (refused.code, "rejected no release" in refused.err) == (64, True)
    assert here("incident").out == said.out
