"""Events of one release, as a pass would tell them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from reconciler.domain.events import Delivery, Event, Kind, Message
from reconciler.domain.severity import Severity

BAD = "8f3c2d1aa0f2b0e4c1d6a7b8c9d0e1f2a3b4c5d6"
DIGEST = "sha256:" + "a" * 64
LINK = "https://ops.example.org/runs/{run}"


def event(kind: Kind, run: str = "01J9ZM02QX", **others: Any) -> Event:
    """An event of a release of the backend in production."""
    usual: dict[str, Any] = {
        "key": f"production/{run}/{kind}",
        "kind": kind,
        "environment": "production",
        "at": datetime(2026, 9, 30, 14, 0, tzinfo=UTC),
        "severity": Severity.CRITICAL,
        "summary": f"the release of backend 1.8.2 → 1.8.3 in production: {kind}",
        "incident": f"production/{run}",
        "run": run,
        "revision": BAD,
        "subject": "production: backend 1.8.2 → 1.8.3",
        "by": "Anna Example",
        "moves": (
            ("backend", f"ghcr.io/kompass/backend:1.8.2@{DIGEST}", f"ghcr.io/kompass/backend:1.8.3@{DIGEST}"),
        ),
        "reason": "check backend: 503 Service Unavailable",
    }
    return Event(**(usual | others))


class Conversation:
    """Messages to one channel, with the receipts of those before, as an outbox keeps them."""

    def __init__(self, notifier: Any) -> None:
        self.notifier = notifier
        self.delivered: list[Message] = []

    def tell(self, one: Event, *, again: bool = False) -> str:
        earlier = [message for message in self.delivered if message.event.incident == one.incident]
        receipt: str = self.notifier.deliver(one, earlier, again=again)
        number = len(self.delivered) + 1
        self.delivered.append(Message(number, "it", one, Delivery.DELIVERED, receipt=receipt))
        return receipt

    def tell_all(self, kinds: Sequence[Kind], run: str = "01J9ZM02QX", **others: Any) -> None:
        for kind in kinds:
            self.tell(event(kind, run, **others))


def hostile(text: str) -> Event:
    """An event in which everything that others write is ``text``."""
    whole = replace(
        event(Kind.REJECTED), summary=f"the release of {text} was rejected", subject=text, by=text
    )
    return replace(whole, reason=text, moves=((text, text, text),))
