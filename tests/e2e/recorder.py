"""What the engine says about itself while something happens: its events, read by a client of our own."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from docker import APIClient

from tests.bed.tools import wait_until

PROJECT = "com.docker.compose.project"
SERVICE = "com.docker.compose.service"
NUMBER = "com.docker.compose.container-number"
CHANGES_NOTHING = frozenset(
    ("attach", "detach", "exec_create", "exec_die", "exec_start", "export", "health_status", "resize", "top")
)
"""Actions that a look at a container, or its own HEALTHCHECK, brings about."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event of the engine.

    Args:
        at: seconds of the engine's clock.
        kind: container, network, volume or image.
        id: of what it happened to; for a volume its name.
        attributes: of a container its labels too, in one mapping with ``name`` and ``image``.
    """

    at: float
    kind: str
    action: str
    id: str
    attributes: Mapping[str, str] = field(default_factory=dict)

    @property
    def changes(self) -> bool:
        """Whether something was done, and not only looked at."""
        return self.action.partition(":")[0] not in CHANGES_NOTHING

    def concerns(self, ids: Collection[str]) -> bool:
        """Whether it happened to one of these, or to a network or a volume on behalf of one of these."""
        return self.id in ids or self.attributes.get("container", "") in ids

    def __str__(self) -> str:
        return f"{self.kind} {self.action} {self.attributes.get('name', self.id[:12])}"


def event(content: Mapping[str, Any]) -> Event:
    actor = content["Actor"]
    return Event(
        at=content["timeNano"] / 1e9,
        kind=content["Type"],
        action=content["Action"],
        id=actor["ID"],
        attributes=actor.get("Attributes") or {},
    )


class Recorder:
    """All events of one engine, in order, from before the block until after it.

    The engine keeps 256 events, so the stream is open before anything happens. `mark` makes two events of
    its own and waits for them: what happened before has then been read.
    """

    def __init__(self, host: str) -> None:
        self.events: list[Event] = []
        self.ended = False
        self._client = APIClient(base_url=host, version="auto")
        self._marks = f"witness-{secrets.token_hex(6)}"
        self._since = int(time.time())
        self._thread = threading.Thread(target=self._listen, args=(host,), name="recorder", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self.mark()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._make("end")
        self._thread.join(10)
        self._client.close()

    def mark(self) -> int:
        """How many events there are so far, none of them still under way."""
        name = self._make(secrets.token_hex(4))
        wait_until(lambda: self.ended or self._destroyed(name), seconds=10, what="the mark among the events")
        assert not self.ended, "the engine's stream of events has ended"
        return len(self.events)

    def _make(self, name: str) -> str:
        volume = f"{self._marks}-{name}"
        self._client.create_volume(volume)
        self._client.remove_volume(volume)
        return volume

    def _destroyed(self, volume: str) -> bool:
        return any(one.action == "destroy" and one.id == volume for one in reversed(self.events))

    def _listen(self, host: str) -> None:
        client = APIClient(base_url=host, version="auto")
        try:
            for content in client.events(since=self._since, decode=True):
                found = event(content)
                self.events.append(found)
                if found.action == "destroy" and found.id == f"{self._marks}-end":
                    break
        finally:
            self.ended = True
            client.close()
