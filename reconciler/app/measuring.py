"""Measure what a comparison needs: the same way on the predecessor and on the successor."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime

from reconciler.app.host import Host
from reconciler.domain.check import Check, Compared, Cpu, Errors, Flow, Http, Latency, Logs, Memory
from reconciler.domain.compare import WARM_UP, collect, compare
from reconciler.domain.comparison import Comparison, Measures, Reading
from reconciler.domain.desired import Desired
from reconciler.domain.environment import Gate
from reconciler.domain.gate import Evidence
from reconciler.domain.observed import Observed, Role
from reconciler.domain.plan import Plan, Replace
from reconciler.errors import EngineFailed

LOG_LINES = 1000
MOST_SAMPLES = 500
BASELINE_SECONDS = 10.0
"""How long the preparation of a release waits for the baseline at most."""
CPU_SECONDS = 1.0
"""How far apart the two readings of the processor time in a baseline are."""
AT_ONCE = 16


@dataclass(slots=True)
class Measuring:
    """What is measured for one comparison, as it grows.

    Args:
        host: the environment's outside.
        question: the comparison.
        about: the check whose answers are measured, where it is about answers.
        containers: the ids of the containers that it is about, by service.
        fresh: those whose whole log counts; of the others, what they write from now on.
        began_at: since when the others' log lines count; ``began_seconds`` is the same moment for decisions.
    """

    host: Host
    question: Compared
    about: Check | None
    containers: Mapping[str, tuple[str, ...]]
    fresh: frozenset[str]
    began_at: datetime
    began_seconds: float
    measures: Measures = field(default_factory=Measures)
    _answered: bool = True

    @classmethod
    def of(
        cls,
        host: Host,
        how: Gate,
        question: Compared,
        containers: Mapping[str, tuple[str, ...]],
        fresh: frozenset[str],
    ) -> Measuring:
        """One that has measured nothing yet."""
        return cls(
            host, question, _about(how, question), containers, fresh, host.clock.now(), host.clock.monotonic()
        )

    @property
    def wants_more(self) -> bool:
        """Whether it has too few samples yet to say anything, and another one now would help."""
        # Where nothing listens, asking at once again would only keep it from starting.
        return self._answered and not self.enough

    @property
    def enough(self) -> bool:
        """Whether there are as many samples as the question asks for."""
        match self.question:
            case Latency(samples=wanted):
                return len(self.measures.seconds) >= wanted + WARM_UP
            case Errors(samples=wanted):
                return len(self.measures.statuses) >= wanted
            case Logs() | Memory() | Cpu():
                return True

    def measure(self) -> None:
        """Measure once more.

        Raises:
            EngineUnreachable: the engine went away.
        """
        match self.question:
            case Latency() | Errors():
                self._ask()
            case Logs(services=services, match=match):
                self._read(services, match)
            case Memory(services=services) | Cpu(services=services):
                self._weigh(services)

    def compared(self, before: Measures | None) -> Comparison:
        """What it comes to by now, against the baseline."""
        if isinstance(self.question, (Latency, Errors)) and self.about is None:
            return Comparison(Evidence.NONE, f"there is no HTTP check or flow called {self.question.of}")
        return compare(self.question, before, self.measures)

    def _ask(self) -> None:
        """One answer; the newest few hundred are kept, so that a long soak judges what is now."""
        if self.about is None or not isinstance(self.about.question, (Http, Flow)):
            return
        seen = self.host.probe.ask(self.about.question, self.about.time_limit_seconds)
        self._answered = seen.status > 0
        if seen.evidence is Evidence.NONE:
            return
        measures = replace(self.measures, statuses=(*self.measures.statuses, seen.status)[-MOST_SAMPLES:])
        if seen.evidence is Evidence.GOOD:
            measures = replace(measures, seconds=(*measures.seconds, seen.seconds)[-MOST_SAMPLES:])
        self.measures = measures

    def _read(self, services: tuple[str, ...], match: str) -> None:
        texts = []
        for name in services:
            for container in self.containers.get(name, ()):
                since = None if container in self.fresh else self.began_at
                texts.append(self.host.engine.logs(container, LOG_LINES, since=since))
        seconds = self.host.clock.monotonic() - self.began_seconds
        self.measures = replace(self.measures, lines=collect("\n".join(texts), match, seconds))

    def _weigh(self, services: tuple[str, ...]) -> None:
        readings = list(self.measures.readings)
        for name in services:
            for number, container in enumerate(self.containers.get(name, ()), start=1):
                usage = self.host.engine.usage(container)
                if usage is not None:
                    readings.append(Reading(f"{name}-{number}", self.host.clock.monotonic(), usage))
        self.measures = replace(self.measures, readings=tuple(readings[-MOST_SAMPLES:]))


def _about(how: Gate, question: Compared) -> Check | None:
    """The check whose answers a comparison is about."""
    if not isinstance(question, (Latency, Errors)):
        return None
    found = (check for check in how.checks if check.name == question.of)
    return next((check for check in found if isinstance(check.question, (Http, Flow))), None)


def baseline(host: Host, how: Gate, containers: Mapping[str, tuple[str, ...]]) -> dict[str, Measures]:
    """Measure everything that is compared, on what runs now; a check that yields nothing is left out.

    Args:
        host: the environment's outside.
        how: the gate with its checks.
        containers: the ids of the running containers, by service.

    Raises:
        EngineUnreachable: the engine went away.
    """
    asked = {c.name: c.question for c in how.checks if isinstance(c.question, Compared)}
    if not asked or not any(containers.values()):
        return {}
    everything = frozenset(i for ids in containers.values() for i in ids)
    with ThreadPoolExecutor(min(len(asked), AT_ONCE), thread_name_prefix="baseline") as pool:
        measuring = {name: Measuring.of(host, how, q, containers, everything) for name, q in asked.items()}
        running = {name: pool.submit(_fill, host, one) for name, one in measuring.items()}
        found = {name: _unless_failed(future) for name, future in running.items()}
    return {name: measures for name, measures in found.items() if measures is not None}


def _unless_failed(measuring: Future[Measures | None]) -> Measures | None:
    """A baseline that cannot be had is none: the release is not to blame for it."""
    try:
        return measuring.result()
    except EngineFailed:
        return None


@contextmanager
def measured(
    host: Host, desired: Desired, plan: Plan, observed: Observed
) -> Iterator[Callable[[], Mapping[str, Measures]]]:
    """Measure the baseline of a release beside its preparation; yields how to get it, at the end.

    Nothing is measured where nothing is replaced.
    """
    replaced = any(isinstance(action, Replace) for action in plan.actions)
    running = {
        service.name: tuple(i.id for i in observed.of(service.name) if i.running and i.role is Role.SERVING)
        for service in desired.services
    }
    if not replaced or not any(running.values()):
        yield dict
        return
    with ThreadPoolExecutor(1, thread_name_prefix="baseline") as pool:
        measuring = pool.submit(baseline, host, desired.environment.gate, running)
        yield measuring.result


def _fill(host: Host, measuring: Measuring) -> Measures | None:
    """Measure until there is enough, or time is up; None where what was measured says nothing."""
    give_up = host.clock.monotonic() + BASELINE_SECONDS
    measuring.measure()
    if isinstance(measuring.question, Cpu):
        host.clock.wait(CPU_SECONDS)
        measuring.measure()
    while measuring.wants_more and host.clock.monotonic() < give_up:
        measuring.measure()
    return measuring.measures if measuring.enough else None
