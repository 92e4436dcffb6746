"""Samples over time, as pictures, and what the gate says to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from reconciler.domain.environment import Gate
from reconciler.domain.gate import Evidence, Judgement, Rule, Sample, Watch, judge
from reconciler.domain.severity import Severity

Round = Sequence[Sample]

MARKS = {
    "+": Evidence.GOOD,
    "-": Evidence.BAD,
    "!": Evidence.BAD,
    "u": Evidence.UNREADY,
    "?": Evidence.NONE,
    "m": Evidence.BAD,
}


def sample(
    subject: str,
    evidence: Evidence,
    at: float = 0.0,
    *,
    final: bool = False,
    severity: Severity | None = None,
) -> Sample:
    return Sample(subject, evidence, at, f"is {evidence}", final=final, severity=severity)


def row(marks: str, subject: str = "web", *, apart: float = 1.0) -> list[list[Sample]]:
    """One subject, one look per second: ``+`` good, ``-`` bad, ``!`` bad for good, ``u`` unready, ``?`` no
    evidence, ``m`` bad but of severity medium only, a space for no look.
    """
    return [
        [
            sample(
                subject,
                MARKS[mark],
                at * apart,
                final=mark == "!",
                severity=Severity.MEDIUM if mark == "m" else None,
            )
        ]
        if mark != " "
        else []
        for at, mark in enumerate(marks)
    ]


def together(*rows: list[list[Sample]]) -> list[list[Sample]]:
    """Several subjects side by side."""
    return [[one for look in looks for one in look] for looks in zip(*rows, strict=True)]


def verdict(
    rounds: Sequence[Round],
    rules: Mapping[str, Rule],
    gate: Gate,
    *,
    apart: float = 1.0,
    attended: bool = False,
) -> Judgement | None:
    """Fold the rounds as the gatekeeper does, one per second; None where none decides."""
    watch = Watch(rules)
    for at, samples in enumerate(rounds):
        watch = watch.saw(samples)
        judgement = judge(watch, gate, at * apart, attended=attended)
        if judgement is not None:
            return judgement
    return None


def at_the_end(
    rounds: Sequence[Round], rules: Mapping[str, Rule], gate: Gate, *, attended: bool = False
) -> Judgement:
    """The same, and then time passes without a sample until the gate is closed."""
    return verdict(rounds, rules, gate, attended=attended) or all_at_once(
        rounds, rules, gate, attended=attended
    )


def all_at_once(
    rounds: Sequence[Round], rules: Mapping[str, Rule], gate: Gate, *, attended: bool = False
) -> Judgement:
    """What all of these samples come to, judged only when the gate is closed."""
    watch = Watch(rules)
    for samples in rounds:
        watch = watch.saw(samples)
    closed = judge(watch, gate, 10_000.0, attended=attended)
    assert closed is not None
    return closed
