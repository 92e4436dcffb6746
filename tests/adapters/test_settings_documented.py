"""docs/checks.md shows only what is read, and shows every kind of check."""

from __future__ import annotations

import re
from pathlib import Path
from textwrap import indent

import pytest

from reconciler.adapters.state_files import YamlStateFiles
from reconciler.adapters.state_files.checks import KINDS

TEXT = (Path(__file__).parents[2] / "docs" / "checks.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```yaml\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
ENVIRONMENT = ("gate:", "severity:", "inconclusive:", "rollback:")


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_can_be_read(example: str) -> None:
    if not example.startswith(ENVIRONMENT):
        example = f"gate:\n  checks:\n{indent(example, '    ')}"
    text = f"version: 1\nenvironments:\n  a:\n    project: p\n    compose: [c.yml]\n{indent(example, '    ')}"
    YamlStateFiles().settings(text, "docs/checks.md")


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_an_example(kind: str) -> None:
    assert any(re.search(rf"[{{ ]{kind}:(?: |$)", example, re.MULTILINE) for example in EXAMPLES)
