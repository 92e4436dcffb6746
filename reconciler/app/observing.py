"""Observe a release that was kept, for as long as the matrix may still have something done about it.

What fails at once in the gate is rolled back there. What fails later, or with a severity whose rollback has
a delay, is acted on here: when its delay is over, unless it works again or a newer pin has arrived.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta

from reconciler.app.converge import Late, Reconciler
from reconciler.app.gatekeeper import CHECKS_AT_ONCE
from reconciler.app.looking import Look
from reconciler.app.samplers import Sampler, Scope, Subject, of_checks, of_container
from reconciler.app.undoing import Moved
from reconciler.domain.blocking import same_pin
from reconciler.domain.comparison import Measures
from reconciler.domain.desired import Service
from reconciler.domain.gate import Evidence, Judgement, Rule, Sample, Track
from reconciler.domain.journal import Observation
from reconciler.domain.observed import Instance, Role
from reconciler.domain.report import Report, Result
from reconciler.domain.severity import Decision, Phase, Reaction, Response, Ruling, Verdict, decide
from reconciler.errors import EngineUnreachable, PermissionRefused, ReconcileError

EVERY_SECONDS = 1.0
"""How far apart the rounds of samples are, where a check does not say otherwise."""


@dataclass(frozen=True, slots=True)
class Observed:
    """How an observation ended: with a rejected release, or why it ended without one.

    ``alerts`` are rulings that ask for people, ``report`` is the pass that took the release back.
    """

    reason: str
    report: Report | None = None
    alerts: tuple[Ruling, ...] = ()


@dataclass(slots=True)
class _Failing:
    """A subject that fails by now, and since when."""

    since_seconds: float
    sample: Sample
    told: bool = False


@dataclass(slots=True)
class Observing:
    """One observation.

    Args:
        reconciler: the environment; its host should be ``attended``.
        look: what was released.
        run: the pass that did it.
        moved: the pins that it moved.
        baseline: what was measured before the switch.
        seconds: for how long to observe.
    """

    reconciler: Reconciler
    look: Look
    run: str
    moved: tuple[Moved, ...]
    baseline: Mapping[str, Measures]
    seconds: float
    _failing: dict[str, _Failing] = field(default_factory=dict)
    _restarts: dict[str, int] = field(default_factory=dict)
    _due: dict[str, float] = field(default_factory=dict)
    _alerts: list[Ruling] = field(default_factory=list)

    def run_to_end(self) -> Observed:
        """Observe until the time is over, a newer pin arrives, or the release is taken back.

        Raises:
            ReconcileError: the engine went away.
        """
        host = self.reconciler.host
        clock, started = host.clock, host.clock.monotonic()
        until = clock.now() + timedelta(seconds=self.seconds)
        self._note(Observation(self.run, self._revision, until))
        try:
            checks, tracks = self._checks(), dict[str, Track]()
            while (elapsed := clock.monotonic() - started) < self.seconds:
                if host.interrupted():
                    return self._ended("interrupted")
                if self._moved_on():
                    return self._ended("a newer pin arrived")
                decision = self._look(checks, tracks, elapsed)
                if decision is not None and decision.reaction.response is Response.ROLL_BACK:
                    return self._take_back(decision, elapsed)
                clock.wait(min(EVERY_SECONDS, max(self.seconds - elapsed, 0.01)))
            return self._ended("nothing failed that long" if self._failing else "everything stayed good")
        finally:
            self._note(None)

    def _note(self, observation: Observation | None) -> None:
        """Say in the journal that this is under way, or over; a full disk does not end it."""
        with suppress(PermissionRefused):
            self.reconciler.journal.observe(self.reconciler.environment, observation)

    def _look(self, checks: Sequence[Sampler], tracks: dict[str, Track], elapsed: float) -> Decision | None:
        """One round, and what it comes to; None where the engine did not answer: that says nothing."""
        try:
            samplers = [*self._containers(), *checks]
            self._round(samplers, tracks, elapsed)
        except EngineUnreachable:
            return None
        return self._decide(samplers, tracks, elapsed)

    @property
    def _revision(self) -> str:
        return self.look.desired.revision.commit

    def _ended(self, reason: str) -> Observed:
        return Observed(reason, alerts=tuple(self._alerts))

    def _serving(self) -> list[tuple[Instance, Service]]:
        """The containers that serve now: others may have replaced them since."""
        host, desired = self.reconciler.host, self.look.desired
        services = {service.name: service for service in desired.services}
        observed = host.engine.observe(desired.environment.project)
        return [
            (instance, services[instance.service])
            for instance in observed.instances
            if instance.role is Role.SERVING and instance.service in services
        ]

    def _containers(self) -> list[Sampler]:
        """A sampler for each container, by its name; restarts count from when it was first seen."""
        host, how = self.reconciler.host, self.look.desired.environment.gate
        samplers = []
        for instance, service in self._serving():
            if instance.id not in self._restarts:
                vitals = host.engine.inspect(instance.id)
                self._restarts[instance.id] = vitals.restart_count if vitals is not None else 0
            subject = Subject(instance.id, service, self._restarts[instance.id])
            samplers.append(of_container(host, how, subject, instance.name))
        return samplers

    def _checks(self) -> list[Sampler]:
        """The environment's checks, as in the gate."""
        host, how = self.reconciler.host, self.look.desired.environment.gate
        serving, released = self._serving(), {name for name, _, _ in self.moved}
        names = {service.name for _, service in serving}
        containers = {name: tuple(i.id for i, s in serving if s.name == name) for name in names}
        fresh = frozenset(i.id for i, service in serving if service.name in released)
        return of_checks(host, how, Scope(containers, fresh, self.baseline))

    def _moved_on(self) -> bool:
        """Whether Git asks for something else by now, or another clone released it already.

        Where that cannot be told, it is not so: whoever cannot read Git must still take back what fails.
        """
        with suppress(ReconcileError):
            return self._pinned_anew() or self._released_anew()
        return False

    def _pinned_anew(self) -> bool:
        desired = self.reconciler.desired
        head = desired.repository.head()
        if head.commit == self._revision:
            return False
        path = desired.path(self.reconciler.environment.pins)
        return desired.repository.read(head, path) != self.look.source.pins_text

    def _released_anew(self) -> bool:
        """Whether a later pass moved one of these services on."""
        released = {name for name, _, _ in self.moved}
        last = self.reconciler.journal.runs(self.reconciler.environment, limit=1)
        return any(
            run.id != self.run and name in released and before and not same_pin(before, after)
            for run in last
            if run.result is Result.CONVERGED
            for name, before, after in run.changes
        )

    def _round(self, samplers: Sequence[Sampler], tracks: dict[str, Track], elapsed: float) -> None:
        """One sample of each that is due, side by side. What is not good is asked again in the next round."""
        due = [one for one in samplers if self._due.get(one.subject, 0.0) <= elapsed]
        with ThreadPoolExecutor(CHECKS_AT_ONCE, thread_name_prefix="check") as pool:
            taken = list(pool.map(lambda sampler: sampler.take(elapsed), due))
        for sampler, sample in zip(due, taken, strict=True):
            track = tracks.get(sampler.subject, Track(sample, was_good=True))
            tracks[sampler.subject] = track.after(sample, sampler.rule)
            rests = sampler.interval_seconds if sample.evidence is Evidence.GOOD else 0.0
            self._due[sampler.subject] = elapsed + rests

    def _decide(self, samplers: Sequence[Sampler], tracks: Mapping[str, Track], elapsed: float) -> Decision:
        """What is due by now, of all that fails."""
        rulings = []
        for sampler in samplers:
            track = tracks[sampler.subject]
            if track.good >= sampler.rule.successes or sampler.eager():
                self._failing.pop(sampler.subject, None)
                continue
            verdict = _verdict(track, sampler.rule)
            if verdict is Verdict.PASS:
                continue
            failing = self._failing.setdefault(sampler.subject, _Failing(elapsed, track.latest))
            rulings.append(self._ruling(sampler, track.latest, verdict, failing, elapsed))
        return decide(rulings, Phase.OBSERVED)

    def _ruling(
        self, sampler: Sampler, sample: Sample, verdict: Verdict, failing: _Failing, elapsed: float
    ) -> Ruling:
        """The matrix on one failure; a delay that is not over yet makes it an alert."""
        severity = sample.severity or sampler.rule.severity
        matrix = self.look.desired.environment.gate.matrix
        reaction = matrix.reaction(severity, verdict, Phase.OBSERVED, attended=True)
        ruling = Ruling(sampler.subject, severity, verdict, sample.detail, reaction)
        if not failing.told:
            failing.told = True
            self._alerts.append(ruling)
            self.reconciler.host.watching(f"{sampler.subject}: {sample.detail}: {reaction}")
        if (
            reaction.response is Response.ROLL_BACK
            and elapsed - failing.since_seconds < reaction.after_seconds
        ):
            return Ruling(sampler.subject, severity, verdict, sample.detail, Reaction(Response.ALERT))
        return ruling

    def _take_back(self, decision: Decision, elapsed: float) -> Observed:
        deciding = tuple(
            Sample(r.check, Evidence.BAD, elapsed, r.detail, severity=r.severity) for r in decision.deciding
        )
        first = decision.deciding[0]
        reason = f"{first.check}: {first.detail}"
        judgement = Judgement(Verdict.FAIL, reason, deciding, elapsed, decision)
        served = (i for i in self.look.observed.instances if i.role is Role.SERVING)
        labels = {instance.service: instance.contract for instance in served}
        late = Late(self.look.desired, self.run, self.moved, judgement, labels)
        return Observed(reason, self.reconciler.run_once(late), tuple(self._alerts))


def _verdict(track: Track, rule: Rule) -> Verdict:
    """What a subject's samples say now. Unlike in the gate no single look decides: it may recover yet."""
    if track.bad >= rule.failures:
        return Verdict.FAIL
    return Verdict.INCONCLUSIVE if track.latest.evidence is Evidence.NONE else Verdict.PASS
