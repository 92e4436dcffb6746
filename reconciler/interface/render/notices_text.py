"""What people are still to be told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from reconciler.domain.events import Delivery, Message
from reconciler.domain.foreign import foreign
from reconciler.interface.render.phrases import count, duration
from reconciler.interface.render.style import Style, table

_HEADING = ("ENVIRONMENT", "CHANNEL", "EVENT", "STATE", "SINCE", "TRIED", "AGAIN", "TROUBLE")


def notices_text(waiting: Mapping[str, Sequence[Message]], now: datetime, style: Style) -> str:
    """A table of messages.

    Args:
        waiting: those of each environment, oldest first.
        now: in UTC.
        style: how it looks.
    """
    rows = [_row(name, one, now) for name, messages in waiting.items() for one in messages]
    if not rows:
        return "Nothing waits: everybody was told."
    return "\n".join(table([_HEADING, *rows], style))


def undelivered_lines(messages: Sequence[Message], now: datetime) -> list[str]:
    """For each channel, how much it was not told and why, in a sentence."""
    lines = []
    for channel in dict.fromkeys(one.channel for one in messages):
        mine = [one for one in messages if one.channel == channel]
        waits = [one for one in mine if one.state is not Delivery.GIVEN_UP]
        for kept, verb in (
            (waits, "not delivered yet"),
            ([one for one in mine if one not in waits], "given up"),
        ):
            # What was just put is on its way, and no news.
            tried = [one for one in kept if one.attempts]
            if tried:
                since = duration(max((now - kept[0].event.at).total_seconds(), 0.0))
                why = f": {foreign(tried[-1].trouble, 120)}" if tried[-1].trouble else ""
                lines.append(
                    f"{foreign(channel, 40)}: {count(len(kept), 'message')} {verb} (since {since}){why}"
                )
    return lines


def _row(name: str, one: Message, now: datetime) -> tuple[str, ...]:
    again = max((one.again_at - now).total_seconds(), 0.0) if one.again_at is not None else None
    return (
        foreign(name, 40),
        foreign(one.channel, 40),
        str(one.event.kind),
        str(one.state),
        duration(max((now - one.event.at).total_seconds(), 0.0)),
        str(one.attempts),
        "-" if again is None else f"in {duration(again)}",
        foreign(one.trouble, 100) or "-",
    )
