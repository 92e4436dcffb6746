"""Evidence and decision: samples go in, a verdict comes out.

Two phases. Until everything that can reject the release has been good once, the gate waits, at most
``timeout``. From then on everything must stay good for ``soak``: a container that stops or restarts
ends it at once, an HTTP check that fails three times in a row ends it too. No evidence is never a
pass: what could not be measured by the end of the time-out makes the verdict inconclusive.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from reconciler.domain.environment import Gate

FAILURES_IN_A_ROW = 3


class Evidence(StrEnum):
    """What one sample shows."""

    GOOD = "good"
    BAD = "bad"
    NONE = "none"  # the probe itself could not work


class Verdict(StrEnum):
    """What the gate says of a release."""

    PASS = "pass"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, slots=True)
class Sample:
    """One measurement of one subject (a container or a check).

    ``at_seconds`` counts from the start of the gate, on a monotonic clock. ``final`` says that
    waiting cannot mend it (exited for good, unhealthy). ``brittle`` subjects fail the soak with
    their first bad sample. ``rejects`` says whether the subject may reject the release at all.
    """

    subject: str
    evidence: Evidence
    at_seconds: float
    detail: str
    final: bool = False
    brittle: bool = False
    rejects: bool = True


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict with the samples that decided it; ``reason`` is one sentence for people."""

    verdict: Verdict
    reason: str
    deciding: tuple[Sample, ...] = ()
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Watch:
    """All that the gate has to remember: a fold over samples.

    ``latest`` is the last sample of each subject, ``streak`` its bad samples in a row;
    ``good_since_seconds`` is when everything was good for the first time.
    """

    subjects: frozenset[str]
    latest: Mapping[str, Sample] = field(default_factory=dict)
    streak: Mapping[str, int] = field(default_factory=dict)
    good_since_seconds: float | None = None
    broken: Sample | None = None

    def saw(self, samples: Iterable[Sample]) -> Watch:
        """The watch after one round of samples; a round may hold any of the subjects."""
        latest, streak = dict(self.latest), dict(self.streak)
        breaking: list[Sample] = []
        now = 0.0
        for sample in samples:
            bad = sample.evidence is Evidence.BAD
            latest[sample.subject] = sample
            streak[sample.subject] = streak.get(sample.subject, 0) + 1 if bad else 0
            now = max(now, sample.at_seconds)
            if sample.rejects and bad and self._breaks(sample, streak[sample.subject]):
                breaking.append(sample)
        broken = self.broken or min(breaking, key=lambda sample: sample.subject, default=None)
        rejecting = [latest.get(subject) for subject in self.subjects]
        all_good = all(s is not None and (s.evidence is Evidence.GOOD or not s.rejects) for s in rejecting)
        since = self.good_since_seconds
        if since is None and all_good:
            since = now
        return replace(self, latest=latest, streak=streak, good_since_seconds=since, broken=broken)

    def _breaks(self, sample: Sample, in_a_row: int) -> bool:
        """Whether this bad sample alone ends the watch."""
        soaking = self.good_since_seconds is not None
        return sample.final or (soaking and (sample.brittle or in_a_row >= FAILURES_IN_A_ROW))


def judge(watch: Watch, gate: Gate, elapsed_seconds: float) -> Judgement | None:
    """The verdict as of ``elapsed_seconds`` after the start of the gate; None while it is open."""
    if watch.broken is not None:
        return Judgement(Verdict.FAIL, _sentence(watch.broken), (watch.broken,), elapsed_seconds)
    if watch.good_since_seconds is None:
        return _timed_out(watch, elapsed_seconds) if elapsed_seconds >= gate.timeout_seconds else None
    if elapsed_seconds - watch.good_since_seconds < gate.soak_seconds:
        return None
    lacking = _not_good(watch)
    if not lacking:
        return Judgement(Verdict.PASS, "everything stayed good", (), elapsed_seconds)
    # A streak is under way at the end of the soak: it must end before anything is called good.
    return _timed_out(watch, elapsed_seconds) if elapsed_seconds >= _latest_end(watch, gate) else None


def _latest_end(watch: Watch, gate: Gate) -> float:
    """When a gate that never settles is closed."""
    return max(gate.timeout_seconds, (watch.good_since_seconds or 0.0) + gate.soak_seconds)


def _not_good(watch: Watch) -> tuple[Sample, ...]:
    """The latest samples that stand between the release and a pass."""
    present = [watch.latest[subject] for subject in sorted(watch.subjects) if subject in watch.latest]
    return tuple(s for s in present if s.rejects and s.evidence is not Evidence.GOOD)


def _timed_out(watch: Watch, elapsed_seconds: float) -> Judgement:
    """The verdict when time is up and not everything is good."""
    lacking = _not_good(watch)
    bad = tuple(sample for sample in lacking if sample.evidence is Evidence.BAD)
    if bad:
        return Judgement(Verdict.FAIL, _sentence(bad[0]), bad, elapsed_seconds)
    silent = ", ".join(sorted(watch.subjects - set(watch.latest)))
    reason = _sentence(lacking[0]) if lacking else f"no sample of {silent} was taken"
    return Judgement(Verdict.INCONCLUSIVE, reason, lacking, elapsed_seconds)


def _sentence(sample: Sample) -> str:
    return f"{sample.subject}: {sample.detail}"
