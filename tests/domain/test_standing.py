"""Which releases still stand, and what a rollback goes back to."""

from __future__ import annotations

import pytest

from reconciler.domain.standing import earlier, standing

Pins = dict[str, str]


def back(*releases: Pins, services: tuple[str, ...] = ()) -> tuple[str, Pins] | None:
    """What to go back to after these releases, oldest first; commits are called c0, c1, …"""
    found = earlier(standing((f"c{index}", pins) for index, pins in enumerate(releases)), services)
    return (found.commit, dict(found.images)) if found else None


def test_the_release_before_the_present_one() -> None:
    assert back({"a": "1"}, {"a": "2"}) == ("c1", {"a": "1"})


def test_the_first_release_has_none_before_it() -> None:
    assert back({"a": "1"}) is None
    assert back() is None


def test_what_was_taken_back_is_never_gone_forward_to() -> None:
    """Whether by a rollback or by `git revert`: the content tells."""
    assert back({"a": "1"}, {"a": "2"}, {"a": "1"}) is None
    assert back({"a": "1"}, {"a": "2"}, {"a": "3"}, {"a": "2"}) == ("c1", {"a": "1"})


def test_a_revert_of_a_revert_stands_again() -> None:
    assert back({"a": "1"}, {"a": "2"}, {"a": "1"}, {"a": "2"}) == ("c3", {"a": "1"})


def test_all_services_of_the_latest_release_and_no_others() -> None:
    assert back({"a": "1", "b": "1"}, {"a": "2", "b": "1"}, {"a": "3", "b": "2"}) == (
        "c2",
        {"a": "2", "b": "1"},
    )
    assert back({"a": "1", "b": "1"}, {"a": "2", "b": "1"}, {"a": "2", "b": "2"}) == ("c2", {"b": "1"})


def test_the_rest_of_a_release_of_which_one_service_went_back() -> None:
    assert back({"a": "1", "b": "1"}, {"a": "2", "b": "2"}, {"a": "1", "b": "2"}) == ("c1", {"b": "1"})


def test_named_services_go_back_each_to_its_own() -> None:
    releases: tuple[Pins, ...] = ({"a": "1", "b": "1"}, {"a": "2", "b": "1"}, {"a": "2", "b": "2"})
    assert back(*releases, services=("a",)) == ("c1", {"a": "1"})
    assert back(*releases, services=("a", "b")) == ("c2", {"a": "1", "b": "1"})


@pytest.mark.parametrize("service", ["c", "new"])
def test_a_service_with_nothing_earlier(service: str) -> None:
    assert back({"a": "1"}, {"a": "2", "new": "1"}, services=(service,)) is None


def test_a_service_that_is_pinned_no_more_is_nobodys_to_roll_back() -> None:
    assert back({"a": "1", "b": "1"}, {"a": "1", "b": "2"}, {"a": "1"}) is None
