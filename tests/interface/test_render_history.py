"""The history of releases as people see it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta, timezone

from reconciler.domain.history import HistoryRow
from reconciler.interface.render.history_text import history_text, runbook_table
from reconciler.interface.render.style import Style
from tests.interface import values as v

PLAIN = Style()
OLD, NEW, FIXED = (
    v.image("backend", tag, digit) for tag, digit in (("1.8.1", "1"), ("1.8.2", "2"), ("1.8.3", "3"))
)

RELEASE = HistoryRow(
    "production",
    v.COMMIT,
    v.AT - timedelta(minutes=64),
    "renovate[bot]",
    "backend 1.8.2",
    (("backend", OLD, NEW), ("frontend", "", v.image("frontend", "1.0", "4")), ("old", "old:3", "")),
)
ROLLBACK = HistoryRow(
    "production",
    "5b0c7f1" + "0" * 33,
    v.AT.astimezone(timezone(timedelta(hours=2))),
    "dev",
    'Revert "backend 1.8.2"',
    (("backend", NEW, OLD),),
    "8f3c2d1",
    "exited | with 1",
)
FIX = HistoryRow(
    "production",
    "77d01ce" + "0" * 33,
    v.AT + timedelta(days=1),
    "dev",
    "A subject that says very much more about this release than fits in here",
    (("backend", OLD, FIXED),),
)


def test_one_line_for_each_change() -> None:
    assert (
        history_text([FIX, ROLLBACK, RELEASE], PLAIN)
        == """\
REVISION  DATE (UTC)        AUTHOR         SUBJECT                           CHANGES
77d01ce   2026-10-01 14:04  dev            A subject that says very much m…  backend 1.8.1 → 1.8.3
5b0c7f1   2026-09-30 14:04  dev            Revert "backend 1.8.2"            backend 1.8.2 → 1.8.1  (rollback of 8f3c2d1)
8f3c2d1   2026-09-30 13:00  renovate[bot]  backend 1.8.2                     backend 1.8.1 → 1.8.2
                                                                             frontend new 1.0
                                                                             old 3 unpinned"""  # noqa: E501
    )


def test_several_environments_are_told_apart() -> None:
    rows = [ROLLBACK, replace(ROLLBACK, environment="staging")]
    assert (
        history_text(rows, PLAIN)
        == """\
REVISION  DATE (UTC)        ENVIRONMENT  AUTHOR  SUBJECT                 CHANGES
5b0c7f1   2026-09-30 14:04  production   dev     Revert "backend 1.8.2"  backend 1.8.2 → 1.8.1  (rollback of 8f3c2d1)
5b0c7f1   2026-09-30 14:04  staging      dev     Revert "backend 1.8.2"  backend 1.8.2 → 1.8.1  (rollback of 8f3c2d1)"""  # noqa: E501
    )


def test_no_history() -> None:
    assert history_text([], PLAIN) == "No releases."


def test_the_table_of_the_runbook() -> None:
    assert (
        runbook_table([FIX, ROLLBACK, RELEASE])
        == """\
| Date | Environment | Reason | Rolled Back By | Duration | Resolution |
|------|-------------|--------|----------------|----------|------------|
| 2026-09-30 14:04 UTC | production | exited \\| with 1 | dev | 1h04m | backend 1.8.2 → 1.8.1; later backend 1.8.1 → 1.8.3 (77d01ce) |"""  # noqa: E501
    )


def test_a_rollback_whose_release_is_not_there() -> None:
    row = replace(ROLLBACK, reason="")
    assert runbook_table([row, replace(RELEASE, environment="staging")]).split("\n")[2] == (
        '| 2026-09-30 14:04 UTC | production | Revert "backend 1.8.2" | dev | - | backend 1.8.2 → 1.8.1 |'
    )


def test_no_rollbacks() -> None:
    assert runbook_table([RELEASE, FIX]).split("\n")[2:] == ["| - | - | - | - | - | - |"]


AUTOMATIC = HistoryRow(
    "production",
    v.COMMIT,
    v.AT - timedelta(minutes=63, seconds=50),
    "reconcile",
    'Roll back "backend 1.8.2"',
    (("backend", NEW, OLD),),
    v.COMMIT,
    "backend: 500",
    run="01J9ZM02QX",
    seconds=8.25,
    result="rolled-back",
    automatic=True,
)
TOLD = replace(ROLLBACK, run="01J9ZM02QX", seconds=64.0, result="rolled-back", automatic=True)


def test_rollbacks_that_nobody_asked_for() -> None:
    assert (
        history_text([TOLD, AUTOMATIC], replace(PLAIN, width=100))
        == """\
REVISION  DATE (UTC)        AUTHOR     SUBJECT                    CHANGES
5b0c7f1   2026-09-30 14:04  dev        Revert "backend 1.8.2"     backend 1.8.2 → 1.8.1  (rollback of 8f3c2d1, run 01J9ZM02QX, 1m04s)
-         2026-09-30 13:00  reconcile  Roll back "backend 1.8.2"  backend 1.8.2 → 1.8.1  (rollback of 8f3c2d1, run 01J9ZM02QX, 8.2s)"""  # noqa: E501
    )


def test_the_runbooks_table_of_rollbacks_that_nobody_asked_for() -> None:
    """With the duration of the pass, whoever wrote the commit; a rollback on the host undoes no rollback."""
    resolution = "backend 1.8.2 → 1.8.1; later backend 1.8.1 → 1.8.3 (77d01ce)"
    assert runbook_table([FIX, TOLD, AUTOMATIC, RELEASE]).split("\n")[2:] == [
        f"| 2026-09-30 14:04 UTC | production | exited \\| with 1 | reconcile | 1m04s | {resolution} |",
        f"| 2026-09-30 13:00 UTC | production | backend: 500 | reconcile | 8.2s | {resolution} |",
    ]


def test_a_rollback_from_another_clone_has_the_time_between_the_commits() -> None:
    row = replace(TOLD, seconds=None, result="")
    assert "| reconcile | 1h04m |" in runbook_table([row, AUTOMATIC, RELEASE])
    by_hand = replace(ROLLBACK, run="01J9ZM02QX", seconds=3.0, result="converged")
    assert "| dev | 3.0s |" in runbook_table([by_hand, RELEASE]), "the pass, where this host knows it"


def test_a_rollback_that_failed() -> None:
    row = replace(AUTOMATIC, result="rollback-failed")
    assert "| could not be restored: backend 1.8.2 → 1.8.1 |" in runbook_table([row])


def test_foreign_text_of_a_run() -> None:
    hostile = replace(AUTOMATIC, run=v.HOSTILE, reason=v.HOSTILE, author=v.HOSTILE, subject=v.HOSTILE)
    for text in (history_text([hostile], PLAIN), runbook_table([hostile])):
        assert not any(ord(character) < 32 and character != "\n" for character in text)
        assert "##[" not in text
