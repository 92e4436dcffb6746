"""What the matrix made of the checks, in the words of people."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.domain.foreign import foreign
from reconciler.domain.report import Outcome, Result
from reconciler.domain.severity import Decision, Response, Ruling, Verdict
from reconciler.interface.render.phrases import listed

_SAID = {Verdict.FAIL: "failed", Verdict.INCONCLUSIVE: "could not be made", Verdict.PASS: "passed"}


def ruling_words(ruling: Ruling) -> str:
    """``medium check search failed: alert``."""
    return f"{ruling.severity} {subject(ruling)} {_SAID[ruling.verdict]}: {ruling.reaction}"


def subject(ruling: Ruling) -> str:
    """What was judged: ``check search``, or the name of a container."""
    return foreign(ruling.check, 60)


def rule_words(decision: Decision) -> str:
    """The rule that decided; where several did, all of them are named."""
    if not decision.deciding:
        return "every check passed: keep"
    first, *more = decision.deciding
    others = f" (so did {listed([subject(ruling) for ruling in more])})" if more else ""
    return ruling_words(first) + others


def complaints(outcome: Outcome | None) -> tuple[Ruling, ...]:
    """What the matrix asks for about a release that was kept: alerts, reports, and rollbacks that wait."""
    decision = outcome.judgement.decision if outcome else None
    if outcome is None or decision is None or outcome.result is not Result.CONVERGED:
        return ()
    return tuple(_complaints(decision))


def complaint_lines(rulings: Iterable[Ruling]) -> list[str]:
    """One line each, and what was seen below it."""
    lines = []
    for ruling in rulings:
        lines.append(f"{_word(ruling)}: {ruling_words(ruling)}")
        lines += [f"  = seen: {foreign(ruling.detail, 200)}"] if ruling.detail else []
    return lines


def _complaints(decision: Decision) -> list[Ruling]:
    asked = [ruling for ruling in decision.rulings if ruling.reaction.response is not Response.KEEP]
    return sorted(asked, key=lambda ruling: ruling.reaction.urgency, reverse=True)


def _word(ruling: Ruling) -> str:
    """What a line about a kept release begins with."""
    match ruling.reaction.response:
        case Response.ROLL_BACK:
            return "warning"
        case Response.ALERT:
            return "alert"
        case Response.REPORT | Response.KEEP:
            return "report"
