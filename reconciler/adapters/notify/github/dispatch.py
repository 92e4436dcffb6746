"""An event that starts workflows.

GitHub has nothing by which it would know one again: after an attempt whose answer got lost it comes twice,
with the same ``key``. https://docs.github.com/en/rest/repos/repos#create-a-repository-dispatch-event
"""

from __future__ import annotations

from reconciler.adapters.notify.event_object import event_object, moves_object
from reconciler.adapters.notify.github.api import Api
from reconciler.domain.events import Event

# GitHub takes at most ten, and less than 64 KB.
_NAMES = ("key", "environment", "at", "severity", "summary", "incident", "run", "revision", "reason")
_MOST_MOVES = 20


def dispatch(api: Api, event: Event) -> None:
    """Send ``reconcile.<kind>``."""
    told = event_object(event)
    payload = {name: told[name] for name in _NAMES} | {"moves": moves_object(event, _MOST_MOVES)}
    content = {"event_type": f"reconcile.{event.kind}", "client_payload": payload}
    api.post("/dispatches", content, "start workflows")
