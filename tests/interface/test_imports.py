"""Start-up is part of the interface: what is heavy is imported only where it is used."""

from __future__ import annotations

import subprocess
import sys

import pytest

DAEMON = {"app.watch", "adapters.file_watch", "adapters.git.managed", "interface.checkouts"}
HEAVY = {"docker", "httpx", "jsonschema", "requests", "urllib3", "watchfiles", "yaml"}


def modules_of(code: str) -> set[str]:
    """The names of all modules that are loaded after ``code`` ran in a process of its own."""
    shown = (
        f"import sys\ntry:\n    {code}\nexcept SystemExit: pass\nprint('\\n', *sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", shown], capture_output=True, text=True, check=True)
    return set(done.stderr.split())


def loaded_by(code: str) -> set[str]:
    """The same, top-level names alone."""
    return {name.partition(".")[0] for name in modules_of(code)}


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["pin", "--help"], ["history", "--help"]])
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    loaded = loaded_by(f"from reconciler.interface.cli.main import run_command; run_command({arguments})")
    assert "click" in loaded
    assert not loaded & HEAVY


def test_wiring_imports_nothing_heavy() -> None:
    modules = "reconciler.interface.wiring, reconciler.interface.cli.commands.once, reconciler.app.converge"
    assert not loaded_by(f"import {modules}") & HEAVY


def test_one_pass_imports_nothing_of_the_daemon() -> None:
    modules = "reconciler.interface.wiring, reconciler.interface.cli.commands.once, reconciler.adapters.git"
    assert not modules_of(f"import {modules}") & {f"reconciler.{name}" for name in DAEMON}


def test_adapters_import_their_libraries_late() -> None:
    adapters = ("docker_host", "registry", "probe", "git", "host_state", "clock")
    modules = ", ".join(f"reconciler.adapters.{name}" for name in adapters)
    assert not loaded_by(f"import {modules}") & HEAVY
    assert "jsonschema" not in loaded_by("import reconciler.adapters.state_files")


def test_the_domain_imports_the_standard_library_alone() -> None:
    names = "causes desired diff environment gate health history image observed plan policy report waves"
    modules = ", ".join(f"reconciler.domain.{name}" for name in names.split())
    before = loaded_by("pass")
    own = loaded_by(f"import {modules}") - before - {"reconciler"}
    assert own <= sys.stdlib_module_names | {"org"}  # copy asks for Jython's org.python.core
