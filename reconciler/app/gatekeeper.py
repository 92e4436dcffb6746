"""Take samples until the gate has spoken. What the samples mean is decided in ``domain.gate``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from reconciler.app.host import Host
from reconciler.app.samplers import Sampler, Scope, Subject, examine, of_checks, of_container
from reconciler.domain.desired import Condition
from reconciler.domain.environment import Gate
from reconciler.domain.gate import SPACING_SECONDS, Evidence, Judgement, Sample, Watch, judge
from reconciler.domain.observed import Health, State
from reconciler.domain.severity import Verdict

FIRST_WAIT_SECONDS = 0.05
LONGEST_WAIT_SECONDS = 1.0
UNREADY_WAIT_SECONDS = 0.1
"""How long a service may have been ready before it is seen: what a gate costs beyond the soak."""
EAGER_WAIT_SECONDS = 0.001
CHECKS_AT_ONCE = 128


def gate(host: Host, subjects: Sequence[Subject], how: Gate, scope: Scope | None = None) -> Judgement:
    """Watch containers and checks until there is a verdict.

    Every subject is sampled by itself: at once, then soon, then less often, so that waiting is not what
    costs, and none waits for another. An interruption makes the verdict inconclusive.

    Args:
        host: the environment's outside.
        subjects: the containers to be judged.
        how: time limits, checks and matrix.
        scope: what the checks are about; checks are left out where it is None.

    Raises:
        EngineUnreachable: the engine went away.
    """
    samplers = [*_of_containers(host, how, subjects), *(of_checks(host, how, scope) if scope else [])]
    slow = sum(1 for sampler in samplers if not sampler.swift)
    pool = ThreadPoolExecutor(max(1, min(slow, CHECKS_AT_ONCE)), thread_name_prefix="check")
    try:
        return _Gate(host, how, pool, [_Turn(sampler) for sampler in samplers]).run()
    finally:
        # A look that hangs must not hold up the way back: it ends by its own limit, unheard.
        pool.shutdown(wait=False, cancel_futures=True)


def _of_containers(host: Host, how: Gate, subjects: Iterable[Subject]) -> list[Sampler]:
    """Samplers by the names that the containers have now."""
    named = []
    for subject in subjects:
        vitals = host.engine.inspect(subject.container)
        named.append(of_container(host, how, subject, vitals.name if vitals else subject.service.name))
    return named


@dataclass(slots=True)
class _Turn:
    """When a sampler is due, and its sample that is being taken."""

    sampler: Sampler
    due_seconds: float = 0.0
    wait_seconds: float = FIRST_WAIT_SECONDS
    pending: Future[Sample] | None = None
    was_good: bool = False

    def rest(self, sample: Sample, crowd: int) -> None:
        """Decide when the next sample is due."""
        self.was_good = self.was_good or sample.evidence is Evidence.GOOD
        self.wait_seconds = min(self.wait_seconds * 1.5, LONGEST_WAIT_SECONDS)
        wait = self.wait_seconds
        if not self.was_good:
            wait = min(wait, max(UNREADY_WAIT_SECONDS, crowd / 100))
        elif self.sampler.interval_seconds:
            wait = self.sampler.interval_seconds
        if self.was_good and sample.evidence in (Evidence.BAD, Evidence.UNREADY):
            wait = min(wait, SPACING_SECONDS)  # from now on both count
        elif sample.evidence is Evidence.BAD:
            wait = SPACING_SECONDS
        if self.sampler.eager():
            wait = EAGER_WAIT_SECONDS
        self.due_seconds = sample.at_seconds + wait


@dataclass(slots=True)
class _Gate:
    """One gate while it is open."""

    host: Host
    how: Gate
    pool: ThreadPoolExecutor
    turns: list[_Turn]
    started: float = 0.0
    _told: str = field(default="")

    def run(self) -> Judgement:
        """Until there is a verdict."""
        self.started = self.host.clock.monotonic()
        watch = Watch({turn.sampler.subject: turn.sampler.rule for turn in self.turns})
        while True:
            watch = watch.saw(self._samples())
            self._tell(watch)
            judgement = judge(watch, self.how, self._elapsed(), attended=self.host.attended)
            if judgement is not None:
                return judgement
            if self.host.interrupted():
                reason = "interrupted while the gate was open"
                return Judgement(Verdict.INCONCLUSIVE, reason, (), self._elapsed())
            pending = [turn.pending for turn in self.turns if turn.pending is not None]
            self.host.clock.wait_for_any(pending, self._until_next(watch))

    def _elapsed(self) -> float:
        return self.host.clock.monotonic() - self.started

    def _samples(self) -> list[Sample]:
        """Start what is due, and collect what is there."""
        samples = []
        for turn in self.turns:
            if turn.pending is None and not turn.sampler.swift and turn.due_seconds <= self._elapsed():
                turn.pending = self.pool.submit(turn.sampler.take, self._elapsed())
        for turn in self.turns:
            if turn.sampler.swift and turn.due_seconds <= self._elapsed():
                samples.append(self._seen(turn, turn.sampler.take(self._elapsed())))
            elif turn.pending is not None and turn.pending.done():
                samples.append(self._seen(turn, replace(turn.pending.result(), at_seconds=self._elapsed())))
                turn.pending = None
        return samples

    def _seen(self, turn: _Turn, sample: Sample) -> Sample:
        turn.rest(sample, len(self.turns))
        return sample

    def _until_next(self, watch: Watch) -> float:
        """Seconds until the next sample is due, or time is up: neither is overslept."""
        elapsed, since = self._elapsed(), watch.good_since_seconds
        end = self.how.timeout_seconds if since is None else since + self.how.soak_seconds
        due = [turn.due_seconds for turn in self.turns if turn.pending is None]
        if end > elapsed:
            due.append(end)
        return max(min(due, default=elapsed + LONGEST_WAIT_SECONDS) - elapsed, EAGER_WAIT_SECONDS)

    def _tell(self, watch: Watch) -> None:
        """Say what is being waited for, whenever that changes."""
        good = sum(1 for track in watch.tracks.values() if track.latest.evidence is Evidence.GOOD)
        open_ends = [t.latest for t in watch.tracks.values() if t.latest.evidence is not Evidence.GOOD]
        first = min(open_ends, key=lambda sample: sample.subject, default=None)
        words = f"{good} of {len(self.turns)} good" + (f", {first.subject}: {first.detail}" if first else "")
        if words != self._told:
            self._told = words
            self.host.watching(words)


def await_conditions(
    host: Host, waits: Iterable[tuple[Subject, Condition]], timeout_seconds: float
) -> Judgement:
    """Wait until containers are as their dependents need them: started, healthy, or completed."""
    open_ends = list(waits)
    started = host.clock.monotonic()
    wait = FIRST_WAIT_SECONDS
    while open_ends:
        elapsed = host.clock.monotonic() - started
        looks = [(end, _meets(host, *end, elapsed)) for end in open_ends]
        broken = [sample for _, sample in looks if sample.final]
        open_ends = [end for end, sample in looks if sample.evidence is not Evidence.GOOD]
        if broken or (open_ends and elapsed >= timeout_seconds):
            worst = broken or [s for _, s in looks if s.evidence is not Evidence.GOOD]
            return Judgement(Verdict.FAIL, f"{worst[0].subject}: {worst[0].detail}", tuple(worst), elapsed)
        if open_ends and host.interrupted():
            return Judgement(Verdict.INCONCLUSIVE, "interrupted while waiting for a dependency", (), elapsed)
        if open_ends:
            host.clock.wait(wait)
            wait = min(wait * 1.5, LONGEST_WAIT_SECONDS)
    return Judgement(Verdict.PASS, "ready", (), host.clock.monotonic() - started)


def _meets(host: Host, subject: Subject, condition: Condition, at_seconds: float) -> Sample:
    """One look at whether a container meets what a dependent waits for."""
    vitals = host.engine.inspect(subject.container)
    sample = examine(subject, vitals, at_seconds)
    if condition is Condition.COMPLETED and vitals is not None:
        if vitals.state is State.EXITED and vitals.exit_code == 0:
            return Sample(sample.subject, Evidence.GOOD, at_seconds, "completed")
        if vitals.state is State.RUNNING:
            return Sample(sample.subject, Evidence.UNREADY, at_seconds, "it has not completed yet")
    if (
        condition is Condition.HEALTHY
        and vitals is not None
        and vitals.health is Health.NONE
        and vitals.state is State.RUNNING
    ):
        return Sample(
            sample.subject, Evidence.BAD, at_seconds, "it has no health check to wait for", final=True
        )
    return sample
