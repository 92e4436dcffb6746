"""Which files a Compose model depends on, and when that cannot be told."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.adapters.compose.inputs import inputs_of


def written(folder: Path, text: str) -> tuple[Path, ...]:
    """A Compose file, beside `other.yml`, which it may bring in."""
    (folder / "other.yml").write_text("services: {b: {image: b}}\n")
    file = folder / "docker-compose.yml"
    file.write_text(text)
    return (file,)


def test_env_files_are_part_of_the_stamp(tmp_path: Path) -> None:
    files = written(tmp_path, "services: {a: {image: a, env_file: [a.env]}}\n")
    (tmp_path / "a.env").write_text("A=1\n")
    before = inputs_of(files, tmp_path).stamp(files, tmp_path, {})
    assert before == inputs_of(files, tmp_path).stamp(files, tmp_path, {})
    (tmp_path / "a.env").write_text("A=22\n")
    assert inputs_of(files, tmp_path).stamp(files, tmp_path, {}) != before


def test_the_dot_env_and_the_variables_are_part_of_the_stamp(tmp_path: Path) -> None:
    files = written(tmp_path, "services: {a: {image: a}}\n")
    before = inputs_of(files, tmp_path).stamp(files, tmp_path, {})
    assert inputs_of(files, tmp_path).stamp(files, tmp_path, {"TAG": "2"}) != before
    (tmp_path / ".env").write_text("TAG=2\n")
    assert inputs_of(files, tmp_path).stamp(files, tmp_path, {}) != before


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("include: [other.yml]\nservices: {a: {image: a}}\n", id="include"),
        pytest.param("services: {a: {extends: {file: other.yml, service: b}}}\n", id="extends"),
        pytest.param("services: {a: {image: a, env_file: ['$NAME.env']}}\n", id="variable"),
        pytest.param("services: [\n", id="unreadable"),
    ],
)
def test_what_cannot_be_told_has_no_stamp(tmp_path: Path, text: str) -> None:
    """Nested files read a `.env` of their own that no file names: Compose is asked each time."""
    files = written(tmp_path, text)
    assert inputs_of(files, tmp_path).stamp(files, tmp_path, {}) is None
