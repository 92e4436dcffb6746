"""The decision matrix as data: severity and verdict to reaction, and which rule decided.

The defaults are the runbook's table: critical goes back at once, high within 15 minutes unless a newer
pin arrives, medium is alerted and again within the hour, low is reported.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Severity(StrEnum):
    """How bad it is when a check fails; the words of the decision matrix."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class Verdict(StrEnum):
    """What the evidence says."""

    PASS = "pass"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"


class Response(StrEnum):
    """What is done about a verdict, the mildest first."""

    KEEP = "keep"
    REPORT = "report"
    ALERT = "alert"
    ROLL_BACK = "rollback"


class Phase(StrEnum):
    """When a check was judged: while the predecessors still wait, or after they went."""

    GATE = "gate"
    OBSERVED = "observed"


_URGENCY = tuple(Response)
_GRAVITY = tuple(Severity)


def gravest(severities: Iterable[Severity]) -> Severity:
    """The worst of some, of which there is one at least."""
    return min(severities, key=_GRAVITY.index)


@dataclass(frozen=True, slots=True)
class Reaction:
    """A response, and after how many seconds; 0 is at once.

    A delayed rollback does not happen when a newer pin arrives, or the check passes again. A delayed
    alert is made at once, and once more when its time is over.
    """

    response: Response
    after_seconds: float = 0.0

    @property
    def urgency(self) -> tuple[int, float]:
        """Greater is more urgent: the stronger response, and of equal ones the sooner."""
        return (_URGENCY.index(self.response), -self.after_seconds)

    def __str__(self) -> str:
        if not self.after_seconds:
            return {Response.ROLL_BACK: "roll back at once"}.get(self.response, str(self.response))
        minutes, seconds = divmod(self.after_seconds, 60)
        delay = f"{minutes:g} min" if not seconds else f"{self.after_seconds:g} s"
        if self.response is Response.ROLL_BACK:
            return f"roll back after {delay}"
        return f"{self.response}, again after {delay}"


USUAL = {
    Severity.CRITICAL: Reaction(Response.ROLL_BACK),
    Severity.HIGH: Reaction(Response.ROLL_BACK, 15 * 60),
    Severity.MEDIUM: Reaction(Response.ALERT, 60 * 60),
    Severity.LOW: Reaction(Response.REPORT),
}


@dataclass(frozen=True, slots=True)
class Matrix:
    """What an environment does about failures and about silence.

    ``failed`` has a reaction for every severity. ``inconclusive`` bounds what a check does that could not
    be made, by phase: it never reacts more strongly than a failure of its severity would.
    """

    failed: Mapping[Severity, Reaction] = field(default_factory=lambda: dict(USUAL))
    inconclusive: Mapping[Phase, Response] = field(
        default_factory=lambda: {Phase.GATE: Response.ROLL_BACK, Phase.OBSERVED: Response.ALERT}
    )

    def reaction(self, severity: Severity, verdict: Verdict, phase: Phase, *, attended: bool) -> Reaction:
        """What is done about one check.

        Args:
            severity: of the check, or of what it found.
            verdict: of the check.
            phase: when it was judged.
            attended: whether somebody is there when a delay ends. Where nobody is, a delayed rollback
                happens at once.
        """
        match verdict:
            case Verdict.PASS:
                return Reaction(Response.KEEP)
            case Verdict.FAIL:
                wanted = self.failed[severity]
            case Verdict.INCONCLUSIVE:
                bound = self.inconclusive[phase]
                wanted = self.failed[severity]
                if _URGENCY.index(wanted.response) > _URGENCY.index(bound):
                    wanted = Reaction(bound)
        delayed = wanted.response is Response.ROLL_BACK and wanted.after_seconds > 0
        return Reaction(Response.ROLL_BACK) if delayed and not attended else wanted

    @property
    def longest_delay_seconds(self) -> float:
        """For how long after a release something may still have to be done about it."""
        return max(reaction.after_seconds for reaction in self.failed.values())


@dataclass(frozen=True, slots=True)
class Ruling:
    """What one check came to, and what the matrix says about it."""

    check: str
    severity: Severity
    verdict: Verdict
    detail: str
    reaction: Reaction


@dataclass(frozen=True, slots=True)
class Decision:
    """What is done about a release, and which rulings say so.

    ``deciding`` are the rulings with the most urgent reaction, failures and the gravest first; all of them
    are in ``rulings``.
    """

    reaction: Reaction
    phase: Phase
    deciding: tuple[Ruling, ...] = ()
    rulings: tuple[Ruling, ...] = ()

    @property
    def rule(self) -> str:
        """The rule that decided, in one sentence."""
        if not self.deciding:
            return "every check passed: keep"
        first = self.deciding[0]
        words = {Verdict.FAIL: "failed", Verdict.INCONCLUSIVE: "could not be made", Verdict.PASS: "passed"}
        return f"{first.severity} {first.check} {words[first.verdict]}: {first.reaction}"


def decide(rulings: Iterable[Ruling], phase: Phase) -> Decision:
    """The most urgent reaction wins; the order of the rulings does not matter."""
    ordered = tuple(sorted(rulings, key=lambda ruling: ruling.check))
    most = max((ruling.reaction.urgency for ruling in ordered), default=None)
    if most is None:
        return Decision(Reaction(Response.KEEP), phase)
    weighed = sorted(
        ordered, key=lambda ruling: (ruling.verdict is not Verdict.FAIL, _GRAVITY.index(ruling.severity))
    )
    deciding = tuple(ruling for ruling in weighed if ruling.reaction.urgency == most)
    if deciding[0].reaction.response is Response.KEEP:
        return Decision(Reaction(Response.KEEP), phase, (), ordered)
    return Decision(deciding[0].reaction, phase, deciding, ordered)
