"""Why a release was kept or undone: the rule that decided, each check, and what would have changed it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reconciler.domain.foreign import foreign
from reconciler.domain.gate import Judgement
from reconciler.domain.journal import SampleSummary, Story
from reconciler.domain.severity import Decision, Matrix, Phase, Ruling, Severity, Verdict, decide
from reconciler.interface.render.decision_text import rule_words, subject
from reconciler.interface.render.otherwise import otherwise
from reconciler.interface.render.phrases import response_time
from reconciler.interface.render.style import Style, Tone, table

_CELL = 100


@dataclass(frozen=True, slots=True)
class Account:
    """What there is to explain, of a story or of a verification made just now.

    ``decision`` is None where the gate did not come to the checks; ``reason`` says why then.
    """

    decision: Decision | None
    reason: str
    summaries: tuple[SampleSummary, ...] = ()


def of_story(story: Story) -> Account:
    """The account of a pass in the journal."""
    decision = decide(story.rulings, Phase.GATE) if story.rulings else None
    reason = story.run.reason or story.error
    return Account(decision, reason, tuple(s for s in story.summaries if s.stage == "gate"))


def of_judgement(judgement: Judgement) -> Account:
    """The account of a verification."""
    summaries = tuple(
        SampleSummary("gate", t.subject, t.samples, t.good, t.slowest_seconds, t.last)
        for t in judgement.tallies
    )
    return Account(judgement.decision, judgement.reason, summaries)


def account_text(account: Account, matrix: Matrix, style: Style) -> str:
    """The rule, the checks, the matrix as it is now, and what would have changed the decision."""
    blocks = [_rule(account, style), _checks(account, style), _matrix(matrix, style)]
    if account.decision is not None:
        blocks.append(_otherwise(otherwise(account.decision, matrix)))
    return "\n\n".join("\n".join(block) for block in blocks if block)


def checks_table(rulings: Sequence[Ruling], summaries: Sequence[SampleSummary], style: Style) -> list[str]:
    """What each check came to, those that decided first."""
    if not rulings:
        return []
    by_name = {summary.subject: summary for summary in summaries}
    order = sorted(rulings, key=lambda r: (r.verdict is Verdict.PASS, r.check))
    heading = ("CHECK", "SEVERITY", "VERDICT", "REACTION", "SAMPLES", "SLOWEST", "SEEN")
    return table([heading, *(_row(ruling, by_name.get(ruling.check)) for ruling in order)], style)


def _rule(account: Account, style: Style) -> list[str]:
    decision = account.decision
    if decision is None:
        return [
            style.paint("rule  none: it ended before the checks could decide", Tone.STRONG),
            *_reason(account),
        ]
    return [style.paint(f"rule  {rule_words(decision)}", Tone.STRONG), *_reason(account)]


def _reason(account: Account) -> list[str]:
    return [f"why   {foreign(account.reason, 400)}"] if account.reason else []


def _checks(account: Account, style: Style) -> list[str]:
    return checks_table(account.decision.rulings, account.summaries, style) if account.decision else []


def _row(ruling: Ruling, summary: SampleSummary | None) -> tuple[str, ...]:
    return (
        subject(ruling),
        str(ruling.severity),
        str(ruling.verdict),
        str(ruling.reaction),
        f"{summary.good} of {summary.samples} good" if summary else "-",
        response_time(summary.slowest_seconds) if summary and summary.slowest_seconds else "-",
        foreign(ruling.detail, _CELL),
    )


def _matrix(matrix: Matrix, style: Style) -> list[str]:
    """Severity by verdict, as ``reconcile.yaml`` has it now."""
    heading = ("SEVERITY", "FAILED", "NOT MADE IN THE GATE", "NOT MADE LATER")
    return table([heading, *(_matrix_row(matrix, severity) for severity in Severity)], style)


def _matrix_row(matrix: Matrix, severity: Severity) -> tuple[str, ...]:
    stays = matrix.reaction(severity, Verdict.FAIL, Phase.GATE, attended=True)
    alone = matrix.reaction(severity, Verdict.FAIL, Phase.GATE, attended=False)
    failed = str(stays) + ("" if alone == stays else "; unattended: at once")
    silent = [
        matrix.reaction(severity, Verdict.INCONCLUSIVE, phase, attended=phase is Phase.OBSERVED)
        for phase in (Phase.GATE, Phase.OBSERVED)
    ]
    return (str(severity), failed, *(str(reaction) for reaction in silent))


def _otherwise(sentences: Sequence[str]) -> list[str]:
    return ["What would have changed it:", *(f"  {s}" for s in sentences)] if sentences else []
