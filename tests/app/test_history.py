"""Git's history with what the journal of a host adds: which pass it was, how long it took, how it ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from reconciler.adapters.state_files import YamlStateFiles
from reconciler.app.desired import DesiredState
from reconciler.app.history import history
from reconciler.domain.history import HistoryRow
from reconciler.domain.journal import Run
from reconciler.domain.report import Result
from tests.bed.fake_engine import FakeWorld
from tests.bed.fake_repository import FakeRepository
from tests.domain.values import environment, image

PINS = "state/production/compose.pins.yaml"
MINUTE = timedelta(minutes=1)


@dataclass(slots=True)
class Line:
    """A repository and a journal; `release` commits pins, `passed` is a pass at HEAD."""

    repository: FakeRepository = field(default_factory=FakeRepository)
    pinned: dict[str, str] = field(default_factory=dict)
    runs: list[Run] = field(default_factory=list)

    def release(self, message: str = "Release", **versions: str) -> str:
        """Pin versions; returns the commit."""
        self.pinned |= {name: image(name, version) for name, version in versions.items()}
        lines = [f"  {name}:\n    image: {pin}\n" for name, pin in sorted(self.pinned.items())]
        return self.repository.put({PINS: "services:\n" + "".join(lines)}, message).commit

    def passed(self, result: Result | None, seconds: float | None = 10.0, **moves: tuple[str, str]) -> Run:
        """A pass that moved services from one version to another; an empty version is nothing."""
        changes = tuple(
            (name, image(name, before) if before else "", image(name, after))
            for name, (before, after) in moves.items()
        )
        head = self.repository.head()
        run = Run(
            f"01{len(self.runs):08}",
            "production",
            self.now,
            head.commit,
            head.subject,
            head.author,
            changes,
            result,
            seconds,
            "front: 500" if result is Result.ROLLED_BACK else "",
        )
        self.runs.insert(0, run)
        return run

    @property
    def now(self) -> datetime:
        """A little after the last commit."""
        return self.repository.log(PINS)[0].at + timedelta(seconds=1)

    def rows(self, limit: int = 0, runs: Sequence[Run] | None = None) -> tuple[HistoryRow, ...]:
        desired = DesiredState(self.repository, YamlStateFiles(), FakeWorld(), "state")
        known = self.runs if runs is None else runs
        return history(environment(), desired, limit=limit, runs=known)


def told(row: HistoryRow) -> tuple[str, float | None, str]:
    return row.run, row.seconds, row.result


def test_without_a_journal_nothing_is_added() -> None:
    line = Line()
    line.release(web="1")
    assert [told(row) for row in line.rows()] == [("", None, "")]
    assert not line.rows()[0].automatic


def test_a_release_has_the_pass_that_released_it() -> None:
    line = Line()
    line.release(web="1", api="1")
    first = line.passed(Result.CONVERGED, 4.5, web=("", "1"), api=("", "1"))
    line.release(web="2")
    second = line.passed(Result.CONVERGED, 2.5, web=("1", "2"))
    assert [told(row) for row in line.rows()] == [
        (second.id, 2.5, "converged"),
        (first.id, 4.5, "converged"),
    ]


def test_a_repair_is_no_release() -> None:
    """Neither a container that was started again, nor another service's at the same revision."""
    line = Line()
    line.release(web="1", api="1")
    line.release(web="2")
    released = line.passed(Result.CONVERGED, web=("1", "2"))
    line.passed(Result.FAILED, web=("2", "2"))
    line.passed(Result.FAILED, api=("0", "1"))
    assert [row.run for row in line.rows()] == [released.id, ""]


def test_the_newest_of_several_passes_counts() -> None:
    """Tried again after it was unblocked; and one that is under way."""
    line = Line()
    line.release(web="1")
    line.release(web="2")
    line.passed(Result.FAILED, web=("1", "2"))
    again = line.passed(Result.CONVERGED, web=("1", "2"))
    assert line.rows()[0].run == again.id
    under_way = line.passed(None, None, web=("1", "2"))
    assert told(line.rows()[0]) == (under_way.id, None, "")


def test_a_pass_at_a_commit_that_moves_no_pin() -> None:
    line = Line()
    line.release(web="1")
    line.release(web="2")
    line.repository.put({"README.md": "words"}, "Words")
    run = line.passed(Result.CONVERGED, web=("1", "2"))
    assert [row.run for row in line.rows()] == [run.id, ""]


def test_a_pass_released_nothing_that_was_pinned_after_it() -> None:
    line = Line()
    line.release(web="1")
    line.release(web="2")
    line.repository.put({"README.md": "words"}, "Words")
    run = line.passed(Result.CONVERGED, web=("1", "2"))
    line.release(web="1")
    line.release(web="2")
    assert [row.run for row in line.rows()] == ["", "", run.id, ""]


def test_a_rollback_that_git_was_not_told_of() -> None:
    line = Line()
    line.release(web="1", api="1")
    bad = line.release("web 2", web="2", api="2")
    run = line.passed(Result.ROLLED_BACK, 12.5, web=("1", "2"), api=("1", "2"))
    line.release("web 3", web="3", api="3")
    fixed, back, release, _ = line.rows()
    assert (fixed.subject, release.revision, told(release)) == ("web 3", bad, (run.id, 12.5, "rolled-back"))
    assert back == HistoryRow(
        environment="production",
        revision=bad,
        at=run.started_at + timedelta(seconds=12.5),
        author="reconcile",
        subject='Roll back "web 2"',
        changes=(
            ("web", image("web", "2"), image("web", "1")),
            ("api", image("api", "2"), image("api", "1")),
        ),
        rollback_of=bad,
        reason="front: 500",
        run=run.id,
        seconds=12.5,
        result="rolled-back",
        automatic=True,
    )
    assert not back.committed
    assert release.committed
    assert back.rolled_back_by == "reconcile"


def test_each_rejection_of_one_release_is_a_rollback() -> None:
    line = Line()
    line.release(web="1")
    line.release(web="2")
    first = line.passed(Result.ROLLED_BACK, web=("1", "2"))
    second = line.passed(Result.ROLLBACK_FAILED, web=("1", "2"))
    assert [row.run for row in line.rows()] == [second.id, first.id, second.id, ""]
    assert [row.automatic for row in line.rows()] == [True, True, False, False]


def test_a_rollback_that_git_knows_is_one_row() -> None:
    line = Line()
    line.release(web="1")
    bad = line.release(web="2")
    run = line.passed(Result.ROLLED_BACK, 12.5, web=("1", "2"))
    trailers = f"Reconcile-Rollback-Of: {bad}\nReconcile-Reason: front: 500\nReconcile-Run: {run.id}"
    line.release(f'Revert "Release"\n\n{trailers}', web="1")
    back, release, _ = line.rows()
    assert told(back) == told(release) == (run.id, 12.5, "rolled-back")
    assert (back.automatic, back.rollback_of, back.reason) == (True, bad, "front: 500")
    assert (back.author, back.rolled_back_by) == ("dev", "reconcile")
    assert back.committed
    elsewhere = line.rows(runs=())[0]
    assert (told(elsewhere), elsewhere.automatic) == ((run.id, None, ""), True), "another clone"


def test_a_rollback_by_a_person_is_the_persons() -> None:
    line = Line()
    line.release(web="1")
    bad = line.release(web="2")
    line.release(f"Back\n\nReconcile-Rollback-Of: {bad}", web="1")
    run = line.passed(Result.CONVERGED, 3.0, web=("2", "1"))
    back = line.rows()[0]
    assert told(back) == (run.id, 3.0, "converged")
    assert (back.automatic, back.rolled_back_by) == (False, "dev")


def test_a_limit_counts_rollbacks_too() -> None:
    line = Line()
    line.release(web="1")
    for version in "234":
        line.release(web=version)
        line.passed(Result.ROLLED_BACK, web=("1", version))
    everything = line.rows()
    assert len(everything) == 7
    for limit in range(1, 8):
        assert line.rows(limit) == everything[:limit]


def test_a_release_that_git_does_not_know_any_more() -> None:
    """History was rewritten: the rollback stands where its date says."""
    line = Line()
    line.release(web="1")
    lost = replace(line.passed(Result.ROLLED_BACK, web=("1", "9")), revision="f" * 40)
    line.runs = [lost]
    line.release(web="2")
    assert [row.run for row in line.rows()] == ["", lost.id, ""]
    line.runs = [replace(lost, started_at=lost.started_at - 1000 * MINUTE)]
    assert [row.run for row in line.rows()] == ["", "", lost.id]
    assert [row.run for row in Line(runs=[lost]).rows()] == [lost.id]
