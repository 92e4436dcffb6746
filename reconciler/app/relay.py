"""Deliver what waits in the outbox of an environment: at least once, in order, and never in anybody's way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from reconciler.domain.channels import Channel
from reconciler.domain.environment import Environment
from reconciler.domain.events import Event, Message
from reconciler.domain.outgoing import as_told, delivered, failed, given_up, sending
from reconciler.errors import NoticeRefused, NoticeUnreachable, ReconcileError
from reconciler.ports import Clock, Notifier, Outbox

LONGEST_DETAILS = 60_000
"""Characters of a report that go with a message: an issue of GitHub has room for 65,536."""


@dataclass(slots=True)
class Relay:
    """Delivers the messages of one environment.

    Args:
        environment: which one, with its channels.
        outbox: where messages wait.
        clock: says when it is time.
        connect: makes what speaks to a channel. May raise ReconcileError: a secret that is missing now may be
            there later, and the messages wait for it.
        details: what more there is to say of an event, as Markdown; empty for nothing. May raise
            ReconcileError.
    """

    environment: Environment
    outbox: Outbox
    clock: Clock
    connect: Callable[[Channel], Notifier]
    details: Callable[[Event], str] = field(default=lambda _event: "")
    _connected: dict[str, Notifier] = field(default_factory=dict)

    def deliver(self, ending: Callable[[], bool] = lambda: False) -> None:
        """Try all that is due, until nothing is or it is to end; nothing where another process does just now.

        Raises:
            PermissionRefused: the outbox cannot be used. What was sent then is sent once more.
        """
        if not self._due():
            return
        with self.outbox.delivering(self.environment) as alone:
            while alone and not ending() and (due := self._due()):
                for message in due:
                    if ending():
                        return
                    self._try(message)

    def _due(self) -> tuple[Message, ...]:
        """What is due, what failed before last: a channel that hangs must not use up the time of others."""
        due = self.outbox.due(self.environment, self.clock.now())
        return tuple(sorted(due, key=lambda message: message.attempts))

    def _try(self, message: Message) -> None:
        """One attempt. It is written down before it is made, as one that failed.

        Whichever way an earlier one failed, it may have arrived: whole, where only its answer got lost, or in
        part, where a channel does several things.
        """
        again = message.attempts > 0
        message = sending(message, self.clock.now())
        self.outbox.note(self.environment, message)
        self.outbox.note(self.environment, self._sent(message, again=again))

    def _sent(self, message: Message, *, again: bool) -> Message:
        channel = next((one for one in self.environment.notify.channels if one.name == message.channel), None)
        if channel is None:
            return given_up(message, "reconcile.yaml has no channel of this name any more")
        try:
            notifier = self._notifier(channel)
            event = as_told(message)
            event = replace(event, details=self.details(event)[:LONGEST_DETAILS])
            earlier = self.outbox.receipts(self.environment, channel.name, event.incident)
        except ReconcileError as error:
            return failed(message, self.clock.now(), error.problem)
        try:
            return delivered(message, notifier.deliver(event, earlier, again=again))
        except NoticeRefused as error:
            return given_up(message, error.problem)
        except NoticeUnreachable as error:
            return failed(message, self.clock.now(), error.problem, error.after_seconds)
        except ReconcileError as error:
            return failed(message, self.clock.now(), error.problem)

    def _notifier(self, channel: Channel) -> Notifier:
        if channel.name not in self._connected:
            self._connected[channel.name] = self.connect(channel)
        return self._connected[channel.name]
