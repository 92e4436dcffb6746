"""What holds for any samples, rules and gates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.domain.environment import Gate
from reconciler.domain.gate import Evidence, Rule, Sample, Watch, judge
from reconciler.domain.severity import Matrix, Phase, Response, Severity, Verdict
from tests.domain.gate_rounds import all_at_once, at_the_end, row, sample, verdict

GOOD, BAD, UNREADY, NONE = Evidence.GOOD, Evidence.BAD, Evidence.UNREADY, Evidence.NONE
SUBJECTS = ("web", "api", "check")
WORSE = (Verdict.PASS, Verdict.INCONCLUSIVE, Verdict.FAIL)

Rounds = list[list[Sample]]


def rejecting(severity: Severity, *, attended: bool) -> frozenset[Severity]:
    """What ends a release at once, as the samplers derive it from the usual matrix."""
    at_once = {Severity.CRITICAL} if attended else {Severity.CRITICAL, Severity.HIGH}
    return frozenset({severity} & at_once)


@st.composite
def _rules(draw: st.DrawFn, *, attended: bool = False) -> dict[str, Rule]:
    rules = {}
    for name in SUBJECTS:
        severity = draw(st.sampled_from(Severity))
        rules[name] = Rule(
            severity,
            rejecting(severity, attended=attended),
            successes=draw(st.integers(1, 3)),
            failures=draw(st.integers(1, 4)),
            start_period_seconds=draw(st.sampled_from([0.0, 0.0, 2.5])),
            brittle=draw(st.booleans()),
        )
    return rules


_seen = st.sampled_from(
    [(GOOD, None)] * 4 + [(BAD, None), (BAD, Severity.MEDIUM), (UNREADY, None), (NONE, None)]
)


@st.composite
def _rounds(draw: st.DrawFn, most: int = 12) -> Rounds:
    """Some looks, one per second, at any of the subjects; some are bad in a way of severity medium only."""

    def look(name: str, at: float) -> Sample:
        evidence, severity = draw(_seen)
        return sample(name, evidence, at, final=draw(st.integers(0, 19)) == 0, severity=severity)

    return [
        [look(name, float(at)) for name in SUBJECTS if draw(st.integers(0, 5))]
        for at in range(draw(st.integers(0, most)))
    ]


_gates = st.builds(Gate, st.sampled_from([0.0, 1.0, 5.0]), st.sampled_from([0.0, 1.0, 4.0]))


def with_more_failures(draw: st.DrawFn | st.DataObject, rounds: Rounds, rules: Mapping[str, Rule]) -> Rounds:
    """The same with some good samples turned bad or unready.

    Not those with which a subject gets good for the first time where it has a right to start slowly: what
    never answered is starting, what answered and went away is broken. That one is worse, with a good sample
    more; see test_what_went_away_is_worse_than_what_has_not_come.
    """
    choose = draw.draw if isinstance(draw, st.DataObject) else draw
    slow = {one.subject for looks in rounds for one in looks if one.evidence is UNREADY}
    slow |= {name for name, rule in rules.items() if rule.start_period_seconds or rule.brittle}
    streak = dict.fromkeys(rules, 0)
    up: set[str] = set()
    result: Rounds = []
    for looks in rounds:
        changed = []
        for one in looks:
            may_change = one.evidence is GOOD and (one.subject not in slow or one.subject in up)
            kinds = [BAD, UNREADY] if one.subject in up else [BAD]
            bad = may_change and choose(st.booleans())
            worse = replace(one, evidence=choose(st.sampled_from(kinds)), severity=None) if bad else one
            changed.append(worse)
            streak[one.subject] = streak[one.subject] + 1 if changed[-1].evidence is GOOD else 0
            if streak[one.subject] >= rules[one.subject].successes:
                up.add(one.subject)
        result.append(changed)
    return result


@settings(max_examples=150, deadline=None)
@given(_gates, _rounds(), _rules(), st.data())
def test_more_failures_never_make_a_release_pass(
    gate: Gate, rounds: Rounds, rules: dict[str, Rule], data: st.DataObject
) -> None:
    worse = with_more_failures(data, rounds, rules)
    if at_the_end(worse, rules, gate).verdict is Verdict.PASS:
        assert at_the_end(rounds, rules, gate).verdict is Verdict.PASS


@settings(max_examples=150, deadline=None)
@given(st.sampled_from([0.0, 1.0, 4.0]), _rounds(), _rules(), st.data())
def test_more_failures_in_the_time_of_a_gate_never_give_a_better_verdict(
    soak: float, rounds: Rounds, rules: dict[str, Rule], data: st.DataObject
) -> None:
    """Pass, inconclusive, fail. What comes after the end is seen by nobody, so it ends late here."""
    gate = Gate(20.0, soak)
    worse = with_more_failures(data, rounds, rules)
    one, other = (at_the_end(some, rules, gate).verdict for some in (rounds, worse))
    assert WORSE.index(other) >= WORSE.index(one)


@settings(max_examples=150, deadline=None)
@given(st.booleans(), _rounds(), st.data())
def test_more_failures_never_give_a_milder_decision(
    attended: bool, rounds: Rounds, data: st.DataObject
) -> None:
    """Of the same samples, judged at one moment."""
    rules = data.draw(_rules(attended=attended))
    gate, worse = Gate(5.0, 0.0), with_more_failures(data, rounds, rules)
    one, other = (all_at_once(some, rules, gate, attended=attended).decision for some in (rounds, worse))
    assert one is not None
    assert other is not None
    assert other.reaction.urgency >= one.reaction.urgency


def test_what_went_away_is_worse_than_what_has_not_come() -> None:
    """The one place where a failure more is a verdict better, and why."""
    gate, rules = Gate(5.0, 4.0), {"web": Rule()}
    gone, coming = (verdict(row(marks), rules, gate) for marks in ("+uuu+++++", "uuuu+++++"))
    assert gone is not None
    assert coming is not None
    assert (gone.verdict, coming.verdict) == (Verdict.FAIL, Verdict.PASS)


@settings(max_examples=100, deadline=None)
@given(_gates, _rounds(), _rules(), st.data())
def test_the_order_within_a_round_does_not_matter(
    gate: Gate, rounds: Rounds, rules: dict[str, Rule], data: st.DataObject
) -> None:
    shuffled = [data.draw(st.permutations(looks)) for looks in rounds]
    others = dict(data.draw(st.permutations(list(rules.items()))))
    assert at_the_end(shuffled, others, gate) == at_the_end(rounds, rules, gate)


@settings(max_examples=100, deadline=None)
@given(_gates, _rules(), st.floats(0, 2000), st.integers(0, 3))
def test_zero_samples_never_pass(gate: Gate, rules: dict[str, Rule], elapsed: float, looks: int) -> None:
    """Where anything may reject. Where nothing may, the matrix has its way when time is up, and says so."""
    watch = Watch(rules)
    for _ in range(looks):
        watch = watch.saw([])
    judgement = judge(watch, gate, elapsed)
    if any(rule.rejecting for rule in rules.values()):
        assert judgement is None or judgement.verdict is Verdict.INCONCLUSIVE
    elif judgement is not None:
        assert elapsed >= gate.timeout_seconds
        assert "no sample" in judgement.reason


@settings(max_examples=100, deadline=None)
@given(_gates, _rounds(), _rules())
def test_nothing_passes_that_was_never_good(gate: Gate, rounds: Rounds, rules: dict[str, Rule]) -> None:
    """Of all that may reject, or bad in a way that does not; no evidence at all is one case of it."""
    if at_the_end(rounds, rules, gate).verdict is Verdict.PASS:
        everything = [one for looks in rounds for one in looks]
        good = {one.subject for one in everything if one.evidence is GOOD}
        mild = {one.subject for one in everything if one.evidence is BAD and one.severity is Severity.MEDIUM}
        assert {name for name, rule in rules.items() if rule.rejecting} <= good | mild


@settings(max_examples=60, deadline=None)
@given(_gates, _rounds(), _rules(), st.sampled_from(SUBJECTS))
def test_one_check_without_evidence_is_no_pass(
    gate: Gate, rounds: Rounds, rules: dict[str, Rule], silent: str
) -> None:
    rules[silent] = replace(rules[silent], severity=Severity.HIGH, rejecting=frozenset({Severity.HIGH}))
    mute = [
        [replace(one, evidence=NONE) if one.subject == silent else one for one in looks] for looks in rounds
    ]
    assert at_the_end(mute, rules, gate).verdict is not Verdict.PASS


@settings(max_examples=200, deadline=None)
@given(_gates, st.booleans(), _rounds(), st.data())
def test_verdict_and_decision_agree(gate: Gate, attended: bool, rounds: Rounds, data: st.DataObject) -> None:
    """A release passes exactly where the decision is not to roll back at once."""
    rules = data.draw(_rules(attended=attended))
    judgement = at_the_end(rounds, rules, gate, attended=attended)
    assert judgement.decision is not None
    reaction = judgement.decision.reaction
    at_once = reaction.response is Response.ROLL_BACK and not reaction.after_seconds
    assert (judgement.verdict is Verdict.PASS) == (not at_once)


@settings(max_examples=100, deadline=None)
@given(_gates, _rounds(40), _rules())
def test_a_gate_is_closed_after_time_out_and_soak(gate: Gate, rounds: Rounds, rules: dict[str, Rule]) -> None:
    watch, longest = Watch(rules), gate.timeout_seconds + gate.soak_seconds
    for at, looks in enumerate(rounds):
        watch = watch.saw(looks)
        if judge(watch, gate, float(at)) is not None:
            return
        assert at < longest


@settings(max_examples=100, deadline=None)
@given(_gates, _rounds(), _rules())
def test_a_pass_is_as_old_as_the_soak(gate: Gate, rounds: Rounds, rules: dict[str, Rule]) -> None:
    """Everything that may reject was good at one moment, and the soak has passed since."""
    judgement = at_the_end(rounds, rules, gate)
    if judgement.verdict is Verdict.PASS and judgement.reason == "everything stayed good":
        assert judgement.seconds >= gate.soak_seconds


@settings(max_examples=100, deadline=None)
@given(_rounds(), _rules(), st.sampled_from(Response))
def test_a_stricter_view_of_silence_never_gives_a_better_verdict(
    rounds: Rounds, rules: dict[str, Rule], response: Response
) -> None:
    def said(bound: Response) -> Verdict:
        matrix = Matrix(inconclusive={Phase.GATE: bound, Phase.OBSERVED: Response.ALERT})
        return at_the_end(rounds, rules, Gate(5.0, 1.0, matrix=matrix)).verdict

    assert WORSE.index(said(Response.ROLL_BACK)) >= WORSE.index(said(response))


def seen(rounds: Sequence[Sequence[Sample]], name: str) -> int:
    return sum(one.subject == name for looks in rounds for one in looks)


@settings(max_examples=60, deadline=None)
@given(_rounds(), _rules())
def test_the_tallies_count_every_sample(rounds: Rounds, rules: dict[str, Rule]) -> None:
    judgement = all_at_once(rounds, rules, Gate(5.0, 0.0))
    for tally in judgement.tallies:
        assert tally.samples == seen(rounds, tally.subject)
        assert 0 <= tally.good <= tally.samples
