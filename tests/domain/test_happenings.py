"""What a pass has to tell, given what was told before it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest

from reconciler.domain.brakes import Brakes, Pause
from reconciler.domain.by_hand import paused_event, restored_event, resumed_event, trial_event
from reconciler.domain.channels import Channel, Command
from reconciler.domain.desired import Revision
from reconciler.domain.events import Event, Kind
from reconciler.domain.gate import Judgement
from reconciler.domain.happenings import ended, moved_words, moves_of, rejected, started
from reconciler.domain.plan import Change, Entry, Plan
from reconciler.domain.report import EnvironmentHealth, Outcome, Report, Result, Sync
from reconciler.domain.restoring import Ending, Restored
from reconciler.domain.severity import Matrix, Phase, Ruling, Severity, Verdict, decide
from reconciler.domain.told import MOST_SIGNS, Told
from reconciler.errors import EngineUnreachable, Locked, ReconcileError, Refused, Stale
from tests.domain.values import COMMIT, box, image, planned, svc

AT = datetime(2026, 9, 30, 14, 0, tzinfo=UTC)
GIT = Revision(COMMIT, "main", "web 2", "dev")
RELEASE = planned([svc("web", "2")], [box("web-1", "1")])
MOVES = (("web", image("web", "1"), image("web", "2")),)
IN_SYNC = planned([svc("web", "2")], [box("web-1", "2")])
CRASHED = planned([svc("web", "2")], [], kept={"web": "web 2"})
EVERYTHING = Channel("all", Command(("tell",)))
FAILS = Judgement(Verdict.FAIL, "check front: 500")


@dataclass
class People:
    """What they hear, pass by pass; each pass is a minute after the last."""

    told: Told = field(default_factory=Told)
    at: datetime = AT
    channels: tuple[Channel, ...] = (EVERYTHING,)

    def hear(self, *events: Event) -> list[str]:
        heard = []
        for event in events:
            if self.told.knows(event):
                continue
            receivers = self.told.receivers(event, self.channels)
            self.told = self.told.after(event, receivers)
            heard.append(event)
        self.last = tuple(heard)
        return [str(event.kind) for event in heard]

    def after(
        self, *given: Report, late: tuple[str, tuple[tuple[str, str, str], ...]] | None = None
    ) -> list[str]:
        heard: list[str] = []
        for report in given:
            self.at += timedelta(minutes=1)
            heard += self.hear(*ended(replace(report, started_at=self.at), self.at, self.told, late))
        return heard


def report(
    result: Result,
    plan: Plan | None = IN_SYNC,
    run: str = "",
    *,
    error: ReconcileError | None = None,
    judgement: Judgement | None = None,
    health: EnvironmentHealth = EnvironmentHealth.HEALTHY,
    sync: Sync = Sync.SYNCED,
    brakes: Brakes | None = None,
) -> Report:
    return Report(
        "production",
        result,
        sync,
        health,
        AT,
        1.0,
        revision=GIT,
        plan=plan,
        outcome=Outcome(result, judgement) if judgement is not None else None,
        error=error,
        run=run,
        brakes=brakes or Brakes(),
    )


def away(words: str = "the engine does not answer after 1.5s") -> Report:
    return report(Result.FAILED, None, error=EngineUnreachable(words), health=EnvironmentHealth.UNKNOWN)


NO_OP = report(Result.NO_OP)
CONVERGED = report(Result.CONVERGED, RELEASE, "01A")
ROLLED_BACK = report(Result.ROLLED_BACK, RELEASE, "01A", judgement=FAILS)
ROLLBACK_FAILED = report(
    Result.ROLLBACK_FAILED, RELEASE, "01A", judgement=FAILS, health=EnvironmentHealth.DEGRADED
)


def begun(run: str = "01A") -> Event:
    return started("production", run, AT, GIT, MOVES)


def test_nothing_to_do_is_nothing_to_tell() -> None:
    assert People().after(NO_OP, NO_OP) == []


def test_a_release_has_a_beginning_and_an_end_that_belong_together() -> None:
    people = People()
    assert people.hear(begun()) == ["release-started"]
    assert people.last[0].summary == "the release of web 1 → 2 in production has begun"
    assert people.after(CONVERGED) == ["converged"]
    (end,) = people.last
    assert (end.key, end.incident, end.moves) == ("production/01A/converged", begun().incident, MOVES)
    assert (end.revision, end.subject, end.by) == (COMMIT, "web 2", "dev")
    assert people.told == Told()


def test_a_release_that_is_tried_again_has_begun_once() -> None:
    people = People()
    assert people.hear(begun("01A"), begun("01B")) == ["release-started"]
    assert people.after(replace(CONVERGED, run="01B")) == ["converged"]
    assert people.last[0].incident == begun("01A").incident
    assert people.hear(begun("01C")) == ["release-started"], "after its end it is another one"


def test_a_release_whose_pass_was_killed_is_told_by_the_next_one() -> None:
    people = People()
    people.hear(begun())
    assert people.after(NO_OP) == ["converged"]
    (end,) = people.last
    assert (end.run, end.incident) == ("01A", begun().incident)
    assert people.after(NO_OP) == []


@pytest.mark.parametrize(
    "seen",
    [
        pytest.param(
            replace(NO_OP, plan=planned([svc("web", "1")], [box("web-1", "1")])), id="reverted in Git"
        ),
        pytest.param(replace(NO_OP, sync=Sync.OUT_OF_SYNC), id="out of sync"),
        pytest.param(away(), id="cannot be told"),
    ],
)
def test_a_release_that_does_not_run_is_not_said_to(seen: Report) -> None:
    """O-06: success is told of nothing but what runs."""
    people = People()
    people.hear(begun())
    assert "converged" not in people.after(seen)


def test_a_rejection_and_its_rollback_are_one_incident() -> None:
    people = People()
    ruling = Ruling("check front", Severity.MEDIUM, Verdict.FAIL, "500", Matrix().failed[Severity.CRITICAL])
    judgement = replace(FAILS, decision=decide([ruling], Phase.GATE))
    no = rejected("production", "01A", AT, judgement, GIT, MOVES, people.told)
    assert people.hear(begun(), no) == ["release-started", "rejected"]
    assert people.after(replace(ROLLED_BACK, outcome=Outcome(Result.ROLLED_BACK, judgement))) == [
        "rolled-back"
    ]
    (back,) = people.last
    assert back.incident == no.incident == begun().incident
    assert (back.severity, back.reason) == (Severity.MEDIUM, "check front: 500")
    assert people.after(NO_OP) == [], "what ran before runs: nothing is left to recover from"


def test_a_rollback_whose_pass_was_killed_is_told_by_the_next_one() -> None:
    people = People()
    people.hear(begun(), rejected("production", "01A", AT, FAILS, GIT, MOVES, people.told))
    assert people.after(replace(NO_OP, plan=IN_SYNC)) == [], "what was rejected still runs"
    back = planned([svc("web", "1")], [box("web-1", "1")])
    assert people.after(replace(NO_OP, plan=back, health=EnvironmentHealth.PROGRESSING)) == []
    assert people.after(replace(NO_OP, plan=back), replace(NO_OP, plan=back)) == ["rolled-back"]
    assert people.told == Told()


def test_a_release_that_fails_late_is_the_incident_of_its_run() -> None:
    people = People()
    people.hear(begun())
    people.after(CONVERGED)
    back = planned([svc("web", "1")], [box("web-1", "2")])
    assert people.after(replace(ROLLED_BACK, plan=back, run="01B"), late=("01A", MOVES)) == ["rolled-back"]
    (told,) = people.last
    assert (told.incident, told.run, told.moves) == ("production/01A", "01B", MOVES)


def test_the_same_failure_each_minute_is_told_once_and_its_end() -> None:
    people = People()
    again = [away(f"the engine does not answer after {seconds}s") for seconds in (1.5, 1.6, 20)]
    assert people.after(*again) == ["failed"]
    assert people.last == ()
    assert people.after(NO_OP, NO_OP) == ["recovered"]
    assert people.after(away()) == ["failed"], "the next time is another one"


def test_another_failure_is_told_and_belongs_to_the_same_trouble() -> None:
    people = People()
    people.after(away())
    first = people.last[0]
    assert people.after(away("the registry says no")) == ["failed"]
    assert people.last[0].incident == first.incident
    assert people.last[0].key != first.key
    assert people.after(away(), away("the registry says no")) == [], "both are known by now"
    assert people.after(NO_OP) == ["recovered"]
    (over,) = people.last
    assert over.incident == first.incident
    assert over.summary == "it is over after 4 min: production could not be brought to what Git says"


def test_failures_without_end_are_told_to_a_bound() -> None:
    people = People()
    kinds = ["".join(chr(ord("a") + int(digit)) for digit in str(number)) for number in range(100, 200)]
    assert len(people.after(*[away(f"cannot {kind}") for kind in kinds])) == MOST_SIGNS


def test_a_failed_release_goes_on_when_it_recovers() -> None:
    people = People()
    people.hear(begun())
    broken = report(Result.FAILED, RELEASE, "01A", error=Refused("no room"))
    assert people.after(broken, replace(broken, run="01B")) == ["failed"]
    assert people.after(replace(CONVERGED, run="01C")) == ["converged", "recovered"]
    assert {one.incident for one in people.last} == {"production/01A"}


def test_somebody_else_who_acts_is_no_failure() -> None:
    for error in (Locked("production is being reconciled"), Stale("Git moved on")):
        assert People().after(report(Result.FAILED, None, error=error)) == []


def test_a_rollback_that_failed_is_over_when_everything_is_healthy_again() -> None:
    people = People()
    assert people.after(ROLLBACK_FAILED) == ["rollback-failed"]
    assert people.last[0].severity is Severity.CRITICAL
    assert people.after(replace(NO_OP, health=EnvironmentHealth.DEGRADED), away()) == ["failed"]
    assert people.after(replace(NO_OP, health=EnvironmentHealth.PROGRESSING)) == []
    assert people.after(NO_OP) == ["recovered"]
    assert people.last[0].severity is Severity.CRITICAL


def test_each_release_whose_rollback_fails_is_told() -> None:
    people = People()
    people.after(ROLLBACK_FAILED)
    assert people.after(replace(ROLLBACK_FAILED, run="01B")) == [], "the same commit"
    other = replace(ROLLBACK_FAILED, run="01C", revision=replace(GIT, commit="f" * 40))
    assert people.after(other) == ["rollback-failed"]


def test_drift_that_is_repaired() -> None:
    people = People()
    assert people.after(report(Result.CONVERGED, CRASHED, "01A")) == ["drift-repaired"]
    (event,) = people.last
    assert event.reason == "web: removed outside Git"


HELD = Plan(
    "production",
    (Entry("web", Change.HELD, "changed by hand 5 times", image("web", "2"), image("web", "2"), True),),
    (),
)


def test_drift_that_is_left_alone_is_told_once_and_its_end() -> None:
    people = People()
    left = replace(NO_OP, plan=HELD, sync=Sync.OUT_OF_SYNC)
    assert people.after(left, left) == ["drift-found"]
    assert people.after(away(), left) == ["failed"], "it did not go away meanwhile"
    assert people.after(NO_OP) == ["recovered"]


def test_after_a_failure_drift_is_told_as_its_own() -> None:
    people = People()
    people.after(away())
    assert people.after(replace(NO_OP, plan=HELD, sync=Sync.OUT_OF_SYNC)) == ["recovered", "drift-found"]


def test_what_people_hold_is_no_drift() -> None:
    paused = Brakes(pause=Pause("disk", "ada", AT))
    assert People().after(report(Result.NO_OP, HELD, brakes=paused, sync=Sync.PAUSED)) == []
    moved = Entry("web", Change.HELD, "needs an approval", image("web", "1"), image("web", "2"), True)
    assert People().after(report(Result.NO_OP, Plan("production", (moved,), ()))) == []


def test_a_recovery_goes_where_the_trouble_was_told_and_nowhere_else() -> None:
    grave = Channel("grave", Command(("tell",)), Severity.HIGH)
    chosen = Channel("chosen", Command(("tell",)), kinds=(Kind.FAILED,))
    people = People(channels=(grave, chosen))
    people.after(away())
    assert people.told.trouble is not None
    assert people.told.trouble.channels == ("chosen",)
    (over,) = ended(NO_OP, AT, people.told)
    assert people.told.receivers(over, (grave, chosen, EVERYTHING)) == ("chosen",)


def test_keys_are_made_of_what_happened() -> None:
    assert begun() == begun()
    for told in (ROLLED_BACK, away()):
        assert list(ended(told, AT, Told())) == list(ended(told, AT, Told()))


def test_texts_are_bounded() -> None:
    (event,) = ended(away("x" * 100_000), AT, Told())
    assert len(event.reason) == 1000
    long = replace(GIT, subject="x" * 100_000, author="y" * 100_000)
    event = started("production", "01A", AT, long, MOVES * 100)
    assert (len(event.subject), len(event.by), len(event.moves)) == (200, 200, 50)


def test_moves_in_words() -> None:
    assert moved_words((("web", "", image("web", "2")),)) == "web 2"
    assert moved_words((("web", image("web", "1"), ""),)) == "web (removed)"
    many = tuple((name, image(name, "1"), image(name, "2")) for name in "abcde")
    assert moved_words(many) == "a 1 → 2, b 1 → 2, c 1 → 2 and 2 more"
    assert moves_of(IN_SYNC) == moves_of(CRASHED) == ()
    assert moves_of(RELEASE) == MOVES


def test_what_people_do_by_hand() -> None:
    pause = Pause("disk", "ada", AT)
    begin, end = paused_event("production", pause), resumed_event("production", pause, AT, "bob")
    assert begin.summary == 'production is paused by ada: "disk"'
    assert (begin.incident, begin.by, end.by) == (end.incident, "ada", "bob")
    assert begin.key != end.key
    half = Restored("production", Ending.HALF, "20260930T140000Z", error=Refused("no room"))
    assert (restored_event(half, AT, "ada").severity, restored_event(half, AT, "ada").reason) == (
        Severity.CRITICAL,
        "no room",
    )
    assert trial_event("production", AT, "ada").kind is Kind.TEST
