"""A reconcile.yaml around some checks."""

from __future__ import annotations

import pytest

from reconciler.adapters.state_files import YamlStateFiles
from reconciler.domain.check import Check, Question
from reconciler.errors import InvalidSettings

FILES = YamlStateFiles()
HEAD = "version: 1\nenvironments:\n  a:\n    project: p\n    compose: [c.yml]\n    gate:\n      checks:\n"


def read(*checks: str) -> dict[str, Check]:
    text = HEAD + "".join(f"        {line}\n" for check in checks for line in check.split("\n"))
    (environment,) = FILES.settings(text, "reconcile.yaml")
    return {check.name: check for check in environment.gate.checks}


def one(check: str) -> Question:
    return read(check)["x"].question


def refusals(*checks: str) -> list[str]:
    """The findings; the first check is on line 8."""
    with pytest.raises(InvalidSettings) as raised:
        read(*checks)
    return [
        f"{finding.line}:{finding.column} {finding.message.replace('environments.a.gate.checks.', '')}"
        for finding in raised.value.findings
    ]
