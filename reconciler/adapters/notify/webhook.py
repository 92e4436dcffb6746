"""A signed POST to any address, as Standard Webhooks has it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from reconciler.adapters.notify.event_object import event_object, timestamp
from reconciler.adapters.notify.outgoing import Outgoing, as_json
from reconciler.adapters.notify.signature import message_id, signed
from reconciler.domain.events import Event, Message


@dataclass(frozen=True, slots=True)
class WebhookNotifier:
    """The ``Notifier`` port; see ``signature.keys_of`` for the keys."""

    outgoing: Outgoing
    url: str = field(repr=False)
    keys: tuple[bytes, ...] = field(repr=False)

    def deliver(self, event: Event, earlier: Sequence[Message], *, again: bool) -> str:  # noqa: ARG002
        """See ``ports.Notifier``. What comes twice has the same ``webhook-id``: a receiver knows it again."""
        content = {
            "type": f"reconcile.{event.kind}",
            "timestamp": timestamp(event),
            "data": event_object(event),
        }
        body = as_json(content)
        headers = signed(message_id(event.key), int(time.time()), body, self.keys)
        doing = "take an event"
        answer = self.outgoing.exchange(
            "POST", self.url, (("Content-Type", "application/json"), *headers), body, doing
        )
        if not answer.good:
            hint = "The receiver wants no more events." if answer.status == 410 else ""
            raise self.outgoing.error(answer, doing, answer.text(), hint=hint)
        return ""
