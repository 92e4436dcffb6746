"""A release that its gate did not pass: the evidence, what runs now, and what is left to do."""

from __future__ import annotations

import shlex
from collections.abc import Iterable

from reconciler.app.slots import Slot, pair
from reconciler.app.undoing import moved_by
from reconciler.domain.contract import why_it_stays
from reconciler.domain.foreign import columns, foreign, foreign_lines
from reconciler.domain.gate import Judgement, Sample
from reconciler.domain.plan import Create, Entry, Plan, Replace
from reconciler.domain.report import Outcome, Report, Result
from reconciler.domain.severity import Verdict
from reconciler.interface.render.decision_text import rule_words
from reconciler.interface.render.phrases import duration, listed, short_image
from reconciler.interface.render.style import Style, Tone
from reconciler.interface.render.undo_text import git_lines, leaves_git_to_people

_MOST_LOG_LINES = 20
_MOST_LOG_COLUMNS = 200


def rejection_lines(report: Report, outcome: Outcome, style: Style) -> list[list[str]]:
    """Paragraphs: the judgement, log lines, what runs again or must be put back, and what follows."""
    plan = report.plan
    return [
        _judgement(report, outcome.judgement, style),
        *_excerpts(outcome, style),
        _restored(report, plan, outcome, style) if plan else [],
        _git(report, plan, outcome, style) if plan else [],
        [*(blocked_lines(report, plan, outcome) if plan else []), *evidence_line(report)],
    ]


def evidence_line(report: Report) -> list[str]:
    """Where the whole story of the pass is."""
    return [f"  = evidence: reconcile history show {foreign(report.run)}"] if report.run else []


def blocked_lines(report: Report, plan: Plan, outcome: Outcome) -> list[str]:
    """What will not be tried again, until when, and how to lift that."""
    entries = blocked(plan, outcome)
    if not entries:
        return []
    name = foreign(report.environment)
    pins = listed([f"{foreign(e.name, 40)} {short_image(e.after)}" for e in entries])
    waits = waits_for(outcome)
    if waits:
        checks = listed([foreign(check, 60) for check in waits])
        return [f"  = blocked: {pins} for now; the first pass in {name} that finds {checks} good tries again"]
    told = f"  = blocked: {pins} will not be tried again in {name} until it changes"
    if outcome.staying is not None:
        return [told]
    services = " ".join(_argument(e.name) for e in entries)
    return [
        told,
        f"  = help: to try it again as it is: reconcile unblock {_argument(report.environment)} {services}",
    ]


def blocked(plan: Plan, outcome: Outcome) -> list[Entry]:
    """The services whose pins a rejection blocks; see ``app.rejection``."""
    undone = outcome.result in (Result.ROLLED_BACK, Result.ROLLBACK_FAILED)
    if not undone or interrupted(outcome.judgement):
        return []
    moved = {name for name, _, _ in moved_by(plan)}
    return [e for e in replaced(plan) if e.pinned and (e.name in moved or not moved)]


def waits_for(outcome: Outcome) -> tuple[str, ...]:
    """What fails without the release too, or could not be made: with it the release is not to blame."""
    inconclusive = outcome.judgement.verdict is Verdict.INCONCLUSIVE
    if outcome.exonerated or not inconclusive or interrupted(outcome.judgement):
        return outcome.exonerated
    return tuple(sorted({sample.subject for sample in outcome.judgement.deciding}))


def interrupted(judgement: Judgement) -> bool:
    """Whether a gate was ended before it had judged."""
    return judgement.verdict is Verdict.INCONCLUSIVE and judgement.decision is None


def replaced(plan: Plan) -> list[Entry]:
    """The services that a release replaces or brings: what undoing it concerns."""
    return [entry for entry in plan.entries if any(isinstance(a, (Replace, Create)) for a in entry.actions)]


def _judgement(report: Report, judgement: Judgement, style: Style) -> list[str]:
    revision = f" of {foreign(report.revision.short())}" if report.revision else ""
    what = f"the release{revision} in {foreign(report.environment)}"
    after = f" after {duration(judgement.seconds)}" if judgement.seconds else ""
    said = {Verdict.FAIL: f"{what} was rejected", Verdict.INCONCLUSIVE: f"{what} could not be judged"}
    sentence = said.get(judgement.verdict, f"{what} was undone") + after
    error = style.paint("error:", Tone.BAD)
    return [f"{error} {sentence}", *_evidence(judgement)]


def _evidence(judgement: Judgement) -> list[str]:
    """The reason, and the samples where they say more than it."""
    said = [f"{sample.subject}: {sample.detail}" for sample in judgement.deciding]
    more = _samples(judgement.deciding) if said != [judgement.reason] else []
    decision = judgement.decision
    rule = [f"  = rule: {rule_words(decision)}"] if decision is not None and decision.deciding else []
    return [f"  = reason: {foreign(judgement.reason)}", *rule, *more]


def _samples(samples: Iterable[Sample]) -> list[str]:
    """The evidence, one line each."""
    shown = [(foreign(s.subject, 60), s) for s in samples]
    width = max((columns(name) for name, _ in shown), default=0)
    lines = []
    for name, sample in shown:
        seen = f"{sample.evidence} at {duration(sample.at_seconds)}: {foreign(sample.detail)}"
        lines.append(f"  {name}{' ' * (width - columns(name))}  {seen}")
    return lines


def _excerpts(outcome: Outcome, style: Style) -> list[list[str]]:
    """The last lines of each container; a bar keeps them from being taken for ours."""
    paragraphs = []
    for name, text in sorted(outcome.excerpts.items()):
        lines = [line for line in foreign_lines(text, _MOST_LOG_COLUMNS) if line][-_MOST_LOG_LINES:]
        said = f"last lines of {foreign(name)}:" if lines else f"{foreign(name)} wrote no log."
        paragraphs.append([said, *(style.paint(f"  | {line}", Tone.QUIET) for line in lines)])
    return paragraphs


def _restored(report: Report, plan: Plan, outcome: Outcome, style: Style) -> list[str]:
    """What runs now."""
    if outcome.staying is not None:
        name, error = foreign(report.environment), style.paint("error:", Tone.BAD)
        return [f"{error} {name} is DEGRADED: {foreign(why_it_stays(outcome.staying))}"]
    if outcome.result is Result.FAILED:
        return ["Nothing was replaced, so there was nothing to undo."]
    if outcome.result is Result.ROLLBACK_FAILED:
        return _degraded(report, plan, outcome, style)
    again = [f"{foreign(e.name, 40)} {short_image(e.before)}" for e in replaced(plan) if e.before]
    gone = [foreign(e.name, 40) for e in replaced(plan) if not e.before]
    lines = [f"Runs again: {', '.join(again)}{_verified(outcome.restored)}."] if again else []
    return [*lines, *([f"Removed again, for it did not run before: {', '.join(gone)}."] if gone else [])]


def _verified(restored: Judgement | None) -> str:
    """Only what was looked at is called verified."""
    if restored is None or restored.verdict is not Verdict.PASS or not restored.seconds:
        return ""
    return f" (verified in {duration(restored.seconds)})"


def _degraded(report: Report, plan: Plan, outcome: Outcome, style: Style) -> list[str]:
    """Why the environment is degraded, and what a person can do."""
    name = foreign(report.environment)
    slots = served(plan)
    restored = outcome.restored
    error = style.paint("error:", Tone.BAD)
    if not slots:
        return [f"{error} {name} is DEGRADED: nothing of this release ran before, nothing can be put back"]
    evidence = _evidence(restored) if restored else []
    if restored is not None and restored.deciding:
        lines = [f"{error} {name} is DEGRADED: what ran before runs again, and does not pass either"]
        return [*lines, *evidence, *_exonerated(outcome)]
    return [
        f"{error} {name} is DEGRADED: what ran before could not be put back",
        *evidence,
        "",
        *manual_commands(slots),
    ]


def _exonerated(outcome: Outcome) -> list[str]:
    """The same check fails with and without the release: then it is not the release."""
    if not outcome.exonerated:
        return []
    names = listed([foreign(name, 60) for name in outcome.exonerated])
    fail = "fails" if len(outcome.exonerated) == 1 else "fail"
    return [f"  = note: {names} {fail} without this release too: the cause is probably elsewhere"]


def served(plan: Plan) -> list[Slot]:
    """The places whose predecessors are to run when the release is undone, the last switched first."""
    replaces = [action for action in plan.actions if isinstance(action, Replace)]
    return [slot for action in reversed(replaces) for slot in pair(action).slots if slot.served]


def manual_commands(slots: Iterable[Slot]) -> list[str]:
    """What to type on the host to put predecessors back; harmless where one is back already."""
    lines = ["Put it back by hand, on the environment's engine (what is back already is left alone):"]
    for slot in slots:
        name, retired, waiting = (_argument(n) for n in (slot.name, slot.retired_name, slot.waiting_name))
        policy = _argument(slot.service.restart)
        lines += [
            f"  docker container inspect {retired} >/dev/null && {{",
            f"    docker stop {name}",
            f"    docker rename {name} {waiting}",
            f"    docker rename {retired} {name}",
            f"    docker update --restart {policy} {name}",
            *([] if slot.service.one_shot else [f"    docker start {name}"]),
            "  }",
        ]
    return lines


def _argument(text: str) -> str:
    return shlex.quote(foreign(text))


def _git(report: Report, plan: Plan, outcome: Outcome, style: Style) -> list[str]:
    """What Git says now, and what a person has to do where nobody else will."""
    lines = git_lines(report.undo) if report.undo is not None else []
    if outcome.staying is not None:
        return lines or ["Git: nothing is reverted, it pins what runs"]
    if not leaves_git_to_people(report.undo) or waits_for(outcome):
        return lines
    asked = [f"{foreign(e.name, 40)} {short_image(e.after)}" for e in replaced(plan) if e.after and e.pinned]
    if not asked:
        return lines
    todo = "pin a fixed image, or git revert the release"
    if interrupted(outcome.judgement):
        todo = "the next pass tries again"
    return [*lines, f"  = {style.paint('help:', Tone.CHANGED)} Git still asks for {listed(asked)}: {todo}"]
