"""Names and markers of backups, and which of them stay."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.domain.backups import (
    Purpose,
    Unreadable,
    backup_name,
    expired,
    free_stamp,
    marker_text,
    newest,
    read_marker,
    source_and_stamp,
    stamp_of,
)
from reconciler.domain.documents import Backup

AT = datetime(2026, 9, 30, 14, 0, 0, tzinfo=UTC)


def backup(minute: int, *releases: str, source: str = "kompass", purpose: str = "asked") -> Backup:
    at = AT + timedelta(minutes=minute)
    name = backup_name(source, stamp_of(at))
    return Backup(name, source, at, f"{minute}-x", 3, 1, "ab", True, releases, ("run",), purpose, (name,))


@pytest.mark.parametrize("source", ["kompass", "team/notes", "a_backup_20260101-000000", "a+b"])
def test_names_are_those_of_the_runbook_and_are_told_apart(source: str) -> None:
    name = backup_name(source, stamp_of(AT))
    assert name == f"{source}_backup_20260930-140000"
    assert source_and_stamp(name) == (source, "20260930-140000")


@pytest.mark.parametrize(
    "name", ["kompass", "kompass_backup_", "_backup_20260930-140000", "k_backup_2026-14"]
)
def test_what_is_called_otherwise_is_no_backup(name: str) -> None:
    assert source_and_stamp(name) is None


def test_two_backups_of_one_second_get_different_names() -> None:
    there = {"kompass_backup_20260930-140000", "notes_backup_20260930-140001", "shop_backup_20260930-140002"}
    assert free_stamp(AT, ["kompass", "notes"], there) == "20260930-140002"


def test_a_marker_says_all_of_a_backup() -> None:
    one = replace(backup(3, "abc"), point_in_time=False, purpose="release")
    assert read_marker(one.name, marker_text(one)) == one
    assert read_marker(one.name, "") is None


@pytest.mark.parametrize(
    "text", ["[]", "{}", "nonsense", '{"version":2}', '{"version":1,"source":"x"}', "null"]
)
def test_a_marker_that_is_not_understood_is_said_to_be(text: str) -> None:
    with pytest.raises(Unreadable):
        read_marker("kompass_backup_20260930-140000", text)


def test_the_newest_stay_and_the_last_of_each_release_that_can_be_gone_back_to() -> None:
    backups = [backup(1, "a"), backup(2, "a"), backup(3, "b", "c"), backup(4, "d"), backup(5, "e")]
    backups.append(backup(6, "c", purpose=Purpose.RESTORE))
    gone = expired(backups, [], keep=2, protected=["a", "c"])
    assert gone == (backups[0].name, backups[3].name)


def test_what_a_restore_works_with_stays() -> None:
    backups = [backup(1), backup(2), backup(3)]
    assert expired(backups, [], keep=1, in_use=[backups[0].name]) == (backups[1].name,)


def test_what_has_no_marker_goes_once_there_is_a_newer_one_that_has() -> None:
    older, newer = backup_name("kompass", "20260101-000000"), backup_name("kompass", "20990101-000000")
    assert expired([], [older, newer], keep=1) == ()
    assert expired([backup(1)], [older, newer], keep=1) == (older,)
    assert expired([backup(1)], [older], keep=1, in_use=[older]) == ()


@given(
    minutes=st.lists(st.integers(0, 100), unique=True, min_size=1),
    keep=st.integers(0, 9),
    protected=st.sets(st.integers(0, 5)),
)
def test_never_more_goes_than_may(minutes: list[int], keep: int, protected: set[int]) -> None:
    backups = [backup(minute, str(minute % 6)) for minute in minutes]
    gone = set(expired(backups, [], keep=keep, protected=[str(one) for one in protected]))
    left = [one for one in backups if one.name not in gone]
    assert len(left) >= min(len(backups), max(keep, 1))
    last = newest(backups, "kompass")
    assert last in left
    for release in {str(one) for one in protected}:
        theirs = [one for one in backups if release in one.releases]
        assert not theirs or max(theirs, key=lambda one: one.name) in left
