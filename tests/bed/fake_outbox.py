"""The `Outbox` port in memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock

from reconciler.domain.environment import Environment
from reconciler.domain.events import Delivery, Event, Message
from reconciler.domain.outgoing import left_out
from reconciler.domain.told import Told
from reconciler.errors import PermissionRefused

UNDELIVERED = (Delivery.WAITING, Delivery.SENDING)


@dataclass(slots=True)
class FakeOutbox:
    """One environment's outbox. `events` are those that were put, in order.

    `refuses` makes every writing method fail, as on a disk that is full.
    """

    refuses: bool = False
    events: list[Event] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    last: Told = field(default_factory=Told)
    number: int = 0
    _delivering: Lock = field(default_factory=Lock)

    def told(self, environment: Environment) -> Told:
        """See `ports.Outbox`."""
        return self.last

    def put(self, environment: Environment, event: Event, channels: Sequence[str]) -> None:
        """See `ports.Outbox`."""
        self._writing()
        if any(one.key == event.key for one in self.events):
            return
        self.events.append(event)
        self.last = self.last.after(event, channels)
        for channel in dict.fromkeys(channels):
            self.number += 1
            self.messages.append(Message(self.number, channel, event))
            self._bound(channel)

    def due(self, environment: Environment, at: datetime) -> tuple[Message, ...]:
        """See `ports.Outbox`."""
        first: dict[str, Message] = {}
        for one in self.messages:
            if one.state in UNDELIVERED:
                first.setdefault(one.channel, one)
        return tuple(one for one in first.values() if one.again_at is None or one.again_at <= at)

    def note(self, environment: Environment, message: Message) -> None:
        """See `ports.Outbox`."""
        self._writing()
        self.messages = [message if one.number == message.number else one for one in self.messages]

    def receipts(self, environment: Environment, channel: str, incident: str) -> tuple[Message, ...]:
        """See `ports.Outbox`."""
        return tuple(
            one
            for one in self.messages
            if one.channel == channel and one.state is Delivery.DELIVERED
            if incident and one.event.incident == incident
        )

    def waiting(self, environment: Environment) -> tuple[Message, ...]:
        """See `ports.Outbox`."""
        return tuple(one for one in self.messages if one.state is not Delivery.DELIVERED)

    @contextmanager
    def delivering(self, environment: Environment) -> Iterator[bool]:
        """See `ports.Outbox`."""
        alone = self._delivering.acquire(blocking=False)
        try:
            yield alone
        finally:
            if alone:
                self._delivering.release()

    def _bound(self, channel: str) -> None:
        there = [one for one in self.messages if one.channel == channel and one.state in UNDELIVERED]
        if (too_many := left_out(there)) is not None:
            gone, instead = too_many
            kept = (one for one in self.messages if one.number != gone.number)
            self.messages = [instead if one.number == instead.number else one for one in kept]

    def _writing(self) -> None:
        if self.refuses:
            raise PermissionRefused("the journal cannot be used: no space is left on the device")
