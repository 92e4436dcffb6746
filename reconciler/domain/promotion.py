"""Which pins of one environment may go on to the next: those that have proven themselves there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from reconciler.domain.blocking import Block, Good


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of one pin in the environment that it comes from.

    Args:
        service: the service.
        running_since: when the youngest of its containers started, where all of them run this pin and none is
            unwell or restarted by the engine; else None.
        beside: whether a release of it is under way: a predecessor is kept, as no gate has spoken yet.
        good: the gate that passed it, where this host wrote it down; another host may have judged it.
        blocked: where it is blocked, and why; by environment.
    """

    service: str
    running_since: datetime | None
    beside: bool = False
    good: Good | None = None
    blocked: tuple[tuple[str, Block], ...] = ()

    @property
    def good_since(self) -> datetime | None:
        """Since when it is known to be good.

        Where no journal tells, a container that runs alone under its own name tells as much: until its gate
        has passed it, its predecessor would be beside it.
        """
        return self.good.at if self.good is not None else self.running_since


def reservation(evidence: Evidence, soak_seconds: float, now: datetime) -> str:
    """Why a pin may not go on; empty where it may.

    Args:
        evidence: what is known of it.
        soak_seconds: for how long it must have been good.
        now: the time, in UTC.
    """
    if evidence.blocked:
        name, block = evidence.blocked[0]
        return f"it is blocked in {name}: {block.reason}" if block.reason else f"it is blocked in {name}"
    if evidence.beside:
        return "its release is still under way"
    since = evidence.good_since
    if evidence.running_since is None or since is None:
        return "it does not run there as it is pinned, or is not well"
    left = since + timedelta(seconds=soak_seconds) - now
    if left > timedelta(0):
        return f"it is good only since {since:%H:%M:%S} UTC, and needs {_minutes(left)} more"
    return ""


def reference(evidence: Evidence, origin: str) -> str:
    """The evidence in a few words, for the commit.

    Args:
        evidence: of a pin that may go on.
        origin: the environment that it comes from.
    """
    since = evidence.good_since
    told = f"good in {origin} since {since:%Y-%m-%dT%H:%M:%SZ}" if since else f"runs in {origin}"
    return f"{told}, run {evidence.good.run}" if evidence.good and evidence.good.run else told


def _minutes(left: timedelta) -> str:
    seconds = max(1, round(left.total_seconds()))
    return f"{seconds // 60}m{seconds % 60:02}s" if seconds >= 60 else f"{seconds}s"
