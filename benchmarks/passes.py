"""Passes inside this process, as a reconciler makes them that lives on, and when their steps ended."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from benchmarks.stack import Stack
from reconciler.app.converge import Reconciler
from reconciler.domain.report import Report, Result, Step
from reconciler.interface.settings import Settings
from reconciler.interface.wiring import Wiring


@dataclass(frozen=True, slots=True)
class Ended:
    """A finished step; ``at`` is when it ended, on the monotonic clock, which all processes share."""

    step: Step
    at: float

    @property
    def began(self) -> float:
        """When it began."""
        return self.at - self.step.seconds


@dataclass(frozen=True, slots=True)
class Pass:
    """One pass: its report, its steps, and when it was over."""

    report: Report
    ended: tuple[Ended, ...] = field(repr=False)
    over: float

    def step(self, verb: str) -> Ended:
        """The only step with this verb."""
        (found,) = [one for one in self.ended if one.step.verb == verb]
        return found

    @property
    def verdict_at(self) -> float:
        """When the sample was there that decided about the release."""
        outcome = self.report.outcome
        assert outcome is not None, "a pass that did nothing"
        judgement = outcome.judgement
        decided = max((one.at_seconds for one in judgement.deciding), default=judgement.seconds)
        return self.step("gate").at - (judgement.seconds - decided)


def living(made: Stack, progress: Callable[[Step], None] | None = None) -> Reconciler:
    """The reconciler of the stack's environment."""
    settings = Settings(
        folder=made.folder / "state", environ=dict(os.environ), state_directory=made.folder / ".git" / "host"
    )
    wiring = Wiring(settings)
    (environment,) = wiring.environments()
    found = wiring.reconciler(environment)
    return found if progress is None else replace(found, host=replace(found.host, progress=progress))


def passed(made: Stack, expected: Result) -> Pass:
    """One pass, which has to come to what is expected.

    Raises:
        RuntimeError: it came to something else.
    """
    ended: list[Ended] = []
    report = living(made, lambda step: ended.append(Ended(step, time.monotonic()))).run_once()
    if report.result is not expected:
        raise RuntimeError(f"the pass came to {report.result}, not {expected}: {report}")
    return Pass(report, tuple(ended), time.monotonic())


def forgive(made: Stack) -> None:
    """Lift all blocks, so that what was rejected is tried again: ``reconcile unblock``."""
    found = living(made)
    found.journal.unblock(found.environment, sorted(made.pins), found.host.clock.now())
