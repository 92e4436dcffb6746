"""The pages of docs that show settings show only what is read; every kind of check is shown."""

from __future__ import annotations

import re
from pathlib import Path
from textwrap import indent

import pytest

from reconciler.adapters.state_files import YamlStateFiles
from reconciler.adapters.state_files.checks import KINDS

DOCS = Path(__file__).parents[2] / "docs"


def examples(name: str) -> list[str]:
    text = (DOCS / name).read_text(encoding="utf-8")
    return re.findall(r"^```yaml\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


EXAMPLES = examples("checks.md")
BRAKES = examples("brakes.md")
DATA = examples("data.md")
NOTIFICATIONS = examples("notifications.md")
ENVIRONMENT = ("gate:", "severity:", "inconclusive:", "rollback:")


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_can_be_read(example: str) -> None:
    if not example.startswith(ENVIRONMENT):
        example = f"gate:\n  checks:\n{indent(example, '    ')}"
    read(example)


@pytest.mark.parametrize("example", DATA)
def test_every_example_of_data_can_be_read(example: str) -> None:
    """Some show where in an environment they belong."""
    if example.startswith("environments:"):
        whole = example.replace("# …", "project: p\n    compose: [c.yml]")
        YamlStateFiles().settings(f"version: 1\n{whole}", "docs/data.md")
    else:
        read(example)


@pytest.mark.parametrize("example", NOTIFICATIONS)
def test_every_channel_can_be_read(example: str) -> None:
    read(example)


@pytest.mark.parametrize("example", BRAKES)
def test_every_brake_can_be_read(example: str) -> None:
    read(example)


def read(example: str) -> None:
    """An environment with these lines."""
    text = f"version: 1\nenvironments:\n  a:\n    project: p\n    compose: [c.yml]\n{indent(example, '    ')}"
    YamlStateFiles().settings(text, "docs/checks.md")


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_an_example(kind: str) -> None:
    assert any(re.search(rf"[{{ ]{kind}:(?: |$)", example, re.MULTILINE) for example in EXAMPLES)
