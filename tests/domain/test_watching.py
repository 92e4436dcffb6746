"""What the daemon watches, in words."""

from __future__ import annotations

import pytest

from reconciler.domain.watching import Managed


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://example.org/shop.git", "https://example.org/shop.git"),
        ("https://token@example.org/shop.git", "https://example.org/shop.git"),
        ("ssh://git@example.org:22/shop.git", "ssh://example.org:22/shop.git"),
        ("git@example.org:shop.git", "git@example.org:shop.git"),
        ("https://example.org/@team/shop.git", "https://example.org/@team/shop.git"),
    ],
)
def test_who_logs_in_over_http_is_not_shown(url: str, shown: str) -> None:
    assert str(Managed(url, "main")) == f"state on main of {shown}"


def test_a_state_folder_that_is_the_whole_repository() -> None:
    assert (
        str(Managed("https://example.org/state.git", "main", ""))
        == "/ on main of https://example.org/state.git"
    )
