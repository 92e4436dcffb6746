"""A runner of GitHub, as far as ``action.yml`` needs one: inputs, expressions, steps, files, conditions.

Each step runs in an environment that holds what a runner sets, what the step names, and nothing else.
https://docs.github.com/en/actions/reference/workflows-and-actions/metadata-syntax
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text())
EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")
BASH = ("bash", "--noprofile", "--norc", "-eo", "pipefail")
"""What ``shell: bash`` stands for."""


@dataclass(slots=True)
class Runner:
    """One job, in a folder of its own.

    Args:
        root: an empty folder.
        path: where programs are looked for, before those of the system.
        variables: of the job, besides those that a runner sets.
    """

    root: Path
    path: tuple[Path, ...] = ()
    variables: dict[str, str] = field(default_factory=dict)
    code: int = 0
    log: str = ""

    def __post_init__(self) -> None:
        for name in ("home", "temp", "workspace"):
            (self.root / name).mkdir(parents=True, exist_ok=True)

    @property
    def workspace(self) -> Path:
        return self.root / "workspace"

    @property
    def summary(self) -> str:
        file = self.root / "summary"
        return file.read_text() if file.exists() else ""

    def event(self, name: str, payload: Mapping[str, Any]) -> None:
        """What happened in the repository."""
        file = self.root / "event.json"
        file.write_text(json.dumps(payload))
        self.variables |= {"GITHUB_EVENT_NAME": name, "GITHUB_EVENT_PATH": str(file)}

    def use(self, **inputs: str) -> dict[str, str]:
        """``uses: …`` with these inputs (``_`` for ``-``); returns the outputs of the action."""
        given = {name.replace("_", "-"): value for name, value in inputs.items()}
        assert given.keys() <= ACTION["inputs"].keys()
        known = {name: given.get(name, one["default"]) for name, one in ACTION["inputs"].items()}
        outputs: dict[str, dict[str, str]] = {}
        for step in ACTION["runs"]["steps"]:
            if self._due(step.get("if", "success()"), known):
                outputs[step.get("id", "")] = self._step(step, known)
        found = {}
        for name, one in ACTION["outputs"].items():
            path = re.fullmatch(r"\$\{\{ steps\.(\w+)\.outputs\.([\w-]+) \}\}", one["value"])
            assert path, one["value"]
            found[name] = outputs.get(path[1], {}).get(path[2], "")
        return found

    def _due(self, condition: str, inputs: Mapping[str, str]) -> bool:
        """The conditions that the action has, and no other."""
        if condition == "success()":
            return self.code == 0
        assert condition == "always() && inputs.comment == 'true'", condition
        return inputs["comment"] == "true"

    def _step(self, step: Mapping[str, Any], inputs: Mapping[str, str]) -> dict[str, str]:
        assert step["shell"] == "bash"
        script, output = self.root / "temp" / "step.sh", self.root / "output"
        script.write_text(step["run"])
        output.write_text("")
        done = subprocess.run(
            ["env", "-i", *(f"{k}={v}" for k, v in self._environ(step, inputs).items()), *BASH, str(script)],
            cwd=self.workspace,
            capture_output=True,
            text=True,
            timeout=120,
        )
        self.code = self.code or done.returncode
        self.log += done.stdout + done.stderr
        return _outputs(output.read_text())

    def _environ(self, step: Mapping[str, Any], inputs: Mapping[str, str]) -> dict[str, str]:
        added = self.root / "path"
        ours = (*(added.read_text().split() if added.exists() else ()), *map(str, self.path))
        system = ("/usr/local/bin", "/usr/bin", "/bin")
        return {
            "PATH": ":".join((*ours, *system)),
            "HOME": str(self.root / "home"),
            "GITHUB_ACTIONS": "true",
            "GITHUB_ACTION_PATH": str(ROOT),
            "GITHUB_WORKSPACE": str(self.workspace),
            "GITHUB_OUTPUT": str(self.root / "output"),
            "GITHUB_PATH": str(added),
            "GITHUB_STEP_SUMMARY": str(self.root / "summary"),
            "GITHUB_EVENT_NAME": "push",
            "GITHUB_ACTOR": "ada",
            "RUNNER_TEMP": str(self.root / "temp"),
            "RECONCILE_STATE_DIR": str(self.root / "memory"),
            "DOCKER_HOST": f"unix://{self.root}/no.sock",
            "DOCKER_CONFIG": os.environ.get("DOCKER_CONFIG", str(self.root / "home")),
            **self.variables,
            **{name: evaluated(text, inputs) for name, text in step.get("env", {}).items()},
        }


def evaluated(text: str, inputs: Mapping[str, str]) -> str:
    """A value of ``env``: an expression for one input, and nothing beside it."""
    found = re.fullmatch(r"\$\{\{ inputs\.([\w-]+) \}\}", text)
    assert found, text
    return inputs[found[1]]


def _outputs(text: str) -> dict[str, str]:
    """Both forms that the file has; a later value of the same name wins."""
    found, lines = {}, iter(text.splitlines())
    for line in lines:
        name, long, end = line.partition("<<")
        if long:
            value = list(iter(lambda end=end: next(lines), end))  # type: ignore[misc]
            found[name] = "\n".join(value)
        else:
            name, equals, short = line.partition("=")
            assert equals, f"a runner refuses this line: {line!r}"
            found[name] = short
    return found
