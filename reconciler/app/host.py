"""What a rollout works with, and how it tells what it does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from reconciler.domain.report import Step, Verb
from reconciler.ports import Clock, Compose, Engine, Probe, Registry


@dataclass(frozen=True, slots=True)
class Host:
    """The outside of one environment.

    ``started`` is called with verb, subject and detail of each step before it is taken, ``progress`` with
    each step that ended, ``watching`` with a few words whenever what a gate sees changes. ``interrupted``
    says whether the person or the service manager wants us to end; it is asked where ending is safe.
    ``attended`` says whether somebody is there when a delayed rollback is due. ``failpoint`` is called by
    name, such as ``step.switch:before``, where a test may kill the program.
    """

    engine: Engine
    compose: Compose
    registry: Registry
    probe: Probe
    clock: Clock
    progress: Callable[[Step], None] = field(default=lambda _step: None)
    started: Callable[[Verb, str, str], None] = field(default=lambda _verb, _subject, _detail: None)
    watching: Callable[[str], None] = field(default=lambda _words: None)
    interrupted: Callable[[], bool] = field(default=lambda: False)
    attended: bool = False
    failpoint: Callable[[str], None] = field(default=lambda _name: None)

    @contextmanager
    def step(self, verb: Verb, subject: str, detail: str = "") -> Iterator[None]:
        """Report what is done inside before it is done, and with its time when it ended.

        A step that raises is reported as not good.
        """
        self.started(verb, subject, detail)
        self.failpoint(f"step.{verb}:before")
        started = self.clock.monotonic()
        good = False
        try:
            yield
            good = True
        finally:
            self.progress(Step(verb, subject, self.clock.monotonic() - started, detail, good))
            self.failpoint(f"step.{verb}:after")
