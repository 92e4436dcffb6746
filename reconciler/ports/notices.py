"""Telling people: the outbox, which survives us, and the channels, which may be dead, slow or wrong."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

from reconciler.domain.environment import Environment
from reconciler.domain.events import Event, Message
from reconciler.domain.told import Told


class Outbox(Protocol):
    """Messages that are to be delivered, in the journal of this host.

    Every method may raise ``PermissionRefused`` where it cannot be written or read.
    """

    def told(self, environment: Environment) -> Told:
        """What people were told last, whether it was delivered or not."""

    def put(self, environment: Environment, event: Event, channels: Sequence[str]) -> None:
        """Keep an event for these channels, and that it was told (``Told.after``): both or neither.

        One of the same key that is there already stays as it is. Where more than ``MOST_WAITING`` wait for a
        channel, old ones that matter least are left out, and the next one says how many.
        """

    def due(self, environment: Environment, at: datetime) -> tuple[Message, ...]:
        """The first undelivered message of each channel, where it may be tried at ``at``; oldest first.

        The later ones of a channel wait for it: people are told in order.
        """

    def note(self, environment: Environment, message: Message) -> None:
        """Write down how far a message has come."""

    def receipts(self, environment: Environment, channel: str, incident: str) -> tuple[Message, ...]:
        """What was delivered to a channel about an incident, oldest first."""

    def waiting(self, environment: Environment) -> tuple[Message, ...]:
        """Everything that is not delivered yet, or was given up; oldest first."""

    def delivering(self, environment: Environment) -> AbstractContextManager[bool]:
        """While one process delivers an environment's messages; false where another does just now."""


class Notifier(Protocol):
    """One channel."""

    def deliver(self, event: Event, earlier: Sequence[Message], *, again: bool) -> str:
        """Tell it; returns a receipt (see ``domain.events.Message``).

        Args:
            event: what happened.
            earlier: what this channel was told about the same incident, oldest first.
            again: whether an earlier attempt may have arrived: where the channel has no key of ours to know
                it by, it looks for what is there first.

        Raises:
            NoticeUnreachable: it did not answer, or not usably (429, 5xx): it is tried again later.
            NoticeRefused: it will never take this (401, 403, 404, 410, 422, a wrong setting).
        """
