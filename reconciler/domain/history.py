"""What was released when: the commits of a pins file, as values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """One commit that changed the pins of one environment.

    ``revision`` is the full commit id, ``at`` its date with a time zone. ``changes`` are
    ``(service, before, after)`` sorted by service, as image references, empty where there was or is no
    pin. ``rollback_of`` and ``reason`` are the trailers ``Reconcile-Rollback-Of`` (the commit that was
    undone, possibly abbreviated) and ``Reconcile-Reason``; both are empty on a commit that is no rollback.
    """

    environment: str
    revision: str
    at: datetime
    author: str
    subject: str
    changes: tuple[tuple[str, str, str], ...] = ()
    rollback_of: str = ""
    reason: str = ""
