"""What a run reads of its host before anything else."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.errors import PermissionRefused
from reconciler.interface.settings import allowances


def test_what_a_host_allows_is_in_a_file_and_a_variable(tmp_path: Path) -> None:
    file = tmp_path / "allow"
    file.write_text("# what for\nweb:devices\n\nproduction/db:host-binds  # data\n")
    assert allowances({"RECONCILE_ALLOW": " api:privileged,, "}, file) == (
        *("web:devices", "production/db:host-binds"),
        "api:privileged",
    )


def test_without_the_file_nothing_is_allowed(tmp_path: Path) -> None:
    assert allowances({}, tmp_path / "allow") == ()


def test_a_file_that_cannot_be_read_is_no_bug_and_no_permission(tmp_path: Path) -> None:
    (tmp_path / "allow").mkdir()
    with pytest.raises(PermissionRefused, match="allow cannot be read"):
        allowances({}, tmp_path / "allow")
