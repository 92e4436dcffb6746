"""What takes the samples of a gate: one sampler for each container and each check."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from reconciler.app.host import Host
from reconciler.app.measuring import Measuring
from reconciler.domain.check import (
    Check,
    Compared,
    Cpu,
    Database,
    Errors,
    Exec,
    Flow,
    Http,
    Latency,
    Logs,
    Memory,
    Query,
    SearchIndex,
    Tcp,
)
from reconciler.domain.comparison import Measures, Seen
from reconciler.domain.desired import Service
from reconciler.domain.environment import Gate
from reconciler.domain.gate import Evidence, Rule, Sample
from reconciler.domain.observed import Health, State, Vitals
from reconciler.domain.severity import Phase, Response, Severity, Verdict
from reconciler.errors import EngineFailed

CRASHES = 3
"""Restarts after which a container that was never good is called crash-looping."""


@dataclass(frozen=True, slots=True)
class Subject:
    """One container to be judged; ``restarts`` is how often the engine had restarted it before."""

    container: str
    service: Service
    restarts: int = 0


@dataclass(frozen=True, slots=True)
class Sampler:
    """Takes the samples of one subject.

    ``take`` is given the seconds since the start of the gate. ``swift`` samplers are as quick as a look at a
    container, and are taken in turn; the others each in a thread. ``eager`` says that another sample is
    wanted at once.
    """

    subject: str
    rule: Rule
    take: Callable[[float], Sample]
    interval_seconds: float = 0.0
    swift: bool = False
    eager: Callable[[], bool] = field(default=lambda: False)


@dataclass(frozen=True, slots=True)
class Scope:
    """What the checks of a gate are about.

    ``containers`` maps every service of the environment to the ids of its containers, ``fresh`` are those
    that this release started: everything that they wrote is theirs. ``baseline`` is what was measured on
    the predecessors, by check; ``comparing`` is false where there is nothing to compare, as when the
    predecessors themselves are verified.
    """

    containers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    fresh: frozenset[str] = frozenset()
    baseline: Mapping[str, Measures] = field(default_factory=dict)
    comparing: bool = True


def of_container(host: Host, how: Gate, subject: Subject, name: str) -> Sampler:
    """The sampler of a container; its failure is of severity critical."""
    critical = Severity.CRITICAL
    rejects = _rejects(how, critical, Verdict.FAIL, attended=host.attended)

    def take(at_seconds: float) -> Sample:
        return examine(subject, host.engine.inspect(subject.container), at_seconds, name)

    rule = Rule(brittle=True, rejecting=frozenset({critical}) if rejects else frozenset())
    return Sampler(name, rule, take, swift=True)


def of_checks(host: Host, how: Gate, scope: Scope) -> list[Sampler]:
    """The samplers of all checks that can be made here."""
    return [s for check in how.checks if (s := _of_check(host, how, check, scope)) is not None]


def _of_check(host: Host, how: Gate, check: Check, scope: Scope) -> Sampler | None:
    match check.question:
        case Http() | Flow() | Tcp() | Query() | Database() | SearchIndex() as asked:
            return _asking(host, how, check, lambda: host.probe.ask(asked, check.time_limit_seconds))
        case Exec() as inside:
            containers = scope.containers.get(inside.service, ())
            return _asking(host, how, check, lambda: _execute(host, inside, containers, check))
        case Latency() | Errors() | Logs() | Memory() | Cpu() as compared:
            if not scope.comparing:
                return None
            return _comparing(host, how, check, compared, scope)


def _asking(host: Host, how: Gate, check: Check, ask: Callable[[], Seen]) -> Sampler:
    subject = f"check {check.name}"

    def take(at_seconds: float) -> Sample:
        seen = ask()
        return Sample(subject, seen.evidence, at_seconds, seen.detail, seconds=seen.seconds)

    return Sampler(subject, _rule(host, how, check), take, check.interval_seconds)


def _comparing(host: Host, how: Gate, check: Check, question: Compared, scope: Scope) -> Sampler:
    subject, before = f"check {check.name}", scope.baseline.get(check.name)
    measuring = Measuring.of(host, how, question, scope.containers, scope.fresh)

    def take(at_seconds: float) -> Sample:
        try:
            measuring.measure()
        except EngineFailed as error:  # a look that fails says nothing of the release
            return Sample(subject, Evidence.NONE, at_seconds, error.problem)
        found = measuring.compared(before)
        return Sample(subject, found.evidence, at_seconds, found.detail, severity=found.severity)

    return Sampler(
        subject,
        _rule(host, how, check),
        take,
        check.interval_seconds,
        eager=lambda: measuring.wants_more,
    )


def _rule(host: Host, how: Gate, check: Check) -> Rule:
    """When the check counts as failed, and which of its failures end the release at once."""
    graded = (Severity.HIGH, Severity.MEDIUM) if isinstance(check.question, Latency) else ()
    rejecting = [
        severity
        for severity in {check.severity, *graded}
        if _rejects(how, severity, Verdict.FAIL, attended=host.attended)
    ]
    return Rule(
        check.severity, frozenset(rejecting), check.successes, check.failures, check.start_period_seconds
    )


def _rejects(how: Gate, severity: Severity, verdict: Verdict, *, attended: bool) -> bool:
    reaction = how.matrix.reaction(severity, verdict, Phase.GATE, attended=attended)
    return reaction.response is Response.ROLL_BACK and not reaction.after_seconds


def _execute(host: Host, question: Exec, containers: Sequence[str], check: Check) -> Seen:
    """Run the command in each container; the first that is not good decides."""
    if not containers:
        return Seen(Evidence.NONE, f"{question.service} has no container to run {question.command[0]} in")
    for container in containers:
        try:
            code, said = host.engine.execute(container, question.command, check.time_limit_seconds)
        except EngineFailed as error:
            return Seen(Evidence.NONE, error.problem)
        if code:
            words = " ".join(said.split())[-80:]
            told = f": {words}" if words else ""
            return Seen(Evidence.UNREADY, f"{question.command[0]} exited with {code}{told}")
    return Seen(Evidence.GOOD, f"{question.command[0]} exited with 0")


def examine(subject: Subject, vitals: Vitals | None, at_seconds: float, name: str = "") -> Sample:
    """One container, one look, one sample.

    A restart by the engine is bad even while the container runs: a third of all looks at a crash
    loop read plain ``running``.
    """
    shown = name or (vitals.name if vitals else subject.service.name)
    evidence, detail, final = _seen_of(subject, vitals)
    return Sample(shown, evidence, at_seconds, detail, final=final)


def _seen_of(subject: Subject, vitals: Vitals | None) -> tuple[Evidence, str, bool]:
    """Evidence, what was seen, and whether waiting cannot mend it."""
    if vitals is None:
        return Evidence.BAD, "it is gone", True
    restarts = vitals.restart_count - subject.restarts
    if restarts > 0:
        return Evidence.BAD, f"restarted {restarts} times{_last_end(vitals)}", restarts >= CRASHES
    if vitals.state is State.EXITED and subject.service.one_shot and vitals.exit_code == 0:
        return Evidence.GOOD, "exited with 0", False
    if vitals.state is not State.RUNNING:
        reason = f": {vitals.error}" if vitals.error else ""
        final = vitals.state is not State.RESTARTING
        memory = ", out of memory" if vitals.oom_killed else ""
        return Evidence.BAD, f"{vitals.state} with {vitals.exit_code}{memory}{reason}", final
    match vitals.health:
        case Health.STARTING:
            return Evidence.UNREADY, "its health check has not passed yet", False
        case Health.UNHEALTHY:
            return Evidence.BAD, "its health check says unhealthy", True
        case Health.HEALTHY:
            return Evidence.GOOD, "healthy", False
        case Health.NONE:
            return Evidence.GOOD, "running", False


def _last_end(vitals: Vitals) -> str:
    """How a restarted container ended; of one that runs again the engine says 0, whatever it was."""
    code = f"exit code {vitals.exit_code}" if vitals.exit_code or vitals.state is not State.RUNNING else ""
    words = [word for word in (code, "out of memory" if vitals.oom_killed else "") if word]
    return f" ({', '.join(words)})" if words else ""
