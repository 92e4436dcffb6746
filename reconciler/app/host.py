"""What a rollout works with, and how it tells what it does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from reconciler.domain.report import Step
from reconciler.ports import Clock, Compose, Engine, Probe, Registry


@dataclass(frozen=True, slots=True)
class Host:
    """The outside of one environment.

    ``progress`` is called once for each finished step, ``started`` with verb and subject of one that
    begins, ``watching`` with a few words whenever what a gate sees changes. ``interrupted`` says whether the
    person or the service manager wants us to end; it is asked where ending is safe. ``attended`` says
    whether somebody is there when a delayed rollback is due.
    """

    engine: Engine
    compose: Compose
    registry: Registry
    probe: Probe
    clock: Clock
    progress: Callable[[Step], None] = field(default=lambda _step: None)
    started: Callable[[str, str], None] = field(default=lambda _verb, _subject: None)
    watching: Callable[[str], None] = field(default=lambda _words: None)
    interrupted: Callable[[], bool] = field(default=lambda: False)
    attended: bool = False

    @contextmanager
    def step(self, verb: str, subject: str, detail: str = "") -> Iterator[None]:
        """Time what is done inside, and report it; a step that raises is reported as not good."""
        started = self.clock.monotonic()
        self.started(verb, subject)
        good = False
        try:
            yield
            good = True
        finally:
            self.progress(Step(verb, subject, self.clock.monotonic() - started, detail, good))
