"""After an engine came back: whether what runs is reached, as its users reach it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from math import inf

from reconciler.app.converge import Reconciler
from reconciler.app.gatekeeper import CHECKS_AT_ONCE
from reconciler.app.looking import Look
from reconciler.domain.check import Check, Flow, Http, Tcp
from reconciler.domain.gate import Evidence
from reconciler.domain.observed import Health, Observed
from reconciler.domain.reaching import CONTENT_SECONDS, Reach, asked_through

WATCHED_SECONDS = 300.0
"""For how long after the engine's return it is looked at."""
AGAIN_SECONDS = 2.0
"""How soon it is looked at again while somebody is out of reach."""


@dataclass(slots=True)
class Reaching:
    """Services out of reach of one environment. At rest, nothing is asked."""

    _until: float = -inf
    _reach: Reach = field(default_factory=Reach)

    def engine_back(self, now: float) -> None:
        """The engine was away; ``now`` in seconds of a monotonic clock."""
        self._until, self._reach = now + WATCHED_SECONDS, Reach()

    @property
    def suspicious(self) -> bool:
        """Whether somebody is out of reach, and it is too early to do something about it."""
        return any(name not in self._reach.mended for name in self._reach.since)

    def unreached(self, reconciler: Reconciler, now: float) -> dict[str, str]:
        """The services to be restarted, and why; each of them once.

        Raises:
            ReconcileError: the environment cannot be looked at.
        """
        if now > self._until:
            self._reach = Reach()
            return {}
        asked = _asked(reconciler)
        if not asked:
            return {}
        found = reconciler.look()
        out = _out_of_reach(reconciler, asked)
        self._reach = self._reach.saw(out, asked, now)
        due = self._reach.due(_patience(found, reconciler), now)
        self._reach = self._reach.mending(due)
        return dict.fromkeys(due, "it runs, and nobody reaches it since the engine came back")


def _asked(reconciler: Reconciler) -> dict[str, list[Check]]:
    """The checks that ask at published ports, by service."""
    services = reconciler.desired.read(reconciler.environment).desired.services
    found: dict[str, list[Check]] = {}
    for check in reconciler.environment.gate.checks:
        if name := asked_through(check, services):
            found.setdefault(name, []).append(check)
    return found


def _out_of_reach(reconciler: Reconciler, asked: dict[str, list[Check]]) -> frozenset[str]:
    """The services at which every check finds nobody; a wrong answer is an answer."""
    pairs = [(name, check) for name, checks in asked.items() for check in checks]
    with ThreadPoolExecutor(min(len(pairs), CHECKS_AT_ONCE), thread_name_prefix="reach") as pool:
        silent = list(pool.map(lambda pair: _silent(reconciler, pair[1]), pairs))
    reached = {name for (name, _), nobody in zip(pairs, silent, strict=True) if not nobody}
    return frozenset(asked) - reached


def _silent(reconciler: Reconciler, check: Check) -> bool:
    match check.question:
        case Http() | Flow() | Tcp() as question:
            seen = reconciler.host.probe.ask(question, check.time_limit_seconds)
            return seen.evidence is Evidence.UNREADY
        case _:
            return False


def _patience(found: Look, reconciler: Reconciler) -> dict[str, float]:
    """For how long a service may be out of reach: one that still starts gets the time of a release."""
    start = reconciler.environment.gate.timeout_seconds
    names = {entry.name for entry in found.plan.entries if not entry.actions}
    return {name: CONTENT_SECONDS if _healthy(found.observed, name) else start for name in names}


def _healthy(observed: Observed, name: str) -> bool:
    there = [instance for instance in observed.of(name) if instance.running]
    return bool(there) and all(instance.health is Health.HEALTHY for instance in there)
