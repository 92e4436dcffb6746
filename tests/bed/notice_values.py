"""What outboxes are filled with in tests, each value with the fewest words."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from reconciler.domain.events import Event, Kind
from reconciler.domain.severity import Severity
from tests.bed.journal_values import AT
from tests.domain.values import COMMIT, image


def event(name: str = "1", kind: Kind = Kind.CONVERGED, **changed: object) -> Event:
    """An event whose key ends in `name`."""
    made = Event(
        key=f"production/{name}",
        kind=kind,
        environment="production",
        at=AT,
        severity=Severity.LOW,
        summary=f"event {name}",
        incident="production/0RUN",
        run="0RUN",
        revision=COMMIT,
        subject="web 2",
        by="dev",
        moves=(("web", image("web", "1"), image("web", "2")),),
    )
    return replace(made, **changed)  # type: ignore[arg-type]  # fields of an event, by name


def failure(name: str, reason: str, **changed: object) -> Event:
    """A pass that failed."""
    later = AT + timedelta(minutes=int(name))
    return event(name, Kind.FAILED, reason=reason, at=later, severity=Severity.MEDIUM, **changed)
