"""A settings file that the schema has accepted is not validated again; any other text is."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.adapters.state_files import YamlStateFiles, schemas
from reconciler.adapters.state_files.accepted import MOST, Accepted
from reconciler.errors import InvalidSettings

GOOD = "version: 1\nenvironments:\n  test: {project: p, compose: [c.yml]}\n"


def test_an_accepted_text_is_read_without_the_schema(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = YamlStateFiles(tmp_path / "host" / "accepted")
    first = files.settings(GOOD, "r")

    def refuse(*_: object) -> None:
        raise AssertionError("it was validated again")

    monkeypatch.setattr(schemas, "violations", refuse)
    assert files.settings(GOOD, "r") == first
    with pytest.raises(AssertionError, match="validated again"):
        files.settings(GOOD.replace("p,", "q,"), "r")


def test_a_rejected_text_is_rejected_each_time(tmp_path: Path) -> None:
    files = YamlStateFiles(tmp_path / "accepted")
    for _ in range(2):
        with pytest.raises(InvalidSettings):
            files.settings(GOOD.replace("project", "projet"), "r")


def test_a_memory_that_others_can_write_is_not_believed(tmp_path: Path) -> None:
    memory = Accepted(tmp_path / "accepted")
    memory.add("a")
    assert memory.knows("a")
    (tmp_path / "accepted").chmod(0o620)
    assert not memory.knows("a")


def test_the_memory_stays_small(tmp_path: Path) -> None:
    memory = Accepted(tmp_path / "accepted")
    for number in range(2 * MOST):
        memory.add(str(number))
    assert len((tmp_path / "accepted").read_text().split()) == MOST
    assert memory.knows(str(2 * MOST - 1))
    assert not memory.knows("0")
