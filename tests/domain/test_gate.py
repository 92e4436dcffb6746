"""Evidence and decision by example; what holds for any samples is in test_gate_properties."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.domain.environment import Gate
from reconciler.domain.gate import Evidence, Judgement, Rule, Watch, judge
from reconciler.domain.severity import Matrix, Phase, Reaction, Response, Severity, Verdict
from tests.domain.gate_rounds import at_the_end, row, sample, together, verdict

GOOD, BAD, UNREADY, NONE = Evidence.GOOD, Evidence.BAD, Evidence.UNREADY, Evidence.NONE
GATE = Gate(timeout_seconds=5.0, soak_seconds=4.0)
CHECK = Rule()
MILD = Rule(Severity.MEDIUM, frozenset())
GRADED = Rule(Severity.HIGH, frozenset({Severity.CRITICAL, Severity.HIGH}))


def said(judgement: Judgement | None) -> str:
    return f"{judgement.verdict} at {judgement.seconds:g}" if judgement else "open"


@pytest.mark.parametrize(
    ("marks", "expected"),
    [
        ("+++++", "pass at 4"),
        ("-+++++", "pass at 5"),
        ("--+++++", "pass at 6"),
        ("--", "open"),
        ("---", "fail at 2"),
        ("!", "fail at 0"),
        ("-!", "fail at 1"),
        ("++!", "fail at 2"),
        ("+--+++", "pass at 4"),
        ("+---", "fail at 3"),
        ("+-+-+", "pass at 4"),
        ("+-?-+", "pass at 4"),  # no evidence neither counts
        ("+-?--", "fail at 4"),  # nor mends
        ("??????", "inconclusive at 5"),
        ("++++++??", "pass at 4"),
        ("++++??????", "inconclusive at 9"),
        ("++++??+", "pass at 6"),
        ("+++--", "open"),  # a streak at the end of the soak must end
        ("+++--+", "pass at 5"),
        ("+++---", "fail at 5"),
        ("uuuuu", "open"),  # while it starts, unready does not count
        ("uuuuuu", "fail at 5"),
        ("uuuu+++++", "pass at 8"),
        ("u-u-u-", "fail at 5"),
        ("+uuu", "fail at 3"),  # but once it was good, it does
        ("uuuuu?", "inconclusive at 5"),
        ("u!", "fail at 1"),
    ],
)
def test_a_check_over_time(marks: str, expected: str) -> None:
    """Five seconds to be good once, then four seconds of soak."""
    assert said(verdict(row(marks), {"web": CHECK}, GATE)) == expected


@pytest.mark.parametrize(
    ("marks", "expected"),
    [
        ("+++++", "pass at 4"),
        ("++-+++", "fail at 2"),
        ("--++++++", "pass at 6"),
        ("++?+++", "pass at 4"),
        ("++u", "fail at 2"),
    ],
)
def test_a_container_that_was_good_fails_with_its_first_bad_sample(marks: str, expected: str) -> None:
    assert said(verdict(row(marks), {"web": Rule(brittle=True)}, GATE)) == expected


@pytest.mark.parametrize(
    ("marks", "expected"),
    [
        ("+++++++", "pass at 5"),
        ("+-++++++", "pass at 7"),
        ("-+-+-+-", "inconclusive at 5"),
        ("+-+-+", "open"),
        ("+-+-+-", "fail at 5"),
    ],
)
def test_two_successes_in_a_row(marks: str, expected: str) -> None:
    assert said(verdict(row(marks), {"web": Rule(successes=2)}, GATE)) == expected


def test_good_but_not_often_enough_is_no_failure() -> None:
    judgement = verdict(row("-+-+-+"), {"web": Rule(successes=2)}, GATE)
    assert judgement is not None
    assert said(judgement) == "inconclusive at 5"
    assert judgement.decision is not None
    assert [ruling.verdict for ruling in judgement.decision.deciding] == [Verdict.INCONCLUSIVE]


@pytest.mark.parametrize(
    ("marks", "expected"),
    [("-----+++++", "pass at 9"), ("------", "fail at 5"), ("+---", "fail at 3"), ("--!", "fail at 2")],
)
def test_in_the_start_period_bad_samples_do_not_count(marks: str, expected: str) -> None:
    """Until it was good once."""
    assert said(verdict(row(marks), {"web": Rule(start_period_seconds=4.5)}, GATE)) == expected


def test_bad_samples_within_a_blink_count_once() -> None:
    rules = {"web": CHECK}
    assert said(verdict(row("+------", apart=0.1), rules, GATE, apart=0.1)) == "open"
    assert said(verdict(row("+-------", apart=0.1), rules, GATE, apart=0.1)) == "fail at 0.7"


def test_without_soak_everything_good_once_is_enough() -> None:
    assert said(verdict(row("-+"), {"web": CHECK}, replace(GATE, soak_seconds=0.0))) == "pass at 1"


def test_without_rules_there_is_nothing_to_judge() -> None:
    assert said(verdict([[]], {}, replace(GATE, soak_seconds=0.0))) == "pass at 0"


def test_the_soak_begins_when_all_are_good_at_once() -> None:
    rounds = together(row("+++++++++", "web"), row("--+++++++", "api"))
    assert said(verdict(rounds, {"web": CHECK, "api": CHECK}, GATE)) == "pass at 6"


def test_a_slow_start_of_one_is_no_excuse_for_another() -> None:
    """The container breaks before the soak has begun, because of the check."""
    rules = {"web": Rule(brittle=True), "api": CHECK}
    assert said(verdict(together(row("+-+", "web"), row("+++", "api")), rules, GATE)) == "fail at 1"
    assert said(verdict(together(row("+-+", "web"), row("--+", "api")), rules, GATE)) == "fail at 1"


def test_one_bad_sample_at_the_end_of_a_long_soak_is_not_three() -> None:
    gate = Gate(timeout_seconds=1.0, soak_seconds=4.0)
    assert said(verdict(row("++++-+"), {"web": CHECK}, gate)) == "pass at 5"
    assert said(verdict(row("++++---"), {"web": CHECK}, gate)) == "fail at 5"


@pytest.mark.parametrize(
    ("marks", "expected"),
    [("mmmmmmm", "pass at 4"), ("mmm-", "fail at 3"), ("+m+m+m", "pass at 4"), ("mm+-+++", "pass at 4")],
)
def test_what_is_bad_in_a_way_that_rejects_nothing_holds_nothing_up(marks: str, expected: str) -> None:
    assert said(verdict(row(marks), {"web": GRADED}, GATE)) == expected


def test_a_failure_that_rejects_is_told_before_one_that_does_not() -> None:
    judgement = verdict(row("mmm-"), {"web": GRADED}, GATE)
    assert judgement is not None
    assert (judgement.verdict, [one.severity for one in judgement.deciding]) == (Verdict.FAIL, [None])


def test_the_most_severe_failure_is_the_one_that_is_told() -> None:
    """Also where none of them rejects: with somebody there, this one is rolled back later."""
    rounds = together(row("+++++", "web"), row("mmm-+", "latency"))
    rules = {"web": CHECK, "latency": Rule(Severity.HIGH, frozenset())}
    judgement = verdict(rounds, rules, GATE, attended=True)
    assert judgement is not None
    assert judgement.decision is not None
    assert judgement.decision.rule == "high latency failed: roll back after 15 min"


def test_a_mild_failure_does_not_hide_that_nothing_is_known_now() -> None:
    judgement = at_the_end(row("mmm?"), {"web": GRADED}, GATE)
    assert judgement.verdict is Verdict.INCONCLUSIVE


def test_a_failure_that_rejects_ends_it_whatever_failed_before() -> None:
    """Also with a matrix of one's own, where the milder one rejects."""
    rules = {"web": Rule(Severity.HIGH, frozenset({Severity.MEDIUM}))}
    assert said(verdict(row("---m"), rules, GATE)) == "fail at 3"


def test_what_shows_nothing_is_as_severe_as_its_check() -> None:
    looks = [[sample("web", Evidence.NONE, severity=Severity.LOW)]]
    assert at_the_end(looks, {"web": GRADED}, GATE).verdict is Verdict.INCONCLUSIVE


# --- checks that may not reject ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("marks", "verdict_of_it", "response"),
    [
        ("+++++", Verdict.PASS, None),
        ("-----", Verdict.FAIL, Response.ALERT),
        ("---++", Verdict.FAIL, Response.ALERT),
        ("?????", Verdict.INCONCLUSIVE, Response.ALERT),
        ("++++?", Verdict.INCONCLUSIVE, Response.ALERT),
        ("uuuuu", Verdict.FAIL, Response.ALERT),
    ],
)
def test_a_check_that_may_not_reject_is_reported_and_no_more(
    marks: str, verdict_of_it: Verdict, response: Response | None
) -> None:
    rounds = together(row("+++++", "web"), row(marks, "latency"))
    judgement = verdict(rounds, {"web": CHECK, "latency": MILD}, GATE)
    assert judgement is not None
    assert said(judgement) == "pass at 4"
    assert judgement.decision is not None
    (ruling,) = (ruling for ruling in judgement.decision.rulings if ruling.check == "latency")
    assert ruling.verdict is verdict_of_it
    assert judgement.decision.reaction.response is (response or Response.KEEP)


def test_even_a_check_that_may_not_reject_is_made_once() -> None:
    """It takes longer than a look at a container, and would never be made where there is no soak."""
    gate = replace(GATE, soak_seconds=0.0)
    rules = {"web": CHECK, "latency": MILD}
    assert said(verdict(together(row("+++", "web"), row("  -", "latency")), rules, gate)) == "pass at 2"
    judgement = verdict(together(row("++++++", "web"), row("      ", "latency")), rules, gate)
    assert judgement is not None
    assert (said(judgement), judgement.reason) == ("pass at 5", "no sample of latency was taken")


def test_a_failure_whose_rollback_is_delayed_does_not_reject_now() -> None:
    """Somebody is there when the delay is over; another check without evidence does not change that."""
    matrix = Matrix(inconclusive={Phase.GATE: Response.ALERT, Phase.OBSERVED: Response.ALERT})
    rules = {"api": CHECK, "search": Rule(Severity.HIGH, frozenset({Severity.CRITICAL}))}
    rounds = together(row("??????", "api"), row("------", "search"))
    judgement = verdict(rounds, rules, replace(GATE, matrix=matrix), attended=True)
    assert judgement is not None
    assert said(judgement) == "pass at 5"
    assert judgement.decision is not None
    assert judgement.decision.reaction == Reaction(Response.ROLL_BACK, 900.0)


# --- what is said ------------------------------------------------------------------------------------


def test_the_reason_names_what_decided() -> None:
    rounds = together(row("++!", "web"), row("+++", "api"))
    judgement = verdict(rounds, {"web": CHECK, "api": CHECK}, GATE)
    assert judgement is not None
    assert judgement.reason == "web: is bad"
    assert [decided.subject for decided in judgement.deciding] == ["web"]


@pytest.mark.parametrize("flip", [False, True])
def test_of_two_that_end_it_at_once_the_first_by_name_is_the_reason(flip: bool) -> None:
    looks = [sample("web", BAD, final=True), sample("api", BAD, final=True)]
    judgement = verdict([looks[::-1] if flip else looks], {"web": CHECK, "api": CHECK}, GATE)
    assert judgement is not None
    assert judgement.reason == "api: is bad"


def test_what_was_not_good_yet_when_a_failure_ended_it_decides_nothing() -> None:
    looks = [sample("web", BAD, final=True), sample("api", UNREADY), sample("memory", NONE)]
    rules = {"web": CHECK, "api": CHECK, "memory": CHECK, "late": CHECK}
    judgement = verdict([looks], rules, GATE)
    assert judgement is not None
    assert judgement.decision is not None
    assert [ruling.check for ruling in judgement.decision.deciding] == ["web"]
    others = {r.check: (str(r.verdict), str(r.reaction)) for r in judgement.decision.rulings}
    others.pop("web")
    assert others == dict.fromkeys(("api", "memory", "late"), ("inconclusive", "keep"))


def test_a_subject_that_was_never_sampled_is_named() -> None:
    judgement = at_the_end(row("+++"), {"web": CHECK, "api": CHECK}, GATE)
    assert (judgement.verdict, judgement.reason) == (Verdict.INCONCLUSIVE, "no sample of api was taken")


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        (Response.ROLL_BACK, Verdict.INCONCLUSIVE),
        (Response.ALERT, Verdict.PASS),
        (Response.KEEP, Verdict.PASS),
    ],
)
def test_what_silence_means_is_for_the_matrix_to_say(response: Response, expected: Verdict) -> None:
    matrix = Matrix(inconclusive={Phase.GATE: response, Phase.OBSERVED: Response.ALERT})
    judgement = at_the_end(row("??"), {"web": CHECK}, replace(GATE, matrix=matrix))
    assert (judgement.verdict, judgement.reason) == (expected, "web: is none")


def test_the_tallies_tell_what_was_seen() -> None:
    rounds = [
        [replace(sample("web", GOOD, 0.0), seconds=0.2)],
        [replace(sample("web", BAD, 1.0), seconds=0.7)],
    ]
    rounds += [[sample("web", GOOD, 2.0)]]
    judgement = at_the_end(rounds, {"web": CHECK}, GATE)
    (tally,) = judgement.tallies
    assert (tally.subject, tally.samples, tally.good, tally.slowest_seconds) == ("web", 3, 2, 0.7)
    assert tally.last.evidence is GOOD


def test_a_gate_is_open_until_it_is_judged() -> None:
    assert judge(Watch({"web": CHECK}), GATE, 4.9) is None
    judgement = judge(Watch({"web": CHECK}), GATE, 5.0)
    assert judgement is not None
    assert judgement.verdict is Verdict.INCONCLUSIVE
