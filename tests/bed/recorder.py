"""The `Notifier` port, which records what it is told, and fails where it is told to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from reconciler.domain.channels import Channel, Command, Notify
from reconciler.domain.events import Event, Kind, Message
from reconciler.domain.severity import Severity
from reconciler.errors import ReconcileError


@dataclass(slots=True)
class Recorder:
    """`fails` is what it raises for as long as it is set; `before` is called before it records anything."""

    events: list[Event] = field(default_factory=list)
    earlier: list[tuple[Message, ...]] = field(default_factory=list)
    again: list[bool] = field(default_factory=list)
    tried: int = 0
    fails: ReconcileError | None = None
    before: Callable[[], object] = field(default=lambda: None)

    def deliver(self, event: Event, earlier: Sequence[Message], *, again: bool) -> str:
        """See `ports.Notifier`."""
        self.tried += 1
        self.before()
        if self.fails is not None:
            raise self.fails
        self.events.append(event)
        self.earlier.append(tuple(earlier))
        self.again.append(again)
        return f'{{"number": {len(self.events)}}}'

    @property
    def kinds(self) -> list[str]:
        """What it was told, in order."""
        return [str(event.kind) for event in self.events]


def channel(name: str = "hook", severity: Severity = Severity.LOW, kinds: Sequence[Kind] = ()) -> Channel:
    return Channel(name, Command(("tell",)), severity, tuple(kinds))


def notify(*names: str) -> Notify:
    """Channels that are told everything."""
    return Notify(tuple(channel(name) for name in names or ("hook",)))
