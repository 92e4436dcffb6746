"""Take samples until the gate has spoken. What the samples mean is decided in ``domain.gate``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from reconciler.app.host import Host
from reconciler.domain.desired import Condition, Service
from reconciler.domain.environment import Gate, HttpCheck
from reconciler.domain.gate import Evidence, Judgement, Sample, Verdict, Watch, judge
from reconciler.domain.observed import Health, State, Vitals

FIRST_WAIT_SECONDS = 0.05
LONGEST_WAIT_SECONDS = 1.0
CHECKS_AT_ONCE = 32
CRASHES = 3
"""Restarts after which a container that was never good is called crash-looping."""


@dataclass(frozen=True, slots=True)
class Subject:
    """One container to be judged; ``restarts`` is how often the engine had restarted it before."""

    container: str
    service: Service
    restarts: int = 0


def examine(subject: Subject, vitals: Vitals | None, at_seconds: float) -> Sample:
    """One container, one look, one sample.

    A restart by the engine is bad even while the container runs: a third of all looks at a crash
    loop read plain ``running``.
    """
    name = vitals.name if vitals else subject.service.name
    evidence, detail, final = _verdict_on(subject, vitals)
    return Sample(name, evidence, at_seconds, detail, final=final, brittle=True)


def _verdict_on(subject: Subject, vitals: Vitals | None) -> tuple[Evidence, str, bool]:
    """Evidence, what was seen, and whether waiting cannot mend it."""
    if vitals is None:
        return Evidence.BAD, "it is gone", True
    restarts = vitals.restart_count - subject.restarts
    if restarts > 0:
        memory = ", out of memory" if vitals.oom_killed else ""
        return (
            Evidence.BAD,
            f"restarted {restarts} times (exit code {vitals.exit_code}{memory})",
            restarts >= CRASHES,
        )
    if vitals.state is State.EXITED and subject.service.one_shot and vitals.exit_code == 0:
        return Evidence.GOOD, "exited with 0", False
    if vitals.state is not State.RUNNING:
        memory = ", out of memory" if vitals.oom_killed else ""
        reason = f": {vitals.error}" if vitals.error else ""
        final = vitals.state is not State.RESTARTING
        return Evidence.BAD, f"{vitals.state} with {vitals.exit_code}{memory}{reason}", final
    match vitals.health:
        case Health.STARTING:
            return Evidence.BAD, "its health check has not passed yet", False
        case Health.UNHEALTHY:
            return Evidence.BAD, "its health check says unhealthy", True
        case Health.HEALTHY:
            return Evidence.GOOD, "healthy", False
        case Health.NONE:
            return Evidence.GOOD, "running", False


def gate(host: Host, subjects: Sequence[Subject], how: Gate) -> Judgement:
    """Watch containers and checks until there is a verdict.

    The first samples are taken at once, the next ones soon and then less often, so that waiting is
    not what costs. An interruption makes the verdict inconclusive.
    """
    names = frozenset({f"check {check.name}" for check in how.checks})
    with ThreadPoolExecutor(min(len(how.checks), CHECKS_AT_ONCE) or 1, thread_name_prefix="check") as pool:

        def sample(at_seconds: float) -> list[Sample]:
            asked = [(check, pool.submit(host.probe.http, check)) for check in how.checks]
            samples = [examine(s, host.engine.inspect(s.container), at_seconds) for s in subjects]
            return samples + [_of_check(check, *answer.result(), at_seconds) for check, answer in asked]

        return _watch(host, names, sample, how)


def _of_check(check: HttpCheck, evidence: Evidence, detail: str, at_seconds: float) -> Sample:
    return Sample(f"check {check.name}", evidence, at_seconds, detail, rejects=check.severity.rejects)


def _watch(
    host: Host, checks: frozenset[str], sample: Callable[[float], list[Sample]], how: Gate
) -> Judgement:
    started = host.clock.monotonic()
    wait = FIRST_WAIT_SECONDS
    first = sample(0.0)
    watch = Watch(checks | {s.subject for s in first}).saw(first)
    while True:
        elapsed = host.clock.monotonic() - started
        judgement = judge(watch, how, elapsed)
        if judgement is not None:
            return judgement
        if host.interrupted():
            return Judgement(Verdict.INCONCLUSIVE, "interrupted while the gate was open", (), elapsed)
        host.clock.wait(min(wait, _until_next_turn(watch, how, elapsed)))
        wait = min(wait * 1.5, LONGEST_WAIT_SECONDS)
        watch = watch.saw(sample(host.clock.monotonic() - started))


def _until_next_turn(watch: Watch, how: Gate, elapsed: float) -> float:
    """Seconds until the time-out or the end of the soak, so that neither is overslept."""
    since = watch.good_since_seconds
    end = how.timeout_seconds if since is None else since + how.soak_seconds
    return max(end - elapsed, 0.01)


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
            return Sample(sample.subject, Evidence.BAD, at_seconds, "it has not completed yet")
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
