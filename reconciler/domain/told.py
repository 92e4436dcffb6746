"""What an environment's people were told last, and what that makes of the next event.

It is what keeps a failure that comes back each minute from being told each minute, and what knows that
something is over.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from reconciler.domain.channels import Channel
from reconciler.domain.events import TROUBLE, Event, Kind
from reconciler.domain.severity import Severity, gravest

MOST_SIGNS = 20
"""How many kinds of failures of one trouble are told; whoever has heard of so many knows enough."""

_ENDS_RELEASE = frozenset({Kind.CONVERGED, Kind.ROLLED_BACK, Kind.ROLLBACK_FAILED})


@dataclass(frozen=True, slots=True)
class Trouble:
    """What was told and is not over.

    Args:
        incident: of its events.
        kind: what it is; a rollback that failed stays one, whatever fails after it.
        severity: the gravest that was told.
        since: when it began, in UTC.
        summary: what was told first.
        signs: the kinds of failures that were told; see ``sign``.
        channels: where.
    """

    incident: str
    kind: Kind
    severity: Severity
    since: datetime
    summary: str
    signs: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Told:
    """What was told last.

    Args:
        release: a release that was told to have started, and not yet how it ended; or its rejection, where
            that was told since.
        trouble: what is not over; None where all is well.
    """

    release: Event | None = None
    trouble: Trouble | None = None

    def knows(self, event: Event) -> bool:
        """Whether this was told already, and nothing about it has changed since."""
        if event.kind is Kind.RELEASE_STARTED:
            begun = self.release
            return begun is not None and (begun.revision, begun.moves) == (event.revision, event.moves)
        if event.kind not in TROUBLE or self.trouble is None:
            return False
        return sign(event) in self.trouble.signs or len(self.trouble.signs) >= MOST_SIGNS

    def receivers(self, event: Event, channels: Sequence[Channel]) -> tuple[str, ...]:
        """The names of the channels that are told; of a recovery those that were told of the trouble."""
        if event.kind is not Kind.RECOVERED:
            return tuple(channel.name for channel in channels if channel.takes(event))
        before = self.trouble.channels if self.trouble is not None else ()
        return tuple(channel.name for channel in channels if channel.name in before)

    def after(self, event: Event, channels: Sequence[str]) -> Told:
        """What was told once ``event`` was told to ``channels``."""
        release = self.release
        if event.kind in (Kind.RELEASE_STARTED, Kind.REJECTED):
            release = event
        elif event.kind in _ENDS_RELEASE:
            release = None
        if event.kind is Kind.RECOVERED:
            return Told(release)
        if event.kind in TROUBLE:
            return Told(release, _grown(self.trouble, event, channels))
        return replace(self, release=release)


def sign(event: Event) -> str:
    """The kind of a failure: the same whatever times, numbers and ids are in its words.

    A rollback that fails is another one with each release.
    """
    from reconciler.domain.compare.signatures import signature  # its expressions take a while to compile

    release = f"{event.revision} " if event.kind is Kind.ROLLBACK_FAILED else ""
    return f"{event.kind}: {release}{signature(event.reason or event.summary)}"


def _grown(trouble: Trouble | None, event: Event, channels: Sequence[str]) -> Trouble:
    if trouble is None:
        trouble = Trouble(event.incident, event.kind, event.severity, event.at, event.summary)
    return replace(
        trouble,
        kind=event.kind if event.kind is Kind.ROLLBACK_FAILED else trouble.kind,
        severity=gravest((trouble.severity, event.severity)),
        signs=tuple(dict.fromkeys((*trouble.signs, sign(event)))),
        channels=tuple(dict.fromkeys((*trouble.channels, *channels))),
    )
