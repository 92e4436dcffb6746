"""A remote branch, asked in intervals where it is."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

from reconciler.domain.backoff import Backoff
from reconciler.domain.source import Source
from reconciler.domain.triggers import Cause, Wake
from reconciler.errors import ReconcileError
from reconciler.ports import Clock, Upstream

USUAL_POLL_SECONDS = 30.0
LONGEST_SECONDS = 600.0
_LOOK_SECONDS = 0.25


def _ignore(_text: str) -> None:
    """Nobody wants to know."""


class RemoteTrigger:
    """Polls a remote branch, and fetches only when it moved (``ports.Trigger``).

    Pauses are a tenth to a fifth shorter than the interval: many hosts do not ask at once, and the interval
    is the longest that a commit waits, with the time that asking and fetching take. While the remote cannot
    be reached, pauses double up to 10 minutes; what was accepted before stays.

    Args:
        upstream: the branch.
        clock: says since when it cannot be reached.
        chance: returns a number from 0 to 1.
        poll_seconds: the interval.
        note: hears each time that something about it is new to people, one sentence at a time.
    """

    def __init__(
        self,
        upstream: Upstream,
        clock: Clock,
        chance: Callable[[], float],
        *,
        poll_seconds: float = USUAL_POLL_SECONDS,
        note: Callable[[str], None] = _ignore,
    ) -> None:
        self._upstream = upstream
        self._clock = clock
        self._chance = chance
        self._poll_seconds = poll_seconds
        self._backoff = Backoff(poll_seconds, max(LONGEST_SECONDS, poll_seconds))
        self._note = note
        self._hurry = threading.Event()
        self._source = Source(upstream.url, upstream.branch, accepted=upstream.accepted)

    @property
    def source(self) -> Source:
        """What is known by now; another value each time that something changes."""
        return self._source

    def hurry(self) -> None:
        """Ask the remote now, whatever the interval says."""
        self._hurry.set()

    def moved(self) -> str:
        """Ask the remote whether it moved since it was asked last; says so in words, and has it fetched.

        Empty where it did not, or where it does not answer: who wants to know it then goes on without.
        """
        if self._source.failures:
            return ""
        try:
            tip = self._upstream.tip()
        except ReconcileError:
            return ""
        if tip is None or tip == self._source.tip:
            return ""
        self.hurry()
        return f"{self._source.branch} is at {tip[:7]} by now"

    def run(self, wake: Callable[[Wake], None], stopping: threading.Event) -> None:
        """See ``ports.Trigger.run``."""
        while not stopping.is_set():
            self._hurry.clear()
            before = self._source
            now = self._asked(before)
            if stopping.is_set():  # a remote that was left for that reason is not out of reach
                return
            self._source = now
            self._tell(before, now)
            if self._source.accepted != before.accepted:
                at = f"{self._source.branch} is at {self._source.accepted[:7]}"
                wake(Wake(Cause.COMMIT, detail=at))
            self._wait(stopping)

    def _asked(self, before: Source) -> Source:
        """What is known once the remote was asked."""
        try:
            tip = self._upstream.tip()
            now = replace(
                before, answered_at=self._clock.now(), failing_since=None, failures=0, why="", tip=tip or ""
            )
            if tip is None:
                kept = f"; {before.accepted[:7]} is kept" if before.accepted else ""
                return replace(now, remark=f"there is no branch {before.branch} at the remote{kept}")
            if tip == before.tip:
                return now
            arrival = self._upstream.fetch(tip)
        except ReconcileError as error:
            since = before.failing_since or self._clock.now()
            return replace(before, failing_since=since, failures=before.failures + 1, why=str(error))
        return replace(now, accepted=arrival.accepted, remark=arrival.remark)

    def _tell(self, before: Source, now: Source) -> None:
        if now.why and now.why != before.why:
            self._note(f"The remote cannot be followed: {now.why}")
        if before.why and not now.why:
            self._note("The remote can be followed again")
        if now.remark and now.remark != before.remark:
            self._note(f"About branch {now.branch}: {now.remark}")

    def _wait(self, stopping: threading.Event) -> None:
        """Until it is time to ask again, somebody is in a hurry, or we are stopping."""
        chance, failures = self._chance(), self._source.failures
        usual = self._poll_seconds * (0.8 + chance / 10)
        ends = self._clock.monotonic() + (self._backoff.after(failures, chance) if failures else usual)
        while not stopping.is_set() and (left := ends - self._clock.monotonic()) > 0:
            if self._hurry.wait(min(left, _LOOK_SECONDS)):
                return
