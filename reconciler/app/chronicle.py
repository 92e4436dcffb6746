"""Write a pass into the journal as it goes. What cannot be written down never changes what is done."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

from reconciler.app.host import Host
from reconciler.domain.desired import Revision
from reconciler.domain.environment import Environment
from reconciler.domain.gate import Judgement
from reconciler.domain.journal import Exhibit, ExhibitKind, Run, SampleSummary, Story
from reconciler.domain.plan import Plan
from reconciler.domain.report import Report, Step, Verb
from reconciler.errors import PermissionRefused
from reconciler.ports import Journal


@dataclass(slots=True)
class Chronicle:
    """One pass in the journal, from the moment at which it does something.

    ``notes`` are what could not be written down.
    """

    journal: Journal
    environment: Environment
    run: str = ""
    notes: list[str] = field(default_factory=list)
    _begun: Run | None = None

    def begin(self, started_at: datetime, revision: Revision, plan: Plan) -> None:
        """Open the pass.

        Raises:
            PermissionRefused: the journal cannot be written; nothing was touched yet.
        """
        run = Run(
            id="",
            environment=self.environment.name,
            started_at=started_at,
            revision=revision.commit,
            subject=revision.subject,
            by=revision.author,
            changes=tuple((e.name, e.before, e.after) for e in plan.entries if e.actions),
        )
        self.run = self.journal.begin(self.environment, run)
        self._begun = run

    def follow(self, host: Host, steps: list[Step]) -> Host:
        """``host``, with each of its steps written down before it is taken, and once it ended.

        Args:
            host: the environment's outside.
            steps: gets those that ended.
        """

        def started(verb: Verb, subject: str, detail: str) -> None:
            self.begin_step(verb, subject, detail)
            host.started(verb, subject, detail)

        def progress(step: Step) -> None:
            steps.append(step)
            self.step(step)
            host.progress(step)

        return replace(host, started=started, progress=progress)

    def begin_step(self, verb: Verb, subject: str, detail: str) -> None:
        """Write down a step that is about to be taken.

        Before the pass is open there is none to write it under. What may come then is an undoing in Git, and
        that has an entry of its own from the moment at which it was intended.
        """
        if self.run:
            try:
                self.journal.begin_step(self.environment, self.run, verb, subject, detail)
            except PermissionRefused as error:
                self.lost(error)

    def step(self, step: Step) -> None:
        """Write down a step that ended."""
        if self.run:
            try:
                self.journal.step(self.environment, self.run, step)
            except PermissionRefused as error:
                self.lost(error)

    def finish(self, report: Report) -> None:
        """Close the pass; one that was never opened did nothing."""
        if self.run:
            try:
                self.journal.finish(self.environment, self._story(report))
            except PermissionRefused as error:
                self.lost(error)

    def lost(self, error: PermissionRefused) -> None:
        """Note, once, that something could not be written down."""
        note = f"the journal is not complete: {error.problem}"
        if note not in self.notes:
            self.notes.append(note)

    def _story(self, report: Report) -> Story:
        outcome, begun = report.outcome, self._begun
        assert begun is not None, "a pass is finished after it was begun"
        judgement = outcome.judgement if outcome else None
        restored = outcome.restored if outcome else None
        decision = judgement.decision if judgement else None
        error = str(report.error) if report.error else ""
        return Story(
            run=replace(
                begun,
                id=self.run,
                result=report.result,
                seconds=report.seconds,
                reason=error or (judgement.reason if judgement else ""),
            ),
            steps=report.steps,
            verdict=str(judgement.verdict) if judgement else "",
            rule=decision.rule if decision else "",
            rulings=decision.rulings if decision else (),
            summaries=(*_summaries("gate", judgement), *_summaries("verify", restored)),
            restored=str(restored.verdict) if restored else "",
            restored_reason=restored.reason if restored else "",
            exhibits=(
                *(Exhibit(n, ExhibitKind.LOG, t) for n, t in (outcome.excerpts.items() if outcome else ())),
                *(
                    Exhibit(n, ExhibitKind.DESCRIPTION, t)
                    for n, t in (outcome.descriptions.items() if outcome else ())
                ),
            ),
            gap_seconds=dict(outcome.gap_seconds) if outcome else {},
            notes=(*(outcome.notes if outcome else ()), *report.notes),
            undo=report.undo,
            error=error,
        )


def _summaries(stage: str, judgement: Judgement | None) -> tuple[SampleSummary, ...]:
    """What the samples came to."""
    return tuple(
        SampleSummary(stage, t.subject, t.samples, t.good, t.slowest_seconds, t.last)
        for t in (judgement.tallies if judgement else ())
    )
