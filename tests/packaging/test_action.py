"""The action for GitHub: its file is sound, and its steps take any input for data."""

from __future__ import annotations

import json
import re
import stat
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.bed.git_world import GitWorld
from tests.packaging.runner import ACTION, EXPRESSION, ROOT, Runner

STEPS: list[dict[str, Any]] = ACTION["runs"]["steps"]
SCRIPTS = ROOT / ".github/actions"
REPORTED = ("changed", "result", "exit-code", "run-id")
HOSTILE = [
    "a'b",
    'a"b',
    "$(touch {marker})",
    "`touch {marker}`",
    "a; touch {marker}",
    "a\ntouch {marker}\nb",
    "a\n::set-output name=result::converged\n::error::b",
    "--help",
    "-e",
    "*",
    "${{INPUT_REASON}}",
    "a\r\nresult=converged",
    "%0Aresult=converged",
    "\\",
    "é\u202e",
]
ALONE = {
    "once": {"environments": "production"},
    "promote": {"environments": "staging production"},
    "rollback": {"environments": "production"},
}


def executable(file: Path, text: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    file.chmod(file.stat().st_mode | stat.S_IXUSR)
    return file


@pytest.fixture
def stub(tmp_path: Path) -> Runner:
    """A job with a program called reconcile that writes down how it was called, and fails with 70."""
    program = f"""#!{sys.executable}
import json, os, sys
names = ("GIT_AUTHOR_NAME", "GIT_COMMITTER_EMAIL", "PWD", "GITHUB_TOKEN")
said = {{"arguments": sys.argv[1:], "environ": {{name: os.environ.get(name) for name in names}}}}
open({str(tmp_path / "called.json")!r}, "w").write(json.dumps(said))
sys.exit(70)
"""
    executable(tmp_path / "bin" / "reconcile", program)
    runner = Runner(tmp_path / "job", (tmp_path / "bin",))
    (runner.workspace / "a file that * would name").touch()
    return runner


def called(runner: Runner) -> dict[str, Any]:
    found = json.loads((runner.root.parent / "called.json").read_text())
    assert isinstance(found, dict)
    return found


def arguments(runner: Runner) -> list[str]:
    """How the program was called, without the output format."""
    given = called(runner)["arguments"]
    assert given[:2] == ["-o", "github"]
    found: list[str] = given[2:]
    return found


# --- the file --------------------------------------------------------------------------------------


def test_it_is_a_composite_action_whose_steps_are_complete() -> None:
    assert ACTION.keys() == {"name", "description", "inputs", "outputs", "runs"}
    assert ACTION["runs"].keys() == {"using", "steps"}
    assert ACTION["runs"]["using"] == "composite"
    for step in STEPS:
        assert step.keys() <= {"name", "id", "if", "shell", "env", "run"}
        assert step["shell"] == "bash", "a composite action has no default"
    for name, one in ACTION["inputs"].items():
        assert one.keys() == {"description", "default"}, name
        assert isinstance(one["default"], str), f"{name}: a runner hands over text"


def test_inputs_reach_a_step_as_variables_and_never_as_text_of_a_script() -> None:
    for step in STEPS:
        assert not EXPRESSION.search(step["run"]), step["run"]
        for name, value in step["env"].items():
            assert re.fullmatch(r"\$\{\{ inputs\.[a-z-]+ \}\}", value), value
            assert name == f"INPUT_{value[11:-3].strip().upper().replace('-', '_')}"


def test_every_input_is_handed_over_and_each_variable_is_read() -> None:
    handed = {name for step in STEPS for name in step["env"]}
    inputs = {f"INPUT_{name.upper().replace('-', '_')}" for name in ACTION["inputs"]}
    assert handed == inputs
    for step in STEPS:
        (script,) = re.findall(r"\.github/actions/([\w.]+)", step["run"])
        text = (SCRIPTS / script).read_text()
        assert {name for name in step["env"] if name in text} == set(step["env"]), script
        assert set(re.findall(r"INPUT_[A-Z_]+", text)) <= set(step["env"]), script


def test_the_outputs_are_those_that_the_program_writes() -> None:
    assert tuple(ACTION["outputs"]) == REPORTED
    assert [one["value"] for one in ACTION["outputs"].values()] == [
        f"${{{{ steps.run.outputs.{name} }}}}" for name in REPORTED
    ]


def test_the_scripts_can_be_run() -> None:
    for name in ("install", "run"):
        assert (SCRIPTS / name).stat().st_mode & stat.S_IXUSR, name


# --- how the program is called ---------------------------------------------------------------------


def test_each_command_is_called_with_its_inputs(stub: Runner) -> None:
    stub.use(version="installed", environments="staging, production\nother", state="deploy/state")
    assert arguments(stub) == [
        *("-C", "deploy/state", "-e", "staging", "-e", "production", "-e", "other", "plan")
    ]


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ({"command": "plan"}, ["plan"]),
        ({"command": "check", "environments": "staging"}, ["-e", "staging", "check"]),
        ({"command": "once"}, ["--lock-wait", "600", "--once"]),
        (
            {"command": "once", "environments": "production", "approved": "true", "lock_wait": "5"},
            ["-e", "production", "--lock-wait", "5", "--yes", "--once"],
        ),
        (
            {"command": "promote", "environments": "staging production", "reason": "all is well"},
            ["promote", "--push", "--soak", "30m", "-m", "all is well", "--", "staging", "production"],
        ),
        (
            {"command": "promote", "environments": "a b", "services": "web worker", "soak": "2h"},
            ["promote", "--push", "--soak", "2h", "-m", "", "--", "a", "b", "web", "worker"],
        ),
        (
            {"command": "rollback", "environments": "production", "services": "web", "reason": "slow"},
            ["rollback", "-m", "slow", "--", "production", "web"],
        ),
        (
            {"command": "rollback", "environments": "a", "revision": "abc123", "approved": "true"},
            ["rollback", "-m", "", "--yes", "--to", "abc123", "--", "a"],
        ),
    ],
)
def test_a_command_becomes_these_words(stub: Runner, inputs: dict[str, str], words: list[str]) -> None:
    stub.use(version="installed", **inputs)
    assert arguments(stub) == words


@pytest.mark.parametrize(
    ("inputs", "complaint"),
    [
        ({"command": "watch"}, "command is check, plan, once, promote or rollback, not: watch"),
        ({"command": ""}, "command is check"),
        ({"command": "promote", "environments": "staging"}, "there are 1"),
        ({"command": "rollback"}, "there are 0"),
        ({"command": "rollback", "environments": "a b"}, "there are 2"),
        ({"command": "once", "services": "web"}, "not with once"),
        ({"command": "once", "approved": "yes"}, "approved is true or false, not: yes"),
        ({"command": "once", "comment": "1"}, "comment is true or false, not: 1"),
        ({"working_directory": "no/such"}, "working-directory cannot be entered: no/such"),
    ],
)
def test_what_makes_no_sense_is_refused_and_in_the_outputs(
    stub: Runner, inputs: dict[str, str], complaint: str
) -> None:
    outputs = stub.use(version="installed", **inputs)
    assert (stub.code, outputs) == (64, failed(64))
    assert f"::error title=reconcile::{complaint.partition(',')[0]}" in stub.log or complaint in stub.log
    assert not (stub.root.parent / "called.json").exists()


def failed(code: int) -> dict[str, str]:
    return {"changed": "false", "result": "failed", "exit-code": str(code), "run-id": ""}


def test_a_program_that_says_nothing_is_a_failure_with_its_exit_code(stub: Runner) -> None:
    outputs = stub.use(version="installed", command="once")
    assert (stub.code, outputs) == (70, failed(70))


def test_a_promotion_may_be_a_pull_request(stub: Runner) -> None:
    inputs = {"command": "promote", "environments": "staging production", "version": "installed"}
    stub.use(pull_request="true", token="t0k3n", **inputs)
    assert arguments(stub)[:2] == ["promote", "--pr"]
    assert called(stub)["environ"]["GITHUB_TOKEN"] == "t0k3n"
    assert "t0k3n" not in stub.log
    stub.code = 0
    stub.use(pull_request="perhaps", **inputs)
    assert stub.code == 64


def test_it_runs_in_the_working_directory(stub: Runner) -> None:
    (stub.workspace / "de ploy").mkdir()
    stub.use(version="installed", working_directory="de ploy")
    assert called(stub)["environ"]["PWD"] == str(stub.workspace / "de ploy")


def test_commits_have_the_identity_of_who_asked_for_them(stub: Runner) -> None:
    stub.use(version="installed", command="rollback", environments="production")
    assert called(stub)["environ"]["GIT_AUTHOR_NAME"] == "ada"
    stub.code = 0
    stub.use(version="installed", command="once")
    assert called(stub)["environ"]["GIT_AUTHOR_NAME"] == "reconcile"
    assert called(stub)["environ"]["GIT_COMMITTER_EMAIL"].endswith("@users.noreply.github.com")


def test_an_identity_that_git_knows_is_left_alone(stub: Runner) -> None:
    (stub.root / "home" / ".gitconfig").write_text("[user]\n  name = Bot\n  email = bot@example.org\n")
    stub.use(version="installed", command="once")
    assert called(stub)["environ"]["GIT_AUTHOR_NAME"] is None


# --- hostile inputs --------------------------------------------------------------------------------


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_in_an_input_is_executed(stub: Runner, text: str) -> None:
    """Every input but the version: it reaches the program as it is, or is refused; nothing else happens."""
    marker = stub.root.parent / "marker"
    value = text.replace("{marker}", str(marker))
    words = [word for word in re.split(r"[,\s]+", value) if word]

    def use(**inputs: str) -> None:
        stub.code, stub.log = 0, ""
        outputs = stub.use(version="installed", **inputs)
        assert not marker.exists(), inputs
        expect_quiet(stub, outputs)

    texts = {"services": value, "reason": value, "state": value}
    use(command="promote", environments="staging production", soak=value, **texts)
    moved = ["promote", "--push", "--soak", value, "-m", value, "--", "staging", "production", *words]
    assert arguments(stub) == ["-C", value, *moved]
    use(command="rollback", environments="production", revision=value, **texts)
    back = ["rollback", "-m", value, "--to", value, "--", "production", *words]
    assert arguments(stub) == ["-C", value, *back]
    use(command="once", environments=value, lock_wait=value)
    chosen = [part for word in words for part in ("-e", word)]
    assert arguments(stub) == [*chosen, "--lock-wait", value, "--once"]
    for name in ("command", "approved", "comment", "working_directory"):
        use(**{"command": "once", name: value})
        assert stub.code == 64, name


def expect_quiet(runner: Runner, outputs: dict[str, str]) -> None:
    """No command but ours is in the log, and no output says anything that the program did not."""
    assert outputs["result"] == "failed", runner.log
    assert outputs.keys() == set(REPORTED)
    said = [line for line in runner.log.splitlines() if line.startswith("::")]
    assert all(line.startswith("::error title=reconcile::") for line in said), said


# --- installing ------------------------------------------------------------------------------------

PYTHON = """#!/bin/sh
# python3 of a runner, and of the environment that it makes; it writes down what pip is asked for.
case "$1 $2" in
"-c "*) exit {old} ;;
"-m venv") mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;;
"-m pip")
  shift 2
  printf '%s\\n' "$@" >>"{log}"
  printf '#!/bin/sh\\necho reconcile of the stand-in "$@"\\n' >"$(dirname "$0")/reconcile"
  chmod +x "$(dirname "$0")/reconcile" ;;
esac
"""


@pytest.fixture
def bare(tmp_path: Path) -> Runner:
    """A job on a runner without reconcile."""
    executable(tmp_path / "bin" / "python3", PYTHON.format(old=0, log=tmp_path / "pip.log"))
    return Runner(tmp_path / "job", (tmp_path / "bin",))


def asked_of_pip(runner: Runner) -> list[str]:
    return (runner.root.parent / "pip.log").read_text().splitlines()


def test_what_comes_with_the_action_is_installed_once_for_each_job(bare: Runner) -> None:
    for _ in range(2):
        outputs = bare.use(command="once")
        assert bare.code == 0, bare.log
        assert "reconcile of the stand-in -o github --lock-wait 600 --once" in bare.log
        assert outputs["exit-code"] == "0"
    assert asked_of_pip(bare) == [
        *("install", "--quiet", "--disable-pip-version-check", "--", str(ROOT)),
    ]
    assert [file.name for file in (bare.root / "temp/reconcile/only").iterdir()] == ["reconcile"]


def test_another_version_is_installed_anew_and_is_no_option_of_pip(bare: Runner) -> None:
    marker = bare.root.parent / "marker"
    for version in ("reconcile.whl", f"--index-url=$(touch {marker})"):
        bare.use(version=version)
        assert asked_of_pip(bare)[-2:] == ["--", version]
    assert not marker.exists()


def test_a_python_that_is_too_old_is_named(bare: Runner) -> None:
    executable(bare.root.parent / "bin" / "python3", PYTHON.format(old=1, log="/dev/null"))
    outputs = bare.use()
    assert bare.code == 1
    assert "::error title=reconcile::reconcile takes Python 3.11 or newer" in bare.log
    assert outputs == dict.fromkeys(REPORTED, ""), "nothing was run"


def test_an_installed_one_has_to_be_there(bare: Runner) -> None:
    bare.use(version="installed")
    assert (bare.code, "no reconcile on the PATH" in bare.log) == (1, True)


# --- with the program ------------------------------------------------------------------------------

DIGEST = "sha256:" + "2" * 64
SETTINGS = """\
version: 1
environments:
  staging: {pins: staging/compose.pins.yaml, project: staging, directory: ../app, compose: [compose.yml]}
  production: {pins: production/compose.pins.yaml, project: live, directory: ../app, compose: [compose.yml]}
"""
PINS = f"services:\n  backend:\n    image: ghcr.io/kompass/backend:1.8.2@{DIGEST}\n"


@pytest.fixture
def real(tmp_path: Path) -> Runner:
    """A job with the program itself, in a checkout of two environments; there is no engine."""
    runner = Runner(tmp_path / "job", (Path(sys.executable).parent,))
    world = GitWorld.new(tmp_path)
    files = {
        "state/reconcile.yaml": SETTINGS,
        "state/staging/compose.pins.yaml": PINS,
        "state/production/compose.pins.yaml": PINS,
        "app/compose.yml": "services: {backend: {image: backend}}\n",
    }
    for name, text in files.items():
        (runner.workspace / name).parent.mkdir(parents=True, exist_ok=True)
        (runner.workspace / name).write_text(text)
    world.git(runner.workspace, "init", "--quiet", "--initial-branch=main")
    world.git(runner.workspace, "add", "--all")
    world.git(runner.workspace, "commit", "--quiet", "-m", "Begin")
    world.git(tmp_path, "init", "--quiet", "--bare", "origin.git")
    world.git(runner.workspace, "remote", "add", "origin", f"file://{tmp_path}/origin.git")
    world.git(runner.workspace, "push", "--quiet", "-u", "origin", "main")
    return runner


def test_the_program_tells_the_outputs_itself(real: Runner) -> None:
    outputs = real.use(version="installed", command="promote", environments="staging production")
    assert real.code == 0, real.log
    assert outputs == {"changed": "false", "result": "no-op", "exit-code": "0", "run-id": ""}
    assert "production pins what staging does already" in real.summary


def test_a_plan_that_cannot_be_made_fails_the_step_with_its_exit_code(real: Runner) -> None:
    outputs = real.use(version="installed", environments="production")
    assert (real.code, outputs) == (69, failed(69))
    assert "### production: plan" in real.summary


@pytest.mark.parametrize("text", HOSTILE[2:9:2])
def test_the_program_takes_nothing_in_an_input_for_its_own(real: Runner, text: str) -> None:
    """Whatever the name of an environment looks like: there is none like it, and nothing else is said."""
    marker = real.root / "marker"
    name = re.sub(r"[,\s]+", "_", text.replace("{marker}", str(marker)))
    for inputs in (
        {"command": "once", "environments": name},
        {"command": "rollback", "environments": name},
        {"command": "promote", "environments": f"staging {name}"},
    ):
        real.code, real.log = 0, ""
        outputs = real.use(version="installed", **inputs)
        assert (real.code, outputs) == (64, failed(64)), real.log
        assert not marker.exists()
        assert "\n::set-output" not in real.log


def test_nothing_acts_on_a_pull_request_from_a_fork_and_its_plan_is_made(real: Runner) -> None:
    head = {"repo": {"full_name": "mallory/deploy"}}
    payload = {"repository": {"full_name": "kompass/deploy"}, "pull_request": {"number": 7, "head": head}}
    real.event("pull_request", payload)
    for inputs in ({"command": "once"}, *({"command": c, **ALONE[c]} for c in ("promote", "rollback"))):
        real.code, real.log = 0, ""
        outputs = real.use(version="installed", **inputs)
        assert (real.code, outputs) == (64, failed(64))
        assert "does not act on a pull request from mallory/deploy" in real.log
    real.code = 0
    real.use(version="installed", command="plan")
    assert real.code == 69, "it went as far as asking the engine"
