"""An event as a JSON object, for machines: every text in it is harmless on a screen and in a log."""

from __future__ import annotations

from datetime import UTC
from typing import Any

from reconciler.adapters.notify.markdown import bounded
from reconciler.adapters.notify.wording import shortened
from reconciler.domain.events import Event
from reconciler.domain.foreign import foreign_lines

MOST_DETAILS_BYTES = 64 * 1024
MOST_MOVES = 100


def event_object(event: Event) -> dict[str, Any]:
    """All of it. What is too long is shortened."""
    return {
        "key": shortened(event.key, 300),
        "kind": str(event.kind),
        "environment": shortened(event.environment, 100),
        "at": timestamp(event),
        "severity": str(event.severity),
        "summary": shortened(event.summary, 500),
        "incident": shortened(event.incident, 300),
        "run": shortened(event.run, 100),
        "revision": shortened(event.revision, 100),
        "subject": shortened(event.subject, 200),
        "by": shortened(event.by, 200),
        "moves": moves_object(event, MOST_MOVES),
        "reason": shortened(event.reason, 1000),
        "details": bounded("\n".join(foreign_lines(event.details)), MOST_DETAILS_BYTES),
    }


def moves_object(event: Event, most: int) -> list[dict[str, str]]:
    """Services with their images, at most ``most``."""
    return [
        {"service": shortened(name, 100), "before": shortened(before, 250), "after": shortened(after, 250)}
        for name, before, after in event.moves[:most]
    ]


def timestamp(event: Event) -> str:
    """When it happened, as RFC 3339 has it."""
    return f"{event.at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}Z"
