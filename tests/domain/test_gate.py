"""Evidence and decision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.domain.environment import Gate
from reconciler.domain.gate import Evidence, Judgement, Sample, Watch, judge
from reconciler.domain.severity import Verdict

GOOD, BAD, NONE = Evidence.GOOD, Evidence.BAD, Evidence.NONE
SUBJECTS = ("web", "api", "check")
GATE = Gate(timeout_seconds=5.0, soak_seconds=4.0)

Round = Sequence[Sample]


def sample(
    subject: str,
    evidence: Evidence,
    at: float = 0.0,
    *,
    final: bool = False,
    brittle: bool = False,
    rejects: bool = True,
) -> Sample:
    return Sample(subject, evidence, at, f"is {evidence}", final=final, brittle=brittle, rejects=rejects)


def row(
    marks: str, subject: str = "web", *, brittle: bool = False, rejects: bool = True
) -> list[list[Sample]]:
    """One subject, one look per second: ``+`` good, ``-`` bad, ``!`` bad for good, ``?`` no evidence."""
    evidence = {"+": GOOD, "-": BAD, "!": BAD, "?": NONE}
    return [
        [sample(subject, evidence[mark], float(at), final=mark == "!", brittle=brittle, rejects=rejects)]
        for at, mark in enumerate(marks)
    ]


def together(*rows: list[list[Sample]]) -> list[list[Sample]]:
    return [[one for look in looks for one in look] for looks in zip(*rows, strict=True)]


def verdict(
    rounds: Sequence[Round], gate: Gate = GATE, subjects: Sequence[str] = ("web",)
) -> Judgement | None:
    """Fold the rounds as the gatekeeper does, one per second; the last one if none decides before."""
    watch = Watch(frozenset(subjects))
    for at, samples in enumerate(rounds):
        watch = watch.saw(samples)
        judgement = judge(watch, gate, float(at))
        if judgement is not None:
            return judgement
    return None


def at_the_end(rounds: Sequence[Round], gate: Gate = GATE, subjects: Sequence[str] = SUBJECTS) -> Judgement:
    """The same, and then time passes without a sample until the gate is closed."""
    watch = Watch(frozenset(subjects))
    for at, samples in enumerate(rounds):
        watch = watch.saw(samples)
        judgement = judge(watch, gate, float(at))
        if judgement is not None:
            return judgement
    closed = judge(watch, gate, 1000.0)
    assert closed is not None
    return closed


@pytest.mark.parametrize(
    ("marks", "said"),
    [
        ("+++++", "pass at 4"),
        ("-+++++", "pass at 5"),
        ("--+++++", "pass at 6"),
        ("-----", "open"),
        ("------", "fail at 5"),
        ("!", "fail at 0"),
        ("--!", "fail at 2"),
        ("++!", "fail at 2"),
        ("+--+++", "pass at 4"),
        ("+---", "fail at 3"),
        ("+-+-+", "pass at 4"),
        ("+-?--", "open"),
        ("??????", "inconclusive at 5"),
        ("++++??", "inconclusive at 5"),
        ("+++--", "open"),
        ("+++--+", "pass at 5"),
        ("+++---", "fail at 5"),
    ],
)
def test_a_check_over_time(marks: str, said: str) -> None:
    """Five seconds to be good once, then four seconds of soak."""
    judgement = verdict(row(marks))
    assert (f"{judgement.verdict} at {judgement.seconds:.0f}" if judgement else "open") == said


@pytest.mark.parametrize(
    ("marks", "said"), [("++++++", Verdict.PASS), ("++-+++", Verdict.FAIL), ("--++++++", Verdict.PASS)]
)
def test_a_container_fails_the_soak_with_its_first_bad_sample(marks: str, said: Verdict) -> None:
    judgement = verdict(row(marks, brittle=True))
    assert judgement is not None
    assert judgement.verdict is said


def test_without_soak_everything_good_once_is_enough() -> None:
    judgement = verdict(row("-+"), replace(GATE, soak_seconds=0.0))
    assert judgement is not None
    assert (judgement.verdict, judgement.seconds) == (Verdict.PASS, 1.0)


def test_the_soak_begins_when_all_are_good_at_once() -> None:
    rounds = together(row("+++++++++", "web"), row("---++++++", "api"))
    judgement = verdict(rounds, subjects=("web", "api"))
    assert judgement is not None
    assert (judgement.verdict, judgement.seconds) == (Verdict.PASS, 7.0)


def test_a_check_that_may_not_reject_is_reported_and_no_more() -> None:
    rounds = together(row("+++++", "web"), row("-----", "latency", rejects=False))
    judgement = verdict(rounds, subjects=("web", "latency"))
    assert judgement is not None
    assert judgement.verdict is Verdict.PASS


def test_the_reason_names_what_decided() -> None:
    judgement = verdict(together(row("++!", "web"), row("+++", "api")), subjects=("web", "api"))
    assert judgement is not None
    assert judgement.reason == "web: is bad"
    assert [decided.subject for decided in judgement.deciding] == ["web"]


@pytest.mark.parametrize("flip", [False, True])
def test_of_two_that_end_it_at_once_the_first_by_name_is_the_reason(flip: bool) -> None:
    looks = [sample("web", BAD, final=True), sample("api", BAD, final=True)]
    judgement = verdict([looks[::-1] if flip else looks], subjects=("web", "api"))
    assert judgement is not None
    assert judgement.reason == "api: is bad"


def test_a_subject_that_was_never_sampled_is_named() -> None:
    judgement = at_the_end(row("+++"), subjects=("web", "api"))
    assert (judgement.verdict, judgement.reason) == (Verdict.INCONCLUSIVE, "no sample of api was taken")


# --- for any samples ---------------------------------------------------------------------------------

_evidence = st.sampled_from([GOOD, BAD, NONE])
_kinds = st.fixed_dictionaries({name: st.tuples(st.booleans(), st.booleans()) for name in SUBJECTS})


@st.composite
def rounds_of_samples(draw: st.DrawFn) -> list[list[Sample]]:
    """Up to twelve looks, one per second, at any of the subjects; each subject keeps its kind."""
    kinds = draw(_kinds)
    return [
        [
            sample(
                name,
                draw(_evidence),
                float(at),
                final=draw(st.integers(0, 9)) == 0,
                brittle=kinds[name][0],
                rejects=kinds[name][1],
            )
            for name in sorted(draw(st.sets(st.sampled_from(SUBJECTS))))
        ]
        for at in range(draw(st.integers(0, 10)))
    ]


_gates = st.builds(Gate, st.sampled_from([0.0, 1.0, 5.0]), st.sampled_from([0.0, 1.0, 4.0]))


@settings(max_examples=50, deadline=None)
@given(_gates, st.sets(st.sampled_from(SUBJECTS), min_size=1), st.floats(0, 2000))
def test_no_samples_never_pass(gate: Gate, subjects: set[str], elapsed: float) -> None:
    judgement = judge(Watch(frozenset(subjects)), gate, elapsed)
    assert judgement is None or judgement.verdict is Verdict.INCONCLUSIVE


@settings(max_examples=60, deadline=None)
@given(_gates, rounds_of_samples())
def test_no_pass_without_good_evidence_of_everything_that_may_reject(
    gate: Gate, rounds: list[list[Sample]]
) -> None:
    if at_the_end(rounds, gate).verdict is Verdict.PASS:
        last = {one.subject: one for looks in rounds for one in looks}
        assert set(last) == set(SUBJECTS)
        seen_good = {one.subject for looks in rounds for one in looks if one.evidence is GOOD}
        assert all(name in seen_good for name, one in last.items() if one.rejects)


@settings(max_examples=60, deadline=None)
@given(_gates, rounds_of_samples(), st.data())
def test_more_failures_never_give_a_better_verdict(
    gate: Gate, rounds: list[list[Sample]], data: st.DataObject
) -> None:
    """A release passes or it does not; failing earlier may leave less time to see how badly it fails."""
    worse = [
        [replace(one, evidence=BAD) if data.draw(st.booleans()) else one for one in looks] for looks in rounds
    ]
    if at_the_end(worse, gate).verdict is Verdict.PASS:
        assert at_the_end(rounds, gate).verdict is Verdict.PASS


@settings(max_examples=60, deadline=None)
@given(_gates, rounds_of_samples(), st.data())
def test_the_order_within_a_round_does_not_matter(
    gate: Gate, rounds: list[list[Sample]], data: st.DataObject
) -> None:
    shuffled = [data.draw(st.permutations(looks)) for looks in rounds]
    one, other = at_the_end(rounds, gate), at_the_end(shuffled, gate)
    assert one == other
