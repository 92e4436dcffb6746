"""Runs of the program as a child process, and what they come to."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

SCHEMA = Path(__file__).parents[2] / "schemas" / "output.schema.json"
LONGEST_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Result:
    """What one run of the program came to."""

    arguments: tuple[str, ...]
    code: int
    stdout: str
    stderr: str

    def expect(self, code: int) -> Result:
        """The same, when the exit code is the expected one; else everything that was said."""
        shown = f"reconcile {' '.join(self.arguments)} exited with {self.code}, not {code}"
        assert self.code == code, f"{shown}\n{self.stdout}\n{self.stderr}"
        return self

    @property
    def said(self) -> str:
        """Both streams: for messages whose stream does not matter."""
        return f"{self.stdout}\n{self.stderr}"

    @property
    def json(self) -> dict[str, Any]:
        """The document on stdout, once it is found to keep to its schema."""
        document: dict[str, Any] = json.loads(self.stdout)
        errors = [f"{error.json_path}: {error.message}" for error in _validator().iter_errors(document)]
        assert not errors, "\n".join(errors)
        return document

    @property
    def environment(self) -> dict[str, Any]:
        """The only environment of the JSON document."""
        (environment,) = self.json["environments"]
        assert isinstance(environment, dict)
        return environment

    def service(self, name: str) -> dict[str, Any]:
        """One service of the only environment."""
        (found,) = [service for service in self.environment["services"] if service["name"] == name]
        assert isinstance(found, dict)
        return found


@cache
def _validator() -> Any:
    from jsonschema import Draft202012Validator

    return Draft202012Validator(json.loads(SCHEMA.read_text()))


@dataclass(slots=True)
class Run:
    """A run of the program that is under way."""

    arguments: tuple[str, ...]
    process: subprocess.Popen[bytes]
    folder: Path

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def result(self) -> Result:
        """Wait for it to end."""
        code = self.process.wait(LONGEST_SECONDS)
        stdout, stderr = ((self.folder / name).read_text() for name in ("stdout", "stderr"))
        return Result(self.arguments, code, stdout, stderr)


@cache
def program() -> str:
    """The console script that belongs to this Python."""
    script = Path(sys.executable).with_name("reconcile")
    found = str(script) if script.exists() else shutil.which("reconcile")
    assert found, 'reconcile is not installed: scripts/bed up && eval "$(scripts/bed env)"'
    return found
