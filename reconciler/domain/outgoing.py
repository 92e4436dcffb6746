"""What becomes of messages that wait, and of one after each attempt to deliver it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice

from reconciler.domain.events import Delivery, Event, Message, pauses
from reconciler.domain.severity import Severity

MOST_WAITING = 1000
"""How many messages may wait for one channel."""
LONGEST_TROUBLE = 300
LONGEST_ASKED_SECONDS = 86_400.0

_LEAST_FIRST = (Severity.LOW, Severity.MEDIUM, Severity.HIGH, Severity.CRITICAL)


def left_out(waiting: Sequence[Message]) -> tuple[Message, Message] | None:
    """The message that is left out where too many wait for a channel, and the one that says so instead.

    It is the oldest of those that matter least; the one that follows it speaks for it. One that is being sent
    stays, and so does the last.

    Args:
        waiting: all that are not delivered to one channel, oldest first.
    """
    if len(waiting) <= MOST_WAITING:
        return None
    candidates = [place for place, one in enumerate(waiting[:-1]) if one.state is not Delivery.SENDING]
    place = min(candidates, key=lambda at: weight(waiting[at].event.severity))
    gone, next_one = waiting[place], waiting[place + 1]
    return gone, speaking_for(next_one, gone)


def weight(severity: Severity) -> int:
    """How much a message matters where some have to be left out: 0 is least."""
    return _LEAST_FIRST.index(severity)


def speaking_for(message: Message, gone: Message) -> Message:
    """A message that says that the one before it is missing."""
    return replace(message, merged=message.merged + gone.merged + 1)


def as_told(message: Message) -> Event:
    """The event as it is told: with how many earlier ones are missing."""
    if not message.merged:
        return message.event
    count = "1 earlier message" if message.merged == 1 else f"{message.merged} earlier messages"
    verb = "is" if message.merged == 1 else "are"
    summary = f"{message.event.summary} ({count} {verb} left out, because too many waited)"
    return replace(message.event, summary=summary)


def sending(message: Message, at: datetime) -> Message:
    """About to be sent. It is written down as an attempt that failed: should we be killed, it was one.

    So a channel that hangs for longer than we live is not asked again each time that we begin.
    """
    pause = next(islice(pauses(), message.attempts, None))
    return replace(
        message,
        state=Delivery.SENDING,
        attempts=message.attempts + 1,
        again_at=at + timedelta(seconds=pause),
    )


def delivered(message: Message, receipt: str) -> Message:
    """What was being sent has arrived."""
    return replace(message, state=Delivery.DELIVERED, again_at=None, receipt=receipt, trouble="")


def failed(message: Message, at: datetime, trouble: str, after_seconds: float = 0.0) -> Message:
    """What was being sent did not arrive, and is tried again.

    Args:
        message: as it was when it was sent, with the pause that follows.
        at: now, in UTC.
        trouble: why, without any secret.
        after_seconds: how long the channel asks us to wait, at the least; a day is believed.
    """
    asked = at + timedelta(seconds=min(after_seconds, LONGEST_ASKED_SECONDS))
    again = max(asked, message.again_at or at)
    return replace(message, state=Delivery.WAITING, again_at=again, trouble=trouble[:LONGEST_TROUBLE])


def given_up(message: Message, trouble: str) -> Message:
    """What was being sent will never be taken."""
    return replace(message, state=Delivery.GIVEN_UP, again_at=None, trouble=trouble[:LONGEST_TROUBLE])
