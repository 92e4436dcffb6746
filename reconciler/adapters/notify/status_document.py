"""Any status page that takes a document: the public state of an environment, put whole at one address.

What is there is replaced each time, so telling it twice is telling it once. As on Statuspage, only what users
notice gets there, and nothing that others wrote.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from reconciler.adapters.notify.event_object import timestamp
from reconciler.adapters.notify.outgoing import Object, Outgoing, as_json
from reconciler.adapters.notify.receipts import known, text, written
from reconciler.adapters.notify.statuspage import BETTER, OPENED, OVER
from reconciler.adapters.notify.wording import incident_of
from reconciler.domain.events import Event, Kind, Message

OPERATIONAL, MONITORING, OUTAGE = "operational", "monitoring", "outage"


@dataclass(frozen=True, slots=True)
class StatusDocumentNotifier:
    """The ``Notifier`` port."""

    outgoing: Outgoing
    url: str
    token: str = field(repr=False)

    def deliver(self, event: Event, earlier: Sequence[Message], *, again: bool) -> str:  # noqa: ARG002
        """See ``ports.Notifier``."""
        if event.kind is Kind.TEST:
            self._ask("GET", None, "read the status")
            return ""
        open_one = text(known(earlier), "incident")
        if not open_one and event.kind is not Kind.ROLLBACK_FAILED:
            return ""
        state = _state(event)
        if state is None:
            return ""
        self._ask("PUT", as_json(_document(event, *state)), "put the status")
        return written({"incident": incident_of(event)})

    def _ask(self, method: str, content: bytes | None, doing: str) -> None:
        headers = (("Authorization", f"Bearer {self.token}"), ("Content-Type", "application/json"))
        answer = self.outgoing.exchange(method, self.url, headers, content, doing)
        if not answer.good:
            hint = "Are the address and its token right?" if answer.status in (401, 403, 404) else ""
            raise self.outgoing.error(answer, doing, answer.text(), hint=hint)


def _state(event: Event) -> tuple[str, str] | None:
    """The state and what is said of it; None where nothing changes for users."""
    match event.kind:
        case Kind.ROLLBACK_FAILED:
            return OUTAGE, OPENED
        case Kind.ROLLED_BACK:
            return MONITORING, BETTER
        case Kind.RECOVERED | Kind.CONVERGED:
            return OPERATIONAL, OVER
        case _:
            return None


def _document(event: Event, state: str, message: str) -> Object:
    return {
        "version": 1,
        "environment": event.environment,
        "state": state,
        "message": message,
        "incident": incident_of(event),
        "updated_at": timestamp(event),
    }
