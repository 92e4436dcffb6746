"""Hooks as real processes: what they find, what is kept of them, and how they end."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.adapters.compose import ComposeCli
from reconciler.adapters.compose.executable import Executable
from reconciler.adapters.hooks import CommandHooks
from reconciler.adapters.hooks.commands import OUTPUT_BYTES
from reconciler.domain.data import Hook, Moment
from reconciler.domain.environment import Environment
from reconciler.errors import HookFailed
from reconciler.ports import Invocation, Ran
from tests.bed.tools import wait_until
from tests.domain.values import environment

ENVIRON = {**os.environ, "LC_ALL": "C.UTF-8", "COUCHDB_PASSWORD": "hunter2-secret", "PROBE_TOKEN": "t0ken"}


def nowhere(
    environment: Environment,
    files: Sequence[Path],
    service: str,
    command: Sequence[str],
    variables: Mapping[str, str],
    images: Mapping[str, str],
) -> Invocation:
    """No container is asked for here."""
    raise AssertionError(service)


def run(
    folder: Path,
    *command: str,
    limit: float = 30.0,
    environ: Mapping[str, str] = ENVIRON,
    variables: Mapping[str, str] | None = None,
) -> Ran:
    hooks = CommandHooks(environ, folder, nowhere, lambda _, said: said.replace("hunter2-secret", "***"))
    hook = Hook(Moment.BEFORE_RELEASE, command, time_limit_seconds=limit)
    return hooks.run(environment(), (), hook, variables or {}, {})


def python(folder: Path, code: str, *, limit: float = 30.0) -> Ran:
    return run(folder, sys.executable, "-c", code, limit=limit)


def test_its_exit_code_and_both_of_its_streams(tmp_path: Path) -> None:
    code = "import sys; print('one', flush=True); print('two', file=sys.stderr); sys.exit(3)"
    assert python(tmp_path, code) == Ran(3, "one\ntwo")


def test_no_shell_sees_its_arguments(tmp_path: Path) -> None:
    assert run(tmp_path, "printf", "%s|", "$HOME", "a b", "*", ";exit 3").output == "$HOME|a b|*|;exit 3|"


def test_it_finds_the_release_and_what_programs_need_and_none_of_our_secrets(tmp_path: Path) -> None:
    told = {"RECONCILE_RUN": "01J9ZM02QX"}
    found = run(tmp_path, "env", variables=told).output.splitlines()
    names = {line.partition("=")[0] for line in found}
    assert "RECONCILE_RUN=01J9ZM02QX" in found
    assert {"PATH", "LC_ALL"} <= names
    assert names <= {
        *("RECONCILE_RUN", "PATH", "HOME", "USER", "LOGNAME", "LANG", "LANGUAGE", "TZ", "TMPDIR"),
        *("XDG_RUNTIME_DIR", *(name for name in names if name.startswith("LC_"))),
    }


def test_it_runs_in_the_project_directory_and_reads_nothing(tmp_path: Path) -> None:
    code = "import os, sys; print(os.getcwd()); print(repr(sys.stdin.read()))"
    assert python(tmp_path, code).output == f"{tmp_path.resolve()}\n''"


def test_the_last_part_of_a_long_output_is_kept(tmp_path: Path) -> None:
    ran = python(tmp_path, "for n in range(400000): print(f'line {n}')")
    assert ran.code == 0
    assert ran.output.endswith("line 399998\nline 399999")
    assert OUTPUT_BYTES - 20 < len(ran.output) <= OUTPUT_BYTES


def test_what_is_kept_is_harmless_and_holds_no_secret(tmp_path: Path) -> None:
    code = (
        "import sys; sys.stdout.buffer.write("
        r"b'\x1b[31mred\x1b[0m \x07bell \x1b]0;title\x07 \xff\xfe \xe2\x80\xae right\r\nkey=hunter2-secret')"
    )
    ran = python(tmp_path, code)
    first, second = ran.output.split("\n")
    assert first.startswith("red ?bell ?]0;title?")
    assert "right" in first
    assert all(one.isprintable() for one in first)
    assert second == "key=***"


def test_a_secret_is_hidden_also_where_the_output_is_cut(tmp_path: Path) -> None:
    ran = python(tmp_path, f"print('hunter2-secret' * 2000 + 'x' * {OUTPUT_BYTES - 7})")
    assert "hunter" not in ran.output
    assert "secret" not in ran.output


def test_what_cannot_be_started_says_so(tmp_path: Path) -> None:
    with pytest.raises(HookFailed, match="no-such-program cannot be started: No such file or directory"):
        run(tmp_path, "no-such-program")
    with pytest.raises(HookFailed, match="cannot be started"):
        run(tmp_path / "gone", "true")


def test_at_its_time_limit_all_of_it_is_ended(tmp_path: Path) -> None:
    """Also what it has started itself, and what does not listen to polite requests."""
    child = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
    code = (
        "import os, subprocess, sys, time\n"
        f"child = subprocess.Popen([sys.executable, '-c', {child!r}])\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    ran = python(tmp_path, code, limit=4.0)
    assert ran.code is None
    pid = int(next(word for word in ran.output.split() if word.isdigit()))
    wait_until(lambda: not running(pid), seconds=10.0, what=f"process {pid} is gone")


def running(pid: int) -> bool:
    """Whether a process is there, and no mere entry that nobody has waited for yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_what_it_leaves_behind_does_not_hold_us_up(tmp_path: Path) -> None:
    code = (
        "import subprocess, sys\n"
        "code = 'import time; time.sleep(600)'\n"
        "child = subprocess.Popen([sys.executable, '-c', code], start_new_session=True)\n"
        "print(child.pid)\n"
    )
    began = time.monotonic()
    ran = python(tmp_path, code)
    try:
        assert ran.code == 0
        assert time.monotonic() - began < 300
    finally:
        os.kill(int(ran.output), 9)


# --- in a container -----------------------------------------------------------------------------


def one_off(tmp_path: Path, images: Mapping[str, str]) -> Invocation:
    (tmp_path / ".env").write_text("DB_PASSWORD=correct-horse\n")
    cli = ComposeCli(Executable(("docker-compose",)), {"PATH": "/bin", "COMPOSE_FILE": "x.yml"}, tmp_path)
    files = (tmp_path / "compose.yaml", tmp_path / "pins.yaml")
    env = replace(environment(), engine_host="unix:///run/other.sock")
    return cli.one_off(env, files, "db", ("pg_dump", "-Fc"), {"RECONCILE_RUN": "1"}, images)


def test_in_a_container_it_has_the_files_the_engine_and_a_mark_of_ours(tmp_path: Path) -> None:
    found = one_off(tmp_path, {"web": "web:2"})
    assert found.command == (
        *("docker-compose", "--progress", "quiet", "--project-name", "shop"),
        *("--project-directory", str(tmp_path), "-f", str(tmp_path / "compose.yaml")),
        *("-f", str(tmp_path / "pins.yaml"), "run", "--rm", "--no-deps", "-T", "--label", "reconcile.hook=1"),
        *("-e", "RECONCILE_RUN=1", "--", "db", "pg_dump", "-Fc"),
    )
    assert found.environ == {"PATH": "/bin", "DOCKER_HOST": "unix:///run/other.sock"}
    assert (found.folder, found.text) == (tmp_path, "")
    assert found.conceal("password is correct-horse") == "password is ${DB_PASSWORD}"


def test_another_image_than_the_pinned_one_goes_through_a_pipe(tmp_path: Path) -> None:
    found = one_off(tmp_path, {"db": "db:1@sha256:0"})
    assert found.command[-11:][:2] != ("-f", "-")
    assert found.command[found.command.index("run") - 1] == "-"
    assert found.text == 'services:\n  db:\n    image: "db:1@sha256:0"\n'
