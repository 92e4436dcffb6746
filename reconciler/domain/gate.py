"""Evidence and decision: is this release good?

The gate takes samples of subjects (containers and checks) and folds them into what it has to remember.
A container's ``Running`` alone proves nothing: a third of all looks at a crash loop read plain ``running``,
so evidence counts over a window. Verdicts are three-valued, and no evidence is never a pass: what could
not be measured by the end of the time-out makes the verdict inconclusive.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from reconciler.domain.environment import Gate
from reconciler.domain.severity import Decision, Phase, Reaction, Response, Ruling, Severity, Verdict, decide

SPACING_SECONDS = 0.25
"""Bad samples closer than this count as one: three of them within a blink say no more than one does."""


class Evidence(StrEnum):
    """What one sample shows."""

    GOOD = "good"
    BAD = "bad"
    UNREADY = "unready"  # bad, but as something looks that is still starting
    NONE = "none"  # the probe itself could not work


@dataclass(frozen=True, slots=True)
class Sample:
    """One measurement of one subject (a container or a check).

    ``at_seconds`` counts from the start of the gate, on a monotonic clock. ``final`` says that
    waiting cannot mend it (exited for good, unhealthy). ``severity`` is how bad this one is, where that
    differs from sample to sample; ``seconds`` is how long it took, 0 where that says nothing.
    """

    subject: str
    evidence: Evidence
    at_seconds: float
    detail: str
    final: bool = False
    severity: Severity | None = None
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Rule:
    """When a subject counts as good or failed; see ``domain.check.Check``.

    ``rejecting`` are the severities whose failure ends the release at once. ``brittle`` subjects, once they
    were good, fail with their first bad sample.
    """

    severity: Severity = Severity.CRITICAL
    rejecting: frozenset[Severity] = frozenset({Severity.CRITICAL, Severity.HIGH})
    successes: int = 1
    failures: int = 3
    start_period_seconds: float = 0.0
    brittle: bool = False

    def rejects(self, sample: Sample) -> bool:
        """Whether a failure like this one ends the release at once."""
        return (sample.severity or self.severity) in self.rejecting


@dataclass(frozen=True, slots=True)
class Track:
    """What is remembered of one subject.

    ``good`` and ``bad`` count samples in a row, ``counted_at_seconds`` is when the last bad one counted.
    ``broken`` is the sample with which it failed. The totals are for the report.
    """

    latest: Sample
    good: int = 0
    bad: int = 0
    counted_at_seconds: float | None = None
    was_good: bool = False
    broken: Sample | None = None
    samples: int = 0
    good_samples: int = 0
    slowest_seconds: float = 0.0

    def after(self, sample: Sample, rule: Rule) -> Track:
        """The track after one more sample. Other subjects do not matter: more failures must not be better."""
        good = self.good + 1 if sample.evidence is Evidence.GOOD else 0
        bad, counted_at = self._streak(sample, rule)
        ready = good >= rule.successes
        worst = sample.final or bad >= (1 if rule.brittle and self.was_good else rule.failures)
        fails = worst and sample.evidence in (Evidence.BAD, Evidence.UNREADY)
        return Track(
            latest=sample,
            good=good,
            bad=bad,
            counted_at_seconds=counted_at,
            was_good=self.was_good or ready,
            broken=self._worse(sample, rule) if fails else self.broken,
            samples=self.samples + 1,
            good_samples=self.good_samples + (sample.evidence is Evidence.GOOD),
            slowest_seconds=max(self.slowest_seconds, sample.seconds),
        )

    def _streak(self, sample: Sample, rule: Rule) -> tuple[int, float | None]:
        """Bad samples in a row, and when the last of them counted. No evidence neither adds nor mends."""
        if sample.evidence is Evidence.GOOD:
            return 0, None
        waiting = sample.evidence is Evidence.UNREADY and not self.was_good
        starting = sample.at_seconds < rule.start_period_seconds and not self.was_good
        if sample.evidence is Evidence.NONE or waiting or starting:
            return self.bad, self.counted_at_seconds
        last = self.counted_at_seconds
        if last is not None and sample.at_seconds - last < SPACING_SECONDS:
            return self.bad, last
        return self.bad + 1, sample.at_seconds

    def _worse(self, sample: Sample, rule: Rule) -> Sample:
        """The first failure stays, unless a later one rejects and it does not, or is more severe."""
        failures = (sample,) if self.broken is None else (self.broken, sample)
        severities = tuple(Severity)
        return min(
            failures, key=lambda one: (not rule.rejects(one), severities.index(one.severity or rule.severity))
        )


@dataclass(frozen=True, slots=True)
class Tally:
    """What the samples of one subject came to, for report and journal."""

    subject: str
    samples: int
    good: int
    slowest_seconds: float
    last: Sample


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict with the samples that decided it; ``reason`` is one sentence for people.

    ``decision`` is what the matrix makes of all checks, None where it did not come to checks.
    """

    verdict: Verdict
    reason: str
    deciding: tuple[Sample, ...] = ()
    seconds: float = 0.0
    decision: Decision | None = None
    tallies: tuple[Tally, ...] = ()

    @property
    def interrupted(self) -> bool:
        """Whether it was ended before anything was judged."""
        return self.verdict is Verdict.INCONCLUSIVE and self.decision is None and not self.deciding


@dataclass(frozen=True, slots=True)
class Watch:
    """All that the gate has to remember: a fold over samples.

    ``rules`` has every subject. ``good_since_seconds`` is when everything that may reject was good for the
    first time.
    """

    rules: Mapping[str, Rule]
    tracks: Mapping[str, Track] = field(default_factory=dict)
    good_since_seconds: float | None = None

    def saw(self, samples: Iterable[Sample]) -> Watch:
        """The watch after some samples, of any of the subjects."""
        tracks = dict(self.tracks)
        now = 0.0
        for sample in samples:
            now = max(now, sample.at_seconds)
            track = tracks.get(sample.subject, Track(sample))
            tracks[sample.subject] = track.after(sample, self.rules[sample.subject])
        since = self.good_since_seconds
        if since is None and not _lacking(self.rules, tracks):
            since = now
        return replace(self, tracks=tracks, good_since_seconds=since)

    @property
    def broken(self) -> Sample | None:
        """The failure that rejects the release, the first subject by name; None while there is none."""
        failed = (t.broken for t in self.tracks.values() if t.broken is not None)
        rejecting = (sample for sample in failed if self.rules[sample.subject].rejects(sample))
        return min(rejecting, key=lambda sample: sample.subject, default=None)


def judge(watch: Watch, gate: Gate, elapsed_seconds: float, *, attended: bool = False) -> Judgement | None:
    """The verdict as of ``elapsed_seconds`` after the start of the gate; None while it is open.

    Args:
        watch: what was seen.
        gate: the limits, and the decision matrix.
        elapsed_seconds: since the start of the gate.
        attended: whether somebody is there when a delay ends; see ``domain.severity.Matrix``.
    """
    if watch.broken is not None:
        return _judgement(watch, gate, Verdict.FAIL, (watch.broken,), elapsed_seconds, attended=attended)
    since = watch.good_since_seconds
    if since is not None and elapsed_seconds - since < gate.soak_seconds:
        return None
    lacking = _lacking(watch.rules, watch.tracks)
    unseen = watch.rules.keys() - watch.tracks.keys()  # also what may not reject is asked once
    if since is not None and not lacking and not unseen:
        return _judgement(watch, gate, Verdict.PASS, (), elapsed_seconds, attended=attended)
    # A streak may be under way at the end of the soak: it must end before anything is called good or bad. The
    # end is the same whenever the soak began: what is good later must not get more time to recover.
    end = gate.timeout_seconds + (0.0 if since is None else gate.soak_seconds)
    if elapsed_seconds < end:
        return None
    seen = tuple(watch.tracks[name].latest for name in lacking if name in watch.tracks)
    failing = (s for s in seen if s.evidence in (Evidence.BAD, Evidence.UNREADY))
    bad = tuple(sample for sample in failing if watch.rules[sample.subject].rejects(sample))
    verdict = Verdict.FAIL if bad else Verdict.INCONCLUSIVE
    return _judgement(watch, gate, verdict, bad or seen, elapsed_seconds, attended=attended)


def _lacking(rules: Mapping[str, Rule], tracks: Mapping[str, Track]) -> tuple[str, ...]:
    """The subjects that may reject a release, and are not good now."""
    return tuple(
        name
        for name, rule in sorted(rules.items())
        if rule.rejecting and not (name in tracks and _settled(rule, tracks[name]))
    )


def _settled(rule: Rule, track: Track) -> bool:
    """Good often enough, or bad in a way that rejects nothing."""
    if track.good >= rule.successes:
        return True
    return track.latest.evidence is Evidence.BAD and not rule.rejects(track.latest)


def _judgement(
    watch: Watch,
    gate: Gate,
    verdict: Verdict,
    deciding: tuple[Sample, ...],
    elapsed_seconds: float,
    *,
    attended: bool,
) -> Judgement:
    """What the evidence comes to, with the matrix applied to every check."""
    tallies = tuple(
        Tally(name, track.samples, track.good_samples, track.slowest_seconds, track.broken or track.latest)
        for name, track in sorted(watch.tracks.items())
    )
    rulings = [_ruling(name, watch, gate, attended=attended) for name in watch.rules]
    decision = decide(rulings, Phase.GATE)
    reason = _reason(watch, verdict, deciding)
    if verdict is Verdict.INCONCLUSIVE and decision.reaction != Reaction(Response.ROLL_BACK):
        verdict = Verdict.PASS
    return Judgement(verdict, reason, deciding, elapsed_seconds, decision, tallies)


def _ruling(name: str, watch: Watch, gate: Gate, *, attended: bool) -> Ruling:
    """The verdict on one subject by itself: how it failed, or what it is now if that is worse.

    Where a failure ended the gate early, what was not good yet might have become so: that decides nothing.
    """
    rule, track = watch.rules[name], watch.tracks.get(name)
    undecided = watch.broken is not None and (track is None or track.broken is None)
    found: list[tuple[Verdict, Sample | None]] = []
    if track is not None and track.broken is not None:
        found.append((Verdict.FAIL, track.broken))
    found.append((_now(rule, track), track.latest if track is not None else None))
    rulings = []
    for seen, sample in found:
        verdict = Verdict.INCONCLUSIVE if undecided and seen is Verdict.FAIL else seen
        graded = sample.severity if sample is not None and verdict is Verdict.FAIL else None
        severity = graded or rule.severity
        reaction = gate.matrix.reaction(severity, verdict, Phase.GATE, attended=attended)
        reaction = Reaction(Response.KEEP) if undecided else reaction
        detail = sample.detail if sample is not None else "no sample was taken"
        rulings.append(Ruling(name, severity, verdict, detail, reaction))
    return max(rulings, key=lambda ruling: ruling.reaction.urgency)


def _now(rule: Rule, track: Track | None) -> Verdict:
    """What the latest sample says; good, but not yet often enough, is no evidence either."""
    if track is None or track.latest.evidence is Evidence.NONE:
        return Verdict.INCONCLUSIVE
    if track.latest.evidence is not Evidence.GOOD:
        return Verdict.FAIL
    return Verdict.PASS if track.good >= rule.successes else Verdict.INCONCLUSIVE


def _reason(watch: Watch, verdict: Verdict, deciding: tuple[Sample, ...]) -> str:
    if verdict is Verdict.PASS:
        return "everything stayed good"
    if deciding:
        return f"{deciding[0].subject}: {deciding[0].detail}"
    return f"no sample of {', '.join(sorted(set(watch.rules) - set(watch.tracks)))} was taken"
