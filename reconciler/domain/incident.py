"""The report of a rejected release, as far as a machine knows it; what only people know is left open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from reconciler.domain.history import OURSELVES
from reconciler.domain.journal import Run, SampleSummary, Story
from reconciler.domain.report import Result, Step, Verb, of_data
from reconciler.domain.severity import Ruling, Verdict

REJECTED = (Result.ROLLED_BACK, Result.ROLLBACK_FAILED)

OPEN = ("Root cause", "Who noticed it, and how", "Users and customers affected", "Prevention")
"""What no machine knows: the fields that people fill in."""


@dataclass(frozen=True, slots=True)
class Failed:
    """One check that was not good, and what was seen of it."""

    ruling: Ruling
    samples: SampleSummary | None

    @property
    def bad(self) -> int:
        """How many samples were not good."""
        return self.samples.samples - self.samples.good if self.samples is not None else 0


@dataclass(frozen=True, slots=True)
class Incident:
    """One rejected release.

    Args:
        story: all that the journal knows of the pass that rejected it.
        failed: the checks that were not good, the gravest first.
        detected_at: about when the gate decided; the end of the pass where that is not known.
        ended_at: when the pass ended; None where it was killed.
        data: the steps that concern data.
    """

    story: Story
    failed: tuple[Failed, ...]
    detected_at: datetime | None
    ended_at: datetime | None
    data: tuple[Step, ...]

    @property
    def restored(self) -> bool:
        """Whether what ran before runs again."""
        return self.story.run.result is Result.ROLLED_BACK

    @property
    def rolled_back_by(self) -> str:
        """Who rolled back: a rejected release goes back by itself."""
        return OURSELVES

    @property
    def downtime_seconds(self) -> float | None:
        """The longest time for which some service had no running container; None where none was replaced."""
        return max(self.story.gap_seconds.values(), default=None)


def incident(story: Story) -> Incident:
    """The report of a pass that rejected a release."""
    run = story.run
    ended = run.started_at + timedelta(seconds=run.seconds) if run.seconds is not None else None
    failed = _failed(story)
    return Incident(
        story=story,
        failed=failed,
        detected_at=_detected(story) or ended,
        ended_at=ended,
        data=tuple(step for step in story.steps if of_data(step)),
    )


def latest(runs: Sequence[Run]) -> Run | None:
    """The newest of these that rejected a release.

    Args:
        runs: of any environments.
    """
    rejected = [run for run in runs if run.result in REJECTED]
    return max(rejected, key=lambda run: run.started_at, default=None)


def _failed(story: Story) -> tuple[Failed, ...]:
    of_gate = {summary.subject: summary for summary in story.summaries if summary.stage == "gate"}
    order = [ruling for ruling in story.rulings if ruling.verdict is not Verdict.PASS]
    order.sort(key=lambda ruling: (ruling.reaction.urgency, ruling.check), reverse=True)
    return tuple(Failed(ruling, of_gate.get(ruling.check)) for ruling in order)


def _detected(story: Story) -> datetime | None:
    """About when the gate decided: what came after it is taken from the end of the pass."""
    gates = [place for place, step in enumerate(story.steps) if step.verb == Verb.GATE]
    seconds = story.run.seconds
    if not gates or seconds is None:
        return None
    after = sum(step.seconds for step in story.steps[gates[0] + 1 :])
    return story.run.started_at + timedelta(seconds=max(seconds - after, 0.0))
